"""Which pair is asked next."""

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from baselines.preferences.people.pairs import LEASE, Asking, Questions, worth
from baselines.preferences.people.store import AnswerStore


@pytest.fixture
def make(tmp_path):
    """Returns questions about 40 episodes."""
    store = AnswerStore(tmp_path, {"question": "Which?"})
    with closing(store):
        yield lambda truth=None, **asking: Questions(store, Asking(**{"repeats": 0.0, **asking}), 40, 0, truth)


def answer(questions, annotator, count, what="left", now=0.0):
    """Answers some pairs and returns them."""
    done = []
    for _ in range(count):
        (show,) = questions.next(annotator, 1, now)
        questions.store.answer(show.id, annotator, what, 1.0, 1, now)
        done.append(show)
    return done


def test_nothing_is_asked_twice_and_a_break_is_no_loss(make):
    questions = make()
    first = questions.next("Ada", 3, 0.0)
    assert questions.next("Ada", 3, 9e9) == first and questions.next("Ada", 2, 0.0) == first[:2]
    done = answer(questions, "Ada", 30)
    assert len({frozenset((show.left, show.right)) for show in done}) == 30, "in no order"
    assert done[:3] == first


def test_held_out_pairs_share_no_episode_with_training_and_are_random(make):
    questions = make(selection="disagreement")
    questions.judge = lambda first, second: np.stack([first < second, first % 2 == 0]).astype(float)
    answer(questions, "Ada", 60)
    given = questions.store.given()
    parts = {
        part: {e for one in given if one.purpose == part for e in (one.first, one.second)}
        for part in ("train", "held_out")
    }
    assert not parts["train"] & parts["held_out"] and all(parts.values())
    assert 5 <= sum(one.purpose == "held_out" for one in given) <= 27
    with questions.store.transaction() as rows:
        ways = set(rows.execute("SELECT purpose, chosen_by FROM pairs").fetchall())
    assert ways == {("train", "disagreement"), ("held_out", "random")}


def test_the_worth_of_an_answer():
    probabilities = np.array([[0.5, 0.9, 0.1, 0.99], [0.5, 0.9, 0.9, 0.01]])
    assert worth(probabilities, "disagreement").argmax() == 3
    information = worth(probabilities, "information")
    assert information[0] == pytest.approx(0.0) == information[1], "models that agree learn nothing, however unsure"
    assert information.argmax() == 3 and information[3] == pytest.approx(np.log(2), abs=0.06)


def test_sides_are_drawn_at_random_and_recorded(make):
    questions = make()
    answer(questions, "Ada", 60)
    assert 15 < sum(one.swapped for one in questions.store.given()) < 45


def test_a_repeat_exchanges_the_sides_of_an_earlier_pair(make):
    questions = make(repeats=0.5)
    answer(questions, "Ada", 60)
    given = questions.store.given()
    first = {one.pair: one for one in given if not one.repeat}
    again = [one for one in given if one.repeat]
    assert len(again) > 10 and len({one.pair for one in again}) == len(again), "each once"
    assert all(one.swapped != first[one.pair].swapped for one in again)
    assert not any(one.repeat for one in given[:8])


def test_golden_pairs_differ_in_what_is_known(make):
    truth = (np.arange(40) % 3 == 0).astype(float)
    questions = make(truth, golden=0.5)
    answer(questions, "Ada", 40)
    golden = [one for one in questions.store.given() if one.purpose == "golden"]
    assert len(golden) > 8 and all(truth[one.first] != truth[one.second] for one in golden)
    assert all(one.known == float(truth[one.first] > truth[one.second]) for one in golden)


def test_several_people_answer_each_pair_and_no_more(make):
    questions = make(labels_per_pair=2)
    for name in ("Ada", "Bob", "Cleo"):
        answer(questions, name, 12)
    people = {}
    for one in questions.store.given():
        people.setdefault(one.pair, []).append(one.annotator)
    assert {tuple(names) for names in people.values()} >= {("Ada", "Bob")}
    assert all(len(set(names)) == len(names) <= 2 for names in people.values())


def test_what_somebody_left_is_asked_of_another_after_a_while(make):
    questions = make()
    (left,) = questions.next("Ada", 1, 0.0)
    (other,) = questions.next("Bob", 1, LEASE - 1)
    assert other.pair != left.pair
    (third,) = questions.next("Cleo", 1, LEASE + 1)
    assert third.pair == left.pair


def test_what_was_taken_back_and_left_is_asked_of_another(make):
    questions = make()
    (done,) = answer(questions, "Ada", 1)
    questions.store.undo("Ada", 0.0)
    assert questions.next("Bob", 1, 1.0)[0].pair != done.pair
    assert questions.next("Cleo", 1, LEASE + 1)[0].pair == done.pair


def test_where_all_pairs_were_asked_they_are_asked_again(tmp_path):
    with closing(AnswerStore(tmp_path / "few", {"question": "Which?"})) as store:
        questions = Questions(store, Asking(repeats=0.0), 8, 0)
        assert len(answer(questions, "Ada", 30)) == 30


def test_other_machines_ask_other_pairs(tmp_path):
    asked = []
    for name in ("one", "other"):
        with closing(AnswerStore(tmp_path / name, {"question": "Which?"})) as store:
            asked.append([(show.left, show.right) for show in Questions(store, Asking(), 40, 0).next("Ada", 5, 0.0)])
    assert asked[0] != asked[1]


def test_impossible_wishes_are_refused(make):
    wishes: list[dict[str, Any]] = [{"labels_per_pair": 0}, {"held_out": 0.9}, {"repeats": -0.1}]
    for wrong in wishes:
        with pytest.raises(ValueError, match="must be at least 1|is a share"):
            Asking(**wrong)
    with pytest.raises(ValueError, match="at least 8 episodes, got 3"):
        Questions(make().store, Asking(), 3, 0)
