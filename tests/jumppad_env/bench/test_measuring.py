from jumppad_env.bench.measuring import ROUNDS, in_turns, steps_per_second


def test_all_environments_of_a_step_are_counted():
    calls = []

    def step(index: int) -> int:
        calls.append(index)
        return 64

    rate, following = steps_per_second(step, 7, 0.01)
    assert calls == list(range(7, following)) and rate > 64 * 100
    assert steps_per_second(step, 0, 0.0)[1] == 1, "once at least"


def test_rounds_measure_all_in_turns_and_no_index_twice():
    calls: list[tuple[str, int]] = []

    def counting(name: str, rows: int):
        def step(index: int) -> int:
            calls.append((name, index))
            return rows

        return step

    rates = in_turns({"one": counting("one", 1), "two": counting("two", 2)}, 0.0)  # a call each per round
    assert calls == [(name, index) for index in range(ROUNDS + 1) for name in ("one", "two")]
    assert [len(several) for several in rates.values()] == [ROUNDS, ROUNDS]
