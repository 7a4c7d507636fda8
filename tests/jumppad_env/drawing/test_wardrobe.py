"""The cache of looks: a look always gives the same pixels, whatever was drawn before or in other threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import gymnasium
import numpy as np
import pytest

from jumppad_env.drawing import Painter
from jumppad_env.drawing import painter as painter_module
from jumppad_env.drawing.painter import FEW
from jumppad_env.world import World
from jumppad_env.world.state import LOOK, LOOKS

SIZE = (16, 24)


def states_of(numbers) -> np.ndarray:
    world = World(1)
    world.place(0, "rider", np.zeros(3))
    states = np.tile(world.get_state(0), (len(numbers), 1))
    states[:, LOOK] = numbers
    return states


def draw(painter: Painter, numbers, mask: np.ndarray | None = None) -> np.ndarray:
    frames = np.full((len(numbers), *SIZE, 3), 7, np.uint8)
    painter.draw(states_of(numbers), ["rider"] * len(numbers), frames, mask)
    return frames


@pytest.fixture(scope="module")
def expected() -> dict[int, np.ndarray]:
    """Frames of looks, each drawn by a fresh painter."""
    return {number: draw(Painter(*SIZE, variety="high"), [number])[0] for number in range(60)}


def memory(painter: Painter) -> int:
    """Memory of the cached looks, bytes."""
    wardrobe = painter._wardrobe
    return sum(array.nbytes for array in (*wardrobe.looks, *wardrobe.shades))


@pytest.mark.parametrize("count", [1, 3, 11])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_look_is_the_same_after_being_evicted(expected, count, threads):
    painter = Painter(*SIZE, variety="high", threads=threads)
    generator = np.random.default_rng(0)
    first = list(range(count))
    most = 0
    for turn in range(40):
        numbers = first if turn % 8 == 0 else generator.integers(60, size=count).tolist()
        frames = draw(painter, numbers)
        assert all(np.array_equal(frame, expected[number]) for frame, number in zip(frames, numbers, strict=True))
        most = max(most, len(painter._wardrobe.shades))
    assert count < most <= 4 * (count + 4), "room doubles, and is enough at 2 * count + 8"
    painter.close()


def test_fine_frames_come_back_the_same_too():
    numbers = list(range(8))
    fresh = [draw(Painter(*SIZE, variety="high", fine=True), [number])[0] for number in numbers]
    for threads in (1, 3):
        painter = Painter(*SIZE, variety="high", fine=True, threads=threads)
        assert np.array_equal(draw(painter, numbers), fresh)
        draw(painter, list(range(10, 40)))
        assert np.array_equal(draw(painter, numbers[::-1])[::-1], fresh)
        painter.close()


def test_rows_outside_the_mask_are_unchanged_and_get_no_look(expected):
    painter = Painter(*SIZE, variety="high", threads=3)
    generator = np.random.default_rng(1)
    for _ in range(30):
        numbers, mask = generator.integers(60, size=2 * FEW + 5), generator.random(2 * FEW + 5) < 0.6
        frames = draw(painter, np.where(mask, numbers, -1), mask)
        assert (frames[~mask] == 7).all()
        assert all(np.array_equal(frames[row], expected[int(numbers[row])]) for row in np.flatnonzero(mask))
    painter.close()


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("before", [0, 3, 30])
@pytest.mark.parametrize(("place", "count"), [("make_look", 1), ("pack_shades", 1), ("pack_shades", 15)])
def test_interrupting_the_making_of_a_look_corrupts_no_other(expected, monkeypatch, place, count, before):
    painter = Painter(*SIZE, variety="high")
    for number in range(before):
        draw(painter, [number])
    with monkeypatch.context() as patched:
        patched.setattr(painter_module, place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            draw(painter, [*range(30, 30 + count)])
    for number in (31, *range(29, 15, -1), 30, 31, 26, 2, 1, 0, 2):
        assert np.array_equal(draw(painter, [number])[0], expected[number]), number
    painter.close()


def test_interrupting_the_making_of_the_only_look_corrupts_nothing(monkeypatch):
    painter, other = Painter(*SIZE), Painter(*SIZE)
    with monkeypatch.context() as patched:
        patched.setattr(painter_module, "pack_shades", interrupted)
        with pytest.raises(KeyboardInterrupt):
            draw(painter, [0])
    assert np.array_equal(draw(painter, [0]), draw(other, [0]))
    painter.close()
    other.close()


def test_a_thread_left_behind_by_an_interrupt_writes_into_no_later_frame(expected, monkeypatch):
    painter = Painter(*SIZE, variety="high", threads=2)
    late, numbers = threading.Event(), list(range(3 * FEW))

    def wait(_) -> None:
        late.set()
        raise KeyboardInterrupt

    class Slow(painter_module._Brush):
        def draw(self, *arguments) -> None:
            if threading.current_thread() is not threading.main_thread() and not late.is_set():
                late.wait()  # until the thread that waits for this one has been interrupted
                time.sleep(0.2)
            super().draw(*arguments)

    frames = np.zeros((len(numbers), *SIZE, 3), np.uint8)
    with monkeypatch.context() as patched:
        patched.setattr(painter_module, "_Brush", Slow)
        patched.setattr(painter_module, "wait", wait)
        with pytest.raises(KeyboardInterrupt):
            painter.draw(states_of(numbers), ["rider"] * len(numbers), frames)
    later = numbers[::-1]
    painter.draw(states_of(later), ["rider"] * len(later), frames)
    time.sleep(0.3)
    assert all(np.array_equal(frame, expected[number]) for frame, number in zip(frames, later, strict=True))
    painter.close()


def test_many_frames_of_few_looks_take_the_memory_of_few():
    long, short = Painter(*SIZE, variety="high"), Painter(*SIZE, variety="high")
    draw(long, np.arange(3000) % 2)
    for number in range(100):
        draw(long, [number, number + 1])
        draw(short, [number, number + 1])
    assert memory(long) == memory(short) < 2e6


def test_a_closed_painter_frees_its_memory():
    painter = Painter(*SIZE, variety="high")
    draw(painter, list(range(20)))
    assert memory(painter) > 5e5
    painter.close()
    assert memory(painter) == 0


@pytest.mark.parametrize("look", [-1, 0.5, LOOKS, np.nan, np.inf])
def test_an_invalid_look_is_one_clear_error(look):
    message = f"look {np.float64(look)}, expected a whole number from 0 to {LOOKS - 1}"
    painter = Painter(*SIZE, variety="paper")
    with pytest.raises(ValueError, match=message):
        draw(painter, [0, look])
    env = gymnasium.make("JumppadState-v0", variety="paper", render_size=SIZE)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.unwrapped.render_state(states_of([look])[0])  # pyright: ignore[reportAttributeAccessIssue]
    if np.isfinite(look):
        with pytest.raises(ValueError, match=message):
            env.unwrapped.set_state(states_of([look])[0])  # pyright: ignore[reportAttributeAccessIssue]
    env.close()


def test_several_threads_can_share_a_painter(expected):
    painter = Painter(*SIZE, variety="high", threads=2)

    def work(seed: int) -> bool:
        generator = np.random.default_rng(seed)
        good = True
        for _ in range(25):
            numbers = generator.integers(60, size=int(generator.integers(1, 2 * FEW))).tolist()
            frames = draw(painter, numbers)
            good &= all(np.array_equal(frame, expected[number]) for frame, number in zip(frames, numbers, strict=True))
        return good

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))
    painter.close()


def test_a_painter_can_be_closed_while_other_threads_draw():
    for _ in range(10):
        painter = Painter(*SIZE, variety="high", threads=3)
        begun, errors = threading.Barrier(4), []

        def work(painter=painter, begun=begun, errors=errors) -> None:
            begun.wait()
            try:
                while True:
                    draw(painter, list(range(2 * FEW)))
            except Exception as error:
                errors.append(type(error))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        begun.wait()
        draw(painter, [1])
        painter.close()
        for thread in threads:
            thread.join()
        assert errors == [gymnasium.error.ClosedEnvironmentError] * 3
        assert painter._pool is None and not painter._brushes, "nothing was started after the end"
