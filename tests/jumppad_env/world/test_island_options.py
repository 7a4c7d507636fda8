"""Keywords of `JumppadIslands-v0`: the documented defaults, impossible combinations, and what a target means."""

import pickle
from typing import Any

import numpy as np
import pytest

from jumppad_env.levels import COLORS, LEVELS, LevelSettings
from jumppad_env.world.episodes import longest_episode
from jumppad_env.world.options import IslandsOptions, Options, place_names


def test_the_defaults_are_the_documented_ones():
    options = IslandsOptions()
    assert (options.num_levels, options.start_level, options.distribution_mode) == (200, 0, "easy")
    assert (options.pads, options.islands, options.color_tie, options.cue) == (3, 1, 0.0, False)
    assert options.levels == range(200) and options.settings == LevelSettings() and options.extra_steps == 0
    assert (Options().settings, Options().pads, Options().islands) == (None, 3, 1)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"num_levels": -1}, "num_levels=-1 must be an integer of at least 0"),
        ({"num_levels": 2.0}, "num_levels=2.0 must be"),
        ({"num_levels": True}, "num_levels=True must be"),
        ({"num_levels": None}, "num_levels=None must be"),
        ({"start_level": -1}, "start_level=-1 must be an integer of at least 0"),
        ({"start_level": "0"}, "start_level='0' must be"),
        ({"start_level": LEVELS}, f"there are {LEVELS} levels; start_level and num_levels name level {LEVELS + 199}"),
        ({"start_level": LEVELS + 5, "num_levels": 0}, f"there are {LEVELS} levels; .* name level {LEVELS + 5}"),
        ({"start_level": LEVELS - 1, "num_levels": 2}, f"there are {LEVELS} levels; .* name level {LEVELS}"),
        ({"num_levels": LEVELS + 1}, f"there are {LEVELS} levels"),
        ({"extra_steps": -1}, "extra_steps=-1 must be an integer of at least 0"),
        ({"extra_steps": 6.0}, "extra_steps=6.0 must be"),
        ({"distribution_mode": "extreme"}, r"distribution_mode='extreme' is unknown; choose one of \['easy', 'hard'\]"),
        ({"pads": 1}, "pads=1 must be an integer from 2 to 5"),
        ({"pads": 6}, "pads=6 must be an integer from 2 to 5"),
        ({"islands": 0}, "islands=0 must be an integer from 1 to 4"),
        ({"islands": 5}, "islands=5 must be"),
        ({"color_tie": 2}, "color_tie=2 must be a share"),
        ({"cue": "yes"}, "cue='yes' must be True or False"),
        ({"target": "up"}, "target='up' is on no level; choose one of None, 'left', 'middle', 'right', 'red', 'blue'"),
        ({"target": ""}, "target='' is on no level"),
        ({"target": True}, "target=True is on no level"),
        ({"target": 1.0}, "target=1.0 is on no level"),
        ({"target": 3}, "target=3 is on no level; .* or 0 to 2"),
        ({"target": -1}, "target=-1 is on no level"),
        ({"target": np.zeros(2)}, "is on no level"),
        ({"target": "green"}, "target='green' is on no level; .*'yellow', 'cue', or 0 to 2"),
        ({"target": "yellow", "pads": 2}, "target='yellow' is on no level"),
        ({"target": "middle", "pads": 2}, "target='middle' is on no level"),
        ({"target": "middle", "pads": 4}, "target='middle' is on no level; choose one of None, 'left', 'right', 'red'"),
        ({"target": "cue"}, 'target="cue" needs cue=True: without a flag no level shows a color'),
        ({"target": ("left", "cue"), "islands": 2}, 'target="cue" needs cue=True'),
        ({"target": "left", "islands": 2}, "target='left' must be a tuple of 2"),
        ({"target": ("left",)}, r"target=\('left',\) must be one place or color"),
        ({"target": ("left",), "islands": 2}, r"target=\('left',\) has 1 entries for 2 islands"),
        ({"target": ("left", "red", 0), "islands": 2}, "has 3 entries for 2 islands"),
        ({"target": (), "islands": 2}, "has 0 entries for 2 islands"),
        ({"target": ("left", "up"), "islands": 2}, "target='up' is on no level"),
        ({"observation": "rgb"}, "observation='rgb' is unknown"),
    ],
)
def test_every_impossible_combination_is_one_clear_error(keywords: dict[str, Any], message):
    with pytest.raises(ValueError, match=message) as caught:
        IslandsOptions(**keywords)
    assert "\n" not in str(caught.value)


def test_levels_are_those_of_the_keywords():
    assert IslandsOptions(start_level=1_000_000, num_levels=10).levels == range(1_000_000, 1_000_010)
    assert IslandsOptions(num_levels=0, start_level=7).levels == range(7, LEVELS), "without end"
    assert IslandsOptions(start_level=LEVELS - 200).levels[-1] == LEVELS - 1


def test_only_an_odd_number_of_pads_has_a_middle():
    assert place_names(2) == {"left": 0, "right": 1} and place_names(4) == {"left": 0, "right": 3}
    assert place_names(3) == {"left": 0, "middle": 1, "right": 2} and place_names(5)["middle"] == 2


@pytest.mark.parametrize("pads", range(2, 6))
def test_a_target_is_a_place_or_the_place_of_its_color(pads):
    generator = np.random.default_rng(0)
    for _ in range(20):
        colors = generator.permutation(pads).tolist()
        for pad in range(pads):
            assert IslandsOptions(pads=pads, target=pad).target_pads([colors], -1) == [pad]
            color = COLORS[colors[pad]]
            assert IslandsOptions(pads=pads, target=color).target_pads([colors], -1) == [pad]
            cue = IslandsOptions(pads=pads, target="cue", cue=True)
            assert cue.target_pads([colors], colors[pad]) == [pad]
        for name, pad in place_names(pads).items():
            assert IslandsOptions(pads=pads, target=name).target_pads([colors], -1) == [pad]
    assert IslandsOptions(pads=pads).target_pads([list(range(pads))], -1) == [-1]


def test_each_island_of_a_chain_has_a_target_of_its_own():
    options = IslandsOptions(islands=4, target=["right", "blue", None, "cue"], cue=True)  # pyright: ignore[reportArgumentType]
    assert options.target == ("right", "blue", None, "cue"), "lists come from JSON"
    assert options.target_pads([[0, 1, 2], [2, 0, 1], [0, 1, 2], [1, 2, 0]], 2) == [2, 2, -1, 1]
    assert IslandsOptions(islands=3).targets == (None, None, None)


@pytest.mark.parametrize(("islands", "steps"), [(1, 100), (2, 222), (3, 344), (4, 466)])
def test_episodes_have_ten_seconds_for_each_island_and_the_flights_between(islands, steps):
    assert longest_episode(IslandsOptions(islands=islands)) == steps == 100 * islands + 22 * (islands - 1)
    assert longest_episode(IslandsOptions(islands=islands, extra_steps=60)) == steps + 60
    assert longest_episode(Options()) is None


def test_options_are_values_that_can_be_stored():
    options = IslandsOptions(pads=4, islands=2, cue=True, target=("cue", 3))
    again = pickle.loads(pickle.dumps(options))
    assert again == options and again.settings == options.settings
