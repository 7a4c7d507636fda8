"""Figures and findings of the experiments about imitation, from rows with known answers."""

import re

import pytest
from matplotlib.text import Text

from agents.outcomes import NAMES
from baselines.laboratory.statistics import FEWEST
from baselines.reproduce.imitation import imitation_choices, imitation_gap

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


def words_of(figure):
    """Draws a figure and returns all that is written in it, a text a line."""
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_text())


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
def test_few_seeds_judge_nothing(name, seeds):
    module, make_rows, _ = CASES[name]
    found = module.find(make_rows(seeds))
    assert "±" not in found and not re.search(r"\bp [=<]", found)
    assert not re.search(r"farther|nearer|less likely|more likely|harms|helps|difference can be told", found)


@pytest.mark.parametrize("choice", imitation_choices.WORDS)
def test_a_missing_choice_leaves_the_rest(choice):
    rows = [row for row in choice_rows() if row["choice"] != choice]
    words_of(imitation_choices.draw(rows))
    found = imitation_choices.find(rows)
    assert imitation_choices.WORDS[choice] not in found and "nan" not in found


def test_a_choice_that_matters_is_told_from_those_that_do_not():
    found = imitation_choices.find(choice_rows())
    assert "differ from its people's by 15.0 ± 0.9% of episodes, at 3.90" in found
    assert found.count("farther from people") == found.count(": less likely") == 1
    shifted = found[found.index("With frames shifted") : found.index("With an encoder")]
    assert "it is 25.0 ± 0.9%" in shifted and "farther from people" in shifted and "at 4.00" in shifted
    other = imitation_choices.find(choice_rows(shifted=-0.1))
    assert other.count("nearer to people") == other.count(": more likely") == 1


def test_the_gap_is_judged_beside_its_goal():
    found = imitation_gap.find(gap_rows())
    assert "by 3.0 ± 0.9% of episodes" in found and "within the goal of 5 points" in found
    assert "With 500 updates it is 15.0 ± 0.9%" in found and "no pad more often than people by 3.0%" in found
    assert "cooling harms" in found and "cooling helps" not in found
    found = imitation_gap.find(gap_rows(own=0.2))
    assert "beyond the goal of 5 points" in found and "cooling helps" in found
