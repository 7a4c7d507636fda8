"""Choosing pairs: rows of known answers, and models that learn from simulated people."""

import numpy as np
import pytest

from baselines.preferences.people.judge import fit_ensemble
from baselines.reproduce.rewards import active_choice
from tests.baselines.reproduce.shown import answers, cells, words_of


def rows_of(seeds, gain):
    rows = []
    for seed in range(seeds):
        for mistakes in active_choice.MISTAKES:
            for selection in active_choice.SELECTIONS:
                for count in active_choice.COUNTS:
                    better = gain * (selection != "random") + 0.004 * ((seed * 7 + count) % 3)
                    accuracy = 0.6 + 0.1 * np.log10(count) + better - mistakes / 2
                    rows.append({"seed": seed, "selection": selection, "mistakes": mistakes})
                    rows[-1] |= {"answers": count, "accuracy": float(accuracy)}
    return rows


def test_choosing_is_judged_against_random_pairs():
    assert answers(active_choice, rows_of(5, 0.05)) == ["confirmed"] * 2
    assert answers(active_choice, rows_of(5, -0.05)) == ["refuted"] * 2
    assert cells(active_choice, rows_of(5, 0.05))["information, 0% mistakes", "10 answers"].startswith("75.")
    assert "information" in words_of(active_choice.EXPERIMENT.draw(rows_of(3, 0.05)))


@pytest.mark.parametrize("selection", active_choice.SELECTIONS)
def test_models_learn_from_simulated_people(selection):
    generator = np.random.default_rng(0)
    values = (np.arange(200) % 3 == 0).astype(float)
    features = generator.normal(size=(200, 12)).astype(np.float32)
    features[:, 0] += 3 * values
    given, judge = [], None
    for number in range(1, 61):
        given.append(active_choice._answer(number, np.arange(150), values, judge, selection, 0.0, 0))
        if number % 10 == 0:
            judge = fit_ensemble(features, given, 0)
    assert judge is not None
    assert active_choice.accuracy_of(judge, np.arange(150, 200), values, 0) > 0.9
    told = [one for one in given if one.value != 0.5]
    assert all((one.value == 1.0) == (values[one.first] > values[one.second]) for one in told)
    wrong = [active_choice._answer(n, np.arange(150), values, None, selection, 1.0, 0) for n in range(60)]
    assert all((w.value == 1.0) != (values[w.first] > values[w.second]) for w in wrong if w.value != 0.5)
