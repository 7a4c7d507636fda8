"""How far answers can be trusted, by cases of known answers."""

import numpy as np
import pytest

from baselines.preferences.people.agreement import krippendorff_alpha, pairwise_kappas, sides, trust
from baselines.preferences.people.store import Given


def given(pair, annotator, answer, **more):
    known = {"first": 0, "second": 1, "purpose": "train", "known": None, "swapped": False, "repeat": False}
    known |= {"seconds": 1.0, "answered": 0.0, "key": f"{pair} {annotator} {more.get('repeat')}"} | more
    return Given(pair=pair, annotator=annotator, answer=answer, **known)


def test_people_agree_with_themselves_if_a_repeat_says_the_same_of_the_episodes():
    answers = [given(pair, "Ada", "left") for pair in range(4)]
    answers += [given(pair, "Ada", "right", swapped=True, repeat=True) for pair in range(3)]
    answers += [given(3, "Ada", "left", swapped=True, repeat=True), given(0, "Bob", "left", repeat=True)]
    found = trust(answers)["consistent"]
    assert found["share"] == 0.75 and found["of"] == 4 and found["ci95"][0] < 0.75 < found["ci95"][1]


def test_known_answers_and_the_formula_are_compared():
    truth = np.array([1.0, 0.0, 0.0])
    answers = [
        given(0, "Ada", "left", purpose="golden", known=1.0),
        given(1, "Ada", "right", purpose="golden", known=1.0),
    ]
    answers += [given(2, "Ada", "left", first=1, second=2), given(3, "Ada", "unsure")]
    found = trust(answers, truth)
    assert found["golden"]["share"] == 0.5 and found["golden"]["of"] == 2
    assert found["synthetic"]["of"] == 2, "episodes of equal value tell nothing"
    assert found["kinds"] == {"left": 2, "right": 1, "unsure": 1} and trust([])["golden"] is None


def test_a_taste_for_a_side_is_tested():
    assert sides([given(i, "Ada", "left") for i in range(5)] + [given(9, "Ada", "right")])["p"] == pytest.approx(
        0.21875
    )
    assert sides([given(i, "Ada", "left") for i in range(10)])["p"] == pytest.approx(2 / 2**10)
    assert sides([given(0, "Ada", "equal")])["p"] is None


def test_alpha_of_a_published_example():
    # Krippendorff (2011), B: two observers, nominal data, twelve units; alpha 0.692.
    first = "a a b b d c c c e d d a".split()
    second = "b a b b b c c c e d d d".split()
    numbers = dict(zip("abcde", (0.0, 0.5, 1.0, 2.0, 3.0), strict=True))
    ratings = {i: {"x": numbers[a], "y": numbers[b]} for i, (a, b) in enumerate(zip(first, second, strict=True))}
    assert krippendorff_alpha(ratings) == pytest.approx(0.692, abs=0.001)
    assert krippendorff_alpha({0: {"x": 1.0}}) is None
    assert krippendorff_alpha({i: {"x": 1.0, "y": 1.0} for i in range(4)}) == 1.0


def test_kappa_by_hand():
    ratings = {i: {"Ada": 1.0, "Bob": 1.0} for i in range(20)} | {20 + i: {"Ada": 1.0, "Bob": 0.0} for i in range(5)}
    ratings |= {30 + i: {"Ada": 0.0, "Bob": 1.0} for i in range(10)} | {
        50 + i: {"Ada": 0.0, "Bob": 0.0} for i in range(15)
    }
    assert pairwise_kappas(ratings) == {("Ada", "Bob"): pytest.approx(0.4)}
