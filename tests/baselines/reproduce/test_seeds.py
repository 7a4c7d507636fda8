"""Which seeds `baselines.reproduce` runs."""

from pathlib import Path

import pytest
import tyro

from baselines.laboratory import pages
from baselines.laboratory.results import Result
from baselines.reproduce import outcomes
from baselines.reproduce.__main__ import Arguments, check, requested_seeds

PLACE = ["outcomes", "--out", "runs/x"]


@pytest.mark.parametrize(
    ("words", "seeds"),
    [
        ([], [0, 1, 2, 3, 4]),
        (["--seeds", "2"], [0, 1]),
        (["--seeds", "3", "7"], [3, 7]),
        (["--seeds", "7", "0", "3"], [7, 0, 3]),
        (["--seed", "3"], [3]),
        (["--seed", "0"], [0]),
    ],
)
def test_one_number_is_how_many_seeds_and_several_are_the_seeds(words, seeds):
    arguments = tyro.cli(Arguments, args=[*PLACE, *words])
    assert check(arguments) == ["outcomes"]
    assert list(outcomes.EXPERIMENT.seeds(requested_seeds(arguments))) == seeds


@pytest.mark.parametrize(
    "changes", [{"seeds": ()}, {"seeds": (0,)}, {"seeds": (3, 3)}, {"seeds": (-1, 2)}, {"seed": -1}]
)
def test_impossible_seeds_are_refused(changes):
    with pytest.raises(ValueError, match="seeds must be at least 1"):
        check(Arguments(("outcomes",), Path("runs/x"), **changes))


@pytest.mark.parametrize(
    ("seeds", "option"), [([0, 1, 2], "--seeds 3"), ([0], "--seeds 1"), ([3, 7], "--seeds 3 7"), ([4], "--seed 4")]
)
def test_a_page_names_the_command_that_runs_the_same_seeds(seeds, option):
    content = {"preset": "quick", "runs": [{"seed": seed} for seed in seeds], "rows": []}
    assert f"quick {option} --out" in pages.command(Result(outcomes.EXPERIMENT, content))
