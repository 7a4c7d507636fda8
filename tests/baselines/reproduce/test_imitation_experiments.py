"""Figures, tables and claims of the experiments about imitation, from rows with known answers."""

import pytest

from agents.outcomes import NAMES
from baselines.laboratory.statistics import FEWEST
from baselines.reproduce.imitation import imitation_choices, imitation_gap
from tests.baselines.reproduce.shown import answers, cells, words_of

SEEDS = (0, 1, 2)
WOBBLE = (-0.004, 0.001, 0.003)
"""By seed: enough for tests to have a variance, too little to hide a difference of points."""
PEOPLE = {"episodes": 2000, **dict(zip(NAMES, (0.44, 0.12, 0.36, 0.08), strict=True)), "mean_seconds": 8.0}


def agent(far, seed):
    """An agent that fails more often than people by `far`, and goes to the middle less often."""
    far += WOBBLE[seed % 3]
    shares = {"none": 0.44 + far, "middle": 0.36 - far, "left": 0.12, "right": 0.08}
    return {"episodes": 500, **shares, "mean_seconds": 8.0, "total_variation_to_people": far}


def choice_rows(seeds=SEEDS, shifted=0.1):
    """`shifted`: by how much the agent of shifted frames is farther from people, and less likely to be one."""
    rows = []
    for seed in seeds:
        own = {"choice": "people", "total_variation_to_people": 0.0, "held_out_loss": None}
        rows.append({"seed": seed, **PEOPLE, **own})
        for index, choice in enumerate(("as it is", *imitation_choices.WORDS)):
            more = shifted if choice == "shifted" else 0.0
            loss = 3.9 + more + WOBBLE[(seed + index) % 3]
            rows.append({"seed": seed, "choice": choice, **agent(0.15 + more, seed + index), "held_out_loss": loss})
    return rows


def gap_rows(seeds=SEEDS, own=0.03, cool=0.12):
    conditions = {
        ("updates", 500): 0.15,
        ("updates", 2000): own,
        ("temperature", 0.7): cool,
        ("temperature", 1.0): own,
    }
    rows = []
    for seed in seeds:
        people = {"what": "people", "value": 0.0, "total_variation_to_people": 0.0}
        rows.append({"seed": seed, **PEOPLE, **people})
        rows += [
            {"seed": seed, "what": what, "value": value, **agent(far, seed + (value == cool))}
            for (what, value), far in conditions.items()
        ]
    return rows


CASES = {
    "imitation_choices": (imitation_choices, choice_rows, "choice"),
    "imitation_gap": (imitation_gap, gap_rows, "value"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seeds", [(0,), (0, 1), SEEDS], ids=["one seed", "two seeds", "three seeds"])
def test_figures_say_units_and_numbers(name, seeds):
    module, make_rows, _ = CASES[name]
    words = words_of(module.draw(make_rows(seeds)))
    assert f"{len(seeds)} seed{'' if len(seeds) == 1 else 's'}, 500 episodes each" in words
    assert ("too few seeds for intervals" if len(seeds) < FEWEST else "intervals: 95% over 3 seeds") in words
    assert "total variation\nto people" in words and "episodes" in words and set(NAMES) <= set(words.split("\n"))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seeds", [(0,), (0, 1)], ids=["one seed", "two seeds"])
def test_few_seeds_decide_nothing(name, seeds):
    module, make_rows, _ = CASES[name]
    assert set(answers(module, make_rows(seeds))) <= {"not tested"}
    assert not any("±" in text for text in cells(module, make_rows(seeds)).values())


@pytest.mark.parametrize("choice", [choice for choice in imitation_choices.WORDS if choice != imitation_choices.OWN])
def test_a_missing_choice_leaves_the_rest(choice):
    rows = [row for row in choice_rows() if row["choice"] != choice]
    words_of(imitation_choices.draw(rows))
    found = {condition for condition, _ in cells(imitation_choices, rows)}
    assert found == {words for key, words in imitation_choices.WORDS.items() if key != choice}


def test_a_choice_that_matters_is_told_from_those_that_do_not():
    for shifted, sign in ((0.1, 1), (-0.1, -1)):
        table = imitation_choices.table(choice_rows(shifted=shifted))
        significant = {key for key, cell in table.cells.items() if cell.corrected < 0.05}
        words = imitation_choices.WORDS["shifted"]
        assert significant == {(words, imitation_choices.DISTANCE), (words, imitation_choices.LOSS)}
        for key in significant:
            difference = table.cells[key].difference
            assert difference is not None and sign * difference.mean > 0
    found = cells(imitation_choices, choice_rows())
    assert found[imitation_choices.WORDS["shifted"], imitation_choices.DISTANCE] == "25.0 ± 0.9"
    assert found[imitation_choices.WORDS[imitation_choices.OWN], imitation_choices.LOSS] == "3.90 ± 0.00"


def test_cooling_is_judged_from_both_sides():
    assert answers(imitation_gap, gap_rows())[0] == "confirmed"
    assert answers(imitation_gap, gap_rows(own=0.2))[0] == "refuted"
    assert cells(imitation_gap, gap_rows())["500 updates", imitation_gap.DISTANCE] == "15.0 ± 0.9"
