"""Episodes on levels: chains of islands, targets, flags, reset options, observed columns and restored states."""

import itertools
from typing import Any

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.levels import COLORS, FLIGHT_SECONDS, LEVELS, make_level
from jumppad_env.levels.level import B_GEOM
from jumppad_env.world.episodes import FLIGHT_STEPS, STATE_OBSERVATION, Episodes
from jumppad_env.world.level_observation import level_observation
from jumppad_env.world.options import IslandsOptions
from jumppad_env.world.state import CUE, ISLAND, LEVEL, LEVEL_STATE, PAD, STATE, TAKEN

FORWARD = gamepad.NEUTRAL.copy()
FORWARD[gamepad.LEFT_Y] = 10


def begin(count: int = 1, seed: int = 0, threads: int = 1, reset: dict[str, Any] | None = None, **keywords) -> Episodes:
    episodes = Episodes(count, IslandsOptions(observation="state", **keywords), threads)
    for row in range(count):
        episodes.reset(row, np.random.default_rng(seed + row), reset)
    return episodes


def info_of(episodes: Episodes) -> dict[str, Any]:
    return episodes.info_of_one(episodes.world.get_state(0))


def put_before(episodes: Episodes, pad: int, island: int | None = None) -> None:
    """Puts the character just before a pad of the island that it is on, looking at it."""
    state = episodes.world.get_state(0)
    island = int(state[ISLAND]) if island is None else island
    level = episodes.world.levels[0]
    assert level is not None
    pose, origin = level.plans[island].pads[pad], level.origins[island]
    behind = pose.ahead(-1.9)
    state[:3] = behind.x + origin[0], behind.y + origin[1], behind.z + 0.02
    state[3] = state[STATE.index("camera_yaw")] = pose.heading
    state[4:8] = 0.0
    episodes.set_state(0, state)


def take(episodes: Episodes, pad: int) -> float:
    """Walks onto a pad of the island that the character is on; returns the reward."""
    put_before(episodes, pad)
    for _ in range(12):
        rewards, terminated = episodes.step(FORWARD[None])
        assert not terminated[0]
        info = info_of(episodes)
        if info["pads"][info["island"]] >= 0:
            landing = episodes.world.islands(0)[info["island"]].landings[pad]
            assert np.allclose(info["velocity"][:2] * FLIGHT_SECONDS, (landing - info["position"])[:2])
            return float(rewards[0])
    raise AssertionError("the pad is not reached")


def fly(episodes: Episodes) -> int:
    """Waits until the character is on the next island; returns the steps it took."""
    island = int(info_of(episodes)["island"])
    for step in range(1, 60):
        rewards, terminated = episodes.step(gamepad.NEUTRAL[None])
        assert not rewards[0] and not terminated[0]
        if info_of(episodes)["island"] != island:
            return step
    raise AssertionError("the flight does not end")


@pytest.mark.parametrize("mode", ["easy", "hard"])
@pytest.mark.parametrize("pads", [2, 3, 5])
def test_every_pad_of_a_chain_leads_to_the_next_plaza(mode, pads):
    for number, pad in itertools.product(range(2), range(pads)):
        episodes = begin(reset={"level": number}, islands=2, pads=pads, distribution_mode=mode)
        level = make_level(number, episodes.options.settings)  # pyright: ignore[reportArgumentType]
        assert info_of(episodes)["pads"].tolist() == [-1, -1] and info_of(episodes)["island"] == 0
        assert take(episodes, pad) == 0.0
        info = info_of(episodes)
        assert (info["pad"], info["island"], info["pads"].tolist()) == (-1, 0, [pad, -1])
        assert fly(episodes) == FLIGHT_STEPS
        info = info_of(episodes)
        assert (info["pad"], info["island"], info["pads"].tolist()) == (-1, 1, [pad, -1])
        landing = level.islands[0].landings[pad]
        assert np.linalg.norm(info["position"][:2] - landing[:2]) < 0.7 and abs(info["position"][2]) < 0.6
        for _ in range(8):
            episodes.step(gamepad.NEUTRAL[None])
        assert abs(info_of(episodes)["position"][2]) < 0.05, "stands on the plaza"
        assert take(episodes, pads - 1 - pad) == 1.0, "without a target any pads will do"
        info = info_of(episodes)
        assert info["pads"].tolist() == [pad, pads - 1 - pad] and info["success"] and info["pad"] == pads - 1 - pad
        ends = [episodes.step(gamepad.NEUTRAL[None]) for _ in range(6)]
        assert [bool(terminated[0]) for _, terminated in ends] == [False] * 5 + [True]
        assert not any(rewards[0] for rewards, _ in ends), "one reward"


@pytest.mark.parametrize("target", [("left", "right"), ("right", "right"), (None, "right"), ("left", None), (0, 1)])
def test_a_chain_is_rewarded_at_its_last_pad_and_only_after_right_ones(target):
    for pads in itertools.product(range(2), repeat=2):
        episodes = begin(islands=2, pads=2, target=target)
        right = all(
            wanted is None or {"left": 0, "right": 1}.get(wanted, wanted) == pad
            for wanted, pad in zip(target, pads, strict=True)
        )
        assert take(episodes, pads[0]) == 0.0
        assert not info_of(episodes)["success"]
        fly(episodes)
        assert take(episodes, pads[1]) == float(right) and bool(info_of(episodes)["success"]) == right


def test_four_islands_are_told_apart():
    episodes = begin(islands=4, pads=5, target=(4, 0, 3, 1))
    for island, pad in enumerate((4, 0, 3, 1)):
        assert info_of(episodes)["island"] == island
        assert take(episodes, pad) == float(island == 3)
        if island < 3:
            fly(episodes)
    assert info_of(episodes)["pads"].tolist() == [4, 0, 3, 1] and info_of(episodes)["success"]


def test_who_falls_off_a_later_island_ends():
    episodes = begin(islands=2)
    take(episodes, 1)
    fly(episodes)
    state = episodes.world.get_state(0)
    state[:3] = 300.0, 40.0, -11.0
    state[4:8] = 0.0
    episodes.set_state(0, state)
    ended = [bool(episodes.step(gamepad.NEUTRAL[None])[1][0]) for _ in range(10)]
    assert any(ended)
    info = info_of(episodes)
    assert info["fell"] and info["island"] == 1 and info["pads"].tolist() == [1, -1] and not info["success"]


@pytest.mark.parametrize("cue", range(3))
def test_the_flag_names_the_color_to_take(cue):
    for pad in range(3):
        episodes = begin(cue=True, target="cue", reset={"cue": cue, "level": 11})
        info = info_of(episodes)
        assert info["cue"] == cue and sorted(info["pad_colors"][0].tolist()) == [0, 1, 2]
        right = info["pad_colors"][0][pad] == cue
        assert take(episodes, pad) == float(right) == float(info_of(episodes)["success"])


def test_every_color_is_shown_and_none_without_a_flag():
    episodes = begin(200, cue=True)
    assert np.bincount(episodes.info()["cue"]).min() > 40
    assert (begin(5).info()["cue"] == -1).all()


@pytest.mark.parametrize(("start", "count"), [(0, 200), (1_000_000, 3), (17, 1)])
def test_levels_are_drawn_from_the_range(start, count):
    levels = begin(60, start_level=start, num_levels=count).info()["level"]
    assert levels.min() >= start and levels.max() < start + count and len(set(levels.tolist())) >= min(count, 3)


def test_without_end_levels_do_not_come_back():
    levels = begin(60, num_levels=0, start_level=5).info()["level"]
    assert len(set(levels.tolist())) == 60 and levels.max() > LEVELS // 2 and levels.min() >= 5


def test_any_level_may_be_asked_for_and_shifts_no_other_draw():
    free, fixed = begin(12), begin(12, reset={"level": 1_000_000})
    assert (fixed.info()["level"] == 1_000_000).all() and (free.info()["level"] < 200).all()
    looks = [episodes.world.look.tolist() for episodes in (free, fixed)]
    assert looks[0] == looks[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": -1}, f"reset option level=-1 must be an integer from 0 to {LEVELS - 1}"),
        ({"level": LEVELS}, "must be an integer from 0"),
        ({"level": 1.0}, "level=1.0 must be"),
        ({"level": True}, "level=True must be"),
        ({"level": "3"}, "level='3' must be"),
        ({"cue": 3}, "reset option cue=3 needs cue=True, and a color from 0 to 2"),
        ({"cue": True}, "cue=True needs"),
        ({"cue": "red"}, "cue='red' needs"),
        ({"cue": np.zeros(2)}, "needs cue=True"),
        ({"level": 5, "spawn": 4}, "spawn=4 must be an integer from 0 to 3"),
        ({"level": 5, "character": "nobody"}, "character='nobody' is unknown"),
        ({"level": 5, "pads": 3}, r"unknown reset options \['pads'\]; known are .*'level', 'cue'"),
    ],
)
def test_a_refused_reset_is_one_clear_error_and_changes_nothing(options, message):
    episodes, twin = (begin(cue=True, reset={"level": 3}) for _ in range(2))
    with pytest.raises(ValueError, match=message):
        episodes.reset(0, np.random.default_rng(1), options)
    for _ in range(30):
        for each in (episodes, twin):
            each.step(FORWARD[None])
    assert np.array_equal(episodes.world.get_state(0), twin.world.get_state(0))
    assert np.array_equal(info_of(episodes)["pad_colors"], info_of(twin)["pad_colors"])


def test_a_color_without_a_flag_is_refused():
    with pytest.raises(ValueError, match="cue=0 needs cue=True"):
        begin(reset={"cue": 0})


@pytest.mark.parametrize(
    "keywords", [{}, {"pads": 5, "cue": True}, {"islands": 3, "pads": 2}, {"islands": 2, "cue": True}], ids=str
)
def test_observed_columns_are_those_that_are_told(keywords):
    episodes = begin(6, **keywords)
    settings = episodes.world.settings
    assert settings is not None
    columns = level_observation(STATE_OBSERVATION, settings)
    states, info = episodes.world.states(), episodes.info()
    seen = episodes.observe(states)
    ends = np.cumsum([width for _, width, *_ in columns])
    assert seen.shape == (6, ends[-1]) and seen.dtype == np.float32
    part = dict(zip((name for name, *_ in columns), np.split(seen, ends[:-1], axis=1), strict=True))
    colors = part["color of each pad"].reshape(6, settings.pads, len(COLORS))
    assert np.array_equal(colors.argmax(-1), info["pad_colors"][:, 0]) and (colors.sum(-1) == 1).all()
    pads = np.array([level.islands[0].pads[:, :2] for level in episodes.world.levels if level is not None])
    offsets = part["offset to each pad"].reshape(6, settings.pads, 2)
    assert np.allclose(offsets, pads - info["position"][:, None, :2], atol=1e-5)
    assert not part["pad touched"].any()
    if settings.cue:
        assert np.array_equal(part["color of the flag"].argmax(-1), info["cue"])
    if settings.islands > 1:
        assert np.array_equal(part["island"], np.eye(settings.islands)[[0] * 6])
    assert ("color of the flag" in part, "island" in part) == (settings.cue, settings.islands > 1)


def test_on_the_second_island_places_are_told_from_its_own_plaza():
    episodes = begin(islands=2, reset={"level": 4})
    take(episodes, 2)
    touched = episodes.observe(episodes.world.states())[0]
    fly(episodes)
    seen, level = episodes.observe(episodes.world.states())[0], episodes.world.levels[0]
    assert level is not None
    position = info_of(episodes)["position"]
    assert np.allclose(seen[:2], position[:2] - level.origins[1], atol=1e-5) and abs(seen[1]) < 8.0
    columns = level_observation(STATE_OBSERVATION, level.settings)
    at = dict(zip([name for name, *_ in columns], np.cumsum([0, *(width for _, width, *_ in columns)]), strict=False))
    assert touched[at["pad touched"] :][:3].tolist() == [0, 0, 1] and not seen[at["pad touched"] :][:3].any()
    offset = seen[at["offset to each pad"] :][:6].reshape(3, 2)
    assert np.allclose(offset, level.islands[1].pads[:, :2] - position[:2], atol=1e-4)
    assert seen[at["island"] :].tolist() == [0, 1]


def played(episodes: Episodes, steps: int, seed: int = 0) -> list[np.ndarray]:
    """Plays random actions, mostly forward, and returns the states."""
    generator, states = np.random.default_rng(seed), []
    for _ in range(steps):
        action = FORWARD.copy()
        action[: gamepad.LEFT_Y] = generator.integers(2, 9)
        action[4:8] = generator.random(4) < 0.1
        episodes.step(action[None])
        states.append(episodes.world.get_state(0))
    return states


@pytest.mark.parametrize("where", ["plaza", "flight", "second island", "moving block"])
def test_a_restored_state_has_the_same_future_whatever_was_played_between(where):
    keywords: dict[str, Any] = {"distribution_mode": "hard", "islands": 2, "cue": True}
    hard = IslandsOptions(**keywords).settings
    numbers = [n for n in range(40) if make_level(n, hard).blocks[0, B_GEOM] >= 0]
    episodes = begin(reset={"level": numbers[0], "cue": 1}, **keywords)
    played(episodes, 10)
    if where == "moving block":
        level, state = episodes.world.levels[0], episodes.world.get_state(0)
        assert level is not None
        state[:3] = *level.blocks[0, 1:3], level.plans[0].neck.z + 0.1
        state[1] -= 1.2
        state[STATE.index("camera_yaw")] = level.plans[0].neck.heading
        episodes.set_state(0, state)
        played(episodes, 5)
    if where in ("flight", "second island"):
        take(episodes, 2)
        played(episodes, 9)
    if where == "second island":
        fly(episodes)
        played(episodes, 5)
    state, info = episodes.world.get_state(0), info_of(episodes)
    future = played(episodes, 40, seed=1)
    other = begin(reset={"level": 999, "cue": 0}, **keywords)
    played(other, 7)
    for each in (episodes, other):
        each.set_state(0, state)
        assert np.array_equal(each.world.get_state(0), state)
        told = info_of(each)
        assert told.keys() == info.keys() and all(np.array_equal(told[name], info[name]) for name in info)
        assert np.array_equal(played(each, 40, seed=1), future)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (LEVEL, -1, "level -1.0, expected a whole number, 0 to"),
        (LEVEL, 0.5, "level 0.5, expected a whole number"),
        (LEVEL, LEVELS, "expected a whole number, 0 to"),
        (ISLAND, 2, "island 2.0, expected a whole number, 0 to 1"),
        (ISLAND, -1, "island -1.0"),
        (TAKEN, 64, "taken 64.0, expected a whole number, 0 to 63"),
        (TAKEN, 4, "taken 4.0, which names a pad that there is not"),
        (CUE, 0, "cue 0.0, expected a whole number, -1 to -1"),
        (PAD, 3, r"pad 3.0, expected -1 \(none\) or the index of one of 3 pads"),
        (LEVEL, np.nan, "finite"),
    ],
)
def test_states_of_no_level_are_one_clear_error_and_change_nothing(column, value, message):
    episodes = begin(islands=2)
    before = episodes.world.get_state(0)
    state = before.copy()
    state[column] = value
    with pytest.raises(ValueError, match=message):
        episodes.set_state(0, state)
    assert np.array_equal(episodes.world.get_state(0), before)


def test_a_state_without_the_flag_that_there_is_is_refused():
    episodes = begin(cue=True)
    state = episodes.world.get_state(0)
    state[CUE] = -1
    with pytest.raises(ValueError, match="cue -1.0, expected a whole number, 0 to 2"):
        episodes.set_state(0, state)


def test_states_have_the_columns_of_levels():
    world = begin().world
    assert world.columns == (*STATE, *LEVEL_STATE) and world.get_state(0).shape == (len(world.columns),)
    with pytest.raises(ValueError, match=f"state must be {len(world.columns)} finite numbers"):
        world.set_state(0, np.zeros(len(STATE)))
