"""What levels are like: each wrong value is one clear error."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from jumppad_env.levels import COLORS, LevelSettings

WRONG: list[tuple[str, Any, str]] = [
    ("distribution_mode", "medium", "distribution_mode='medium' is unknown; choose one of ['easy', 'hard']"),
    ("distribution_mode", None, "distribution_mode=None is unknown"),
    ("distribution_mode", ["easy"], "distribution_mode=['easy'] is unknown"),
    ("pads", 1, "pads=1 must be an integer from 2 to 5"),
    ("pads", 6, "pads=6 must be an integer from 2 to 5"),
    ("pads", 3.0, "pads=3.0 must be"),
    ("pads", True, "pads=True must be"),
    ("pads", "3", "pads='3' must be"),
    ("islands", 0, "islands=0 must be an integer from 1 to 4"),
    ("islands", 5, "islands=5 must be an integer from 1 to 4"),
    ("islands", None, "islands=None must be"),
    ("color_tie", -0.1, "color_tie=-0.1 must be a share of the levels, 0 to 1"),
    ("color_tie", 1.1, "color_tie=1.1 must be"),
    ("color_tie", float("nan"), "color_tie=nan must be"),
    ("color_tie", True, "color_tie=True must be"),
    ("color_tie", "1", "color_tie='1' must be"),
    ("cue", 1, "cue=1 must be True or False"),
    ("cue", None, "cue=None must be"),
    ("cue", "red", "cue='red' must be"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG)
def test_each_wrong_value_is_one_clear_error(name, value, message):
    with pytest.raises(ValueError) as caught:
        LevelSettings(**{name: value})
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_settings_are_values():
    one, other = LevelSettings(pads=4, cue=True), LevelSettings(pads=4, cue=True)
    assert one == other and hash(one) == hash(other) and one != LevelSettings(pads=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.pads = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("pads", range(2, 6))
def test_pads_have_as_many_colors(pads):
    assert LevelSettings(pads=pads).colors == COLORS[:pads] and len(set(COLORS)) == np.size(COLORS)
