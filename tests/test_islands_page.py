"""docs/islands.md agrees with the code: its tables against options, rules of levels, spaces and a live episode."""

import dataclasses
import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.seeding import np_random

import jumppad_env  # noqa: F401 -- registers the environments
from jumppad_env.levels import COLORS, FALL_HEIGHT, FLIGHT_SECONDS, LEVELS, LevelSettings, make_level
from jumppad_env.levels import lanes as rules_of_lanes
from jumppad_env.levels.lanes import kinds_of
from jumppad_env.levels.rulebook import BLOCK_HALF, LANES
from jumppad_env.levels.settings import FEWEST_PADS, MOST_ISLANDS, MOST_PADS
from jumppad_env.world.episodes import LEVEL_RESET_OPTIONS, RESET_OPTIONS, STATE_OBSERVATION, longest_episode
from jumppad_env.world.level_observation import level_observation
from jumppad_env.world.options import IslandsOptions, Options
from jumppad_env.world.state import LEVEL_STATE, LOOK, LOOKS

PAGE = (Path(__file__).parents[1] / "docs" / "islands.md").read_text()


def table(header: str) -> list[list[str]]:
    """Returns the cells of the table whose first row begins with this cell, without backquotes."""
    _, _, rest = PAGE.partition(f"\n| {header} |")
    assert rest, f"no table begins with {header!r}"
    rows = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


def test_keywords_and_their_defaults():
    classic = {field.name for field in dataclasses.fields(Options)} - {"pads", "islands"}
    own = [field for field in dataclasses.fields(IslandsOptions) if field.name not in classic]
    said = table("keyword")
    assert [row[:2] for row in said] == [[field.name, repr(field.default)] for field in own]
    meaning = {name: text for name, _, text in said}
    assert f"{FEWEST_PADS} to {MOST_PADS}" in meaning["pads"] and f"1 to {MOST_ISLANDS}" in meaning["islands"]


def test_the_length_of_an_episode():
    longest = [longest_episode(IslandsOptions(islands=islands)) for islands in range(1, MOST_ISLANDS + 1)]
    assert "so {}, {}, {} or {} steps".format(*longest) in " ".join(PAGE.split())
    assert f"the flight takes {FLIGHT_SECONDS} s" in PAGE and f"z = {FALL_HEIGHT:g} m" in PAGE
    env = gymnasium.make("JumppadIslandsState-v0", islands=2)
    assert env.spec is not None and env.spec.max_episode_steps is None
    env.close()


def test_lanes():
    expected = [
        [str(pads), "{} to {}".format(*degrees), f"{2 * least:.1f} to {2 * most:.1f}"]
        for pads, (degrees, (least, most)) in LANES.items()
    ]
    assert table("pads") == expected


def test_kinds_of_lanes():
    said = [(kind, where) for part, kind, where, _ in table("part") if part == "lane"]
    everywhere = kinds_of(outer=False)
    names = ("PLAIN", "BENT", "CUT", "STEPPED", "SLOPED", "FORKED")
    kinds = [(name, getattr(rules_of_lanes, name)) for name in names]
    assert [kind for _, kind in kinds] == list(kinds_of(outer=True))
    assert said == [(name.lower(), "all" if kind in everywhere else "outer") for name, kind in kinds]


def test_sizes_of_hard_levels_lie_in_what_the_page_says_and_nearly_fill_it():
    plans = [plan for number in range(300) for plan in make_level(number, LevelSettings("hard")).plans]
    said = {
        kind: [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)] for _, kind, _, text in table("part")
    }
    bridges = [2 * plan.narrowest for plan in plans if plan.bridge]
    least, most = said["bridge"]
    assert least <= min(bridges) < least + 0.1 and most - 0.1 < max(bridges) <= most
    assert said["block"] == [2 * BLOCK_HALF[2]]
    rises = [lane.pad.z - plan.hub.z for plan in plans for lane in plan.lanes if lane.jumps and lane.pad.z > plan.hub.z]
    least, most = said["stepped"]
    assert least <= min(rises) < least + 0.02 and most - 0.02 < max(rises) <= most
    slopes = [abs(lane.pad.z - plan.hub.z) for plan in plans for lane in plan.lanes if not lane.jumps]
    slopes = [slope for slope in slopes if slope > 0]
    least, most = said["sloped"]
    assert least <= min(slopes) < least + 0.02 and most - 0.02 < max(slopes) <= most


def test_colors_numbers_and_levels():
    said = ", ".join(f"{number} {color}" for number, color in enumerate(COLORS))
    assert f"Colors are numbered {said};" in PAGE
    assert PAGE.count(f"0 to {LEVELS - 1}") == 2


def test_targets():
    options = {"pads": 3, "cue": True}
    colors, found = [[1, 2, 0]], {}
    for name, _ in table("target"):
        target = None if name == "None" else int(name) if name.isdigit() else name.strip("'")
        (found[name],) = IslandsOptions(target=target, **options).target_pads(colors, cue=1)
    assert found == {"'left'": 0, "'middle'": 1, "'right'": 2, "0": 0, "'red'": 2, "'cue'": 0, "None": -1}
    IslandsOptions(target=("red", None), islands=2)
    with pytest.raises(ValueError, match="middle"):
        IslandsOptions(target="middle", pads=4)


def test_the_state_observation():
    rows, first = [], 0
    for name, width, unit, bounds in level_observation(STATE_OBSERVATION, LevelSettings(islands=2, cue=True)):
        place = f"{first} to {first + width - 1}" if width > 1 else str(first)
        rows.append([place, name, unit, *(f"{bound:g}" for bound in bounds)])
        first += width
    assert table("columns") == rows
    env = gymnasium.make("JumppadIslandsState-v0")
    assert f"shape is {env.observation_space.shape} by default" in " ".join(PAGE.split())
    env.close()


def test_infos():
    envs = [gymnasium.make(name) for name in ("JumppadState-v0", "JumppadIslandsState-v0")]
    classic, info = [env.reset(seed=0)[1] for env in envs]
    rows = table("key")
    assert [key for key, _, _ in rows] == [key for key in info if key not in classic]
    assert set(classic) <= set(info)
    sizes = {"islands": 1, "pads": 3}
    for key, kind, _ in rows:
        shape = tuple(sizes[name] for name in re.findall(r"islands|pads", kind))
        assert kind.split()[0] == str(info[key].dtype) and info[key].shape == shape, key
    for env in envs:
        env.close()


def test_reset_options_and_states():
    assert [name for name, _ in table("option")] == [name for name in LEVEL_RESET_OPTIONS if name not in RESET_OPTIONS]
    columns = re.search(r"\(`jumppad_env.world.state.LEVEL_STATE`\): (.*?)\. `taken`", PAGE, re.DOTALL)
    assert columns is not None and tuple(re.findall(r"`(\w+)`", columns[1])) == LEVEL_STATE


def test_what_is_drawn_at_a_reset_comes_in_the_order_of_the_page():
    env = gymnasium.make("JumppadIslandsState-v0", character="random", cue=True, start_level=1000)
    for seed in range(10):
        _, info = env.reset(seed=seed)
        generator, _ = np_random(seed)
        spawn, who, look, level, cue = (int(generator.integers(count)) for count in (4, 5, LOOKS, 200, 3))
        place = make_level(1000 + level, LevelSettings(cue=True)).islands[0].spawns[spawn]
        assert (info["level"], info["cue"], info["character"]) == (1000 + level, cue, who)
        assert info["position"] == pytest.approx(place) and env.get_wrapper_attr("get_state")()[LOOK] == look
        _, other = env.reset(seed=seed, options={"spawn": 0, "character": "rider", "look": 0, "level": 5})
        assert other["cue"] == cue
    env.close()


def test_the_first_island_is_the_same_in_any_chain_and_ties_change_only_colors():
    for number in range(20):
        one, two = (make_level(number, LevelSettings("hard", islands=islands)) for islands in (1, 2))
        assert np.array_equal(one.plans[0].floors, two.plans[0].floors)
        assert np.array_equal(one.colors[0], two.colors[0])
        tied = [make_level(number, LevelSettings("hard", color_tie=tie)) for tie in (0.0, 0.2, 0.5, 1.0)]
        assert all(np.array_equal(level.plans[0].floors, one.plans[0].floors) for level in tied)
        ordered = [level.colors[0].tolist() == [0, 1, 2] for level in tied]
        assert ordered[3] and (ordered[2] or not ordered[1])
