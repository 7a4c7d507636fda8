"""docs/environment.md agrees with the code: its tables against spaces, options, rules and a live episode."""

import dataclasses
import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import jumppad_env  # noqa: F401 -- registers the environments
from jumppad_env import gamepad
from jumppad_env.env import JumppadEnv
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS, RULES
from jumppad_env.world import STATE
from jumppad_env.world.episodes import RESET_OPTIONS, STATE_OBSERVATION
from jumppad_env.world.options import KINDS, PAPER, Options
from jumppad_env.world.state import LOOKS

PAGE = (Path(__file__).parents[1] / "docs" / "environment.md").read_text()


def table(header: str) -> list[list[str]]:
    """Returns the cells of the table whose first row begins with this cell, without backquotes."""
    _, _, rest = PAGE.partition(f"\n| {header} |")
    assert rest, f"no table begins with {header!r}"
    rows = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


@pytest.fixture(scope="module")
def env():
    env = gymnasium.make("Jumppad-v0", observation="both")
    yield env
    env.close()


def test_keywords_and_their_defaults():
    fields = dataclasses.fields(Options)
    assert [(name, default) for name, default, _ in table("keyword")] == [(f.name, repr(f.default)) for f in fields]


def test_actions(env):
    rows = table("index")
    assert [row[:2] for row in rows] == [[str(i), name] for i, name in enumerate(gamepad.AXES + gamepad.BUTTONS)]
    assert f"`MultiDiscrete({env.action_space.nvec.tolist()})`" in PAGE
    said = {name: [float(number) for number in re.findall(r"\d+(?:\.\d+)?", effect)] for _, name, effect in rows}
    assert said["right_x"] == [pytest.approx(np.degrees(RULES.camera_turn_rate))]
    assert said["right_y"] == [pytest.approx(np.degrees(RULES.camera_tilt_rate))]
    assert said["A"] == [RULES.jump_height]
    lowest, highest = RULES.camera_tilt_range
    assert f"between {lowest} and {highest} rad and begins at {RULES.camera_tilt_start}." in PAGE
    assert said["B"] == [RULES.dodge_distance, RULES.dodge_seconds, RULES.dodge_cooldown]
    assert said["X"] == [RULES.attack_seconds] and RULES.attack_slowdown == pytest.approx(1 / 3)


def test_a_button_does_something_where_the_page_says_so():
    env = JumppadEnv(observation="state")
    env.reset(seed=0)
    env.step(gamepad.NEUTRAL)
    start = env.get_state()
    env.step(gamepad.NEUTRAL)
    idle = env.get_state()
    for index, name, effect in table("index"):
        env.set_state(start)
        action = gamepad.NEUTRAL.copy()
        action[int(index)] = 10 if name in gamepad.AXES else 1
        env.step(action)
        assert np.array_equal(env.get_state(), idle) == (effect == "nothing"), name
    env.close()


def test_characters():
    expected = [
        [name, str(traits.board_speed) if traits.has_board else "none", str(traits.foot_speed)]
        for name, traits in CHARACTERS.items()
    ]
    assert table("character") == expected


def test_the_state_observation(env):
    rows, first = [], 0
    for name, width, unit, bounds in STATE_OBSERVATION:
        place = f"{first} to {first + width - 1}" if width > 1 else str(first)
        rows.append([place, name, unit, *(f"{bound:g}" for bound in bounds)])
        first += width
    assert table("columns") == rows
    assert f"The state: `Box(float32)` of shape ({first},)" in PAGE
    assert env.observation_space["state"].shape == (first,)


def test_kinds_of_looks():
    expected = [[kind, "paper, high" if kind in PAPER else "high"] for kind in KINDS]
    assert [row[:2] for row in table("kind")] == expected


def test_infos(env):
    _, info = env.reset(seed=0)
    rows = table("key")
    assert [key for key, _, _ in rows] == list(info)
    for key, kind, _ in rows:
        dtype = type(info[key]).__name__  # of a scalar
        assert kind == (f"{info[key].dtype} {info[key].shape}" if dtype == "ndarray" else dtype), key


def test_formats_of_actions():
    said = {name.strip("'"): space for name, _, space, _ in table("format")}
    assert said == {name: str(make_space()) for name, (make_space, _) in gamepad.FORMATS.items() if name != "gamepad"}


def test_the_modes_are_gymnasiums():
    assert [row[0].split("`")[0] for row in table("`autoreset_mode`")] == ["SAME_STEP", "NEXT_STEP", "DISABLED"]
    assert set(AutoresetMode.__members__) == {"SAME_STEP", "NEXT_STEP", "DISABLED"}


def test_reset_options_states_and_limits(env):
    assert [name for name, _ in table("option")] == list(RESET_OPTIONS)
    columns = re.search(r"Columns \(`jumppad_env.world.STATE`\): (.*?)\.\n", PAGE, re.DOTALL)
    assert columns is not None and re.findall(r"`(\w+)`", columns[1]) == list(STATE)
    assert f"0 to {LOOKS - 1}: number of the look" in PAGE
    assert f"z = {load_island().fall_height:g} m" in PAGE
    assert f"truncated after {env.spec.max_episode_steps} steps of {RULES.control_step} s" in PAGE
    assert f"0 to {len(load_island().spawns) - 1}: index of the spawn point" in PAGE
