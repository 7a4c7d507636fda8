"""`JumppadIslands-v0`: single and vector form bit for bit, spaces, truncation, copies, and Gymnasium's own check."""

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env import gamepad
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.vector_env import JumppadVectorEnv
from jumppad_env.world.episodes import level_of

STEPS = 50
ALONE = 5
SMALL: dict[str, Any] = {"observation": "both", "image_size": (16, 24), "character": "random"}
FORMS: list[dict[str, Any]] = [
    {},
    {"distribution_mode": "hard", "pads": 2, "cue": True, "target": "cue"},
    {"islands": 2, "pads": 3, "target": ("left", None)},
    {"islands": 3, "pads": 5, "distribution_mode": "hard", "variety": "high"},
]
forms = pytest.mark.parametrize("keywords", FORMS, ids=str)
INFO = {
    "pad": ((), np.int64),
    "success": ((), np.bool_),
    "fell": ((), np.bool_),
    "position": ((3,), np.float64),
    "velocity": ((3,), np.float64),
    "heading": ((), np.float64),
    "camera_yaw": ((), np.float64),
    "character": ((), np.int64),
    "level": ((), np.int64),
    "island": ((), np.int64),
    "cue": ((), np.int64),
}


def start(number: int, keywords: dict[str, Any]) -> dict[str, Any]:
    """Reset options that put a character just before a pad of a level, looking at it."""
    names = LevelSettings.__dataclass_fields__
    settings = LevelSettings(**{name: value for name, value in keywords.items() if name in names})
    pose = make_level(number, settings).plans[0].pads[number % settings.pads].ahead(-1.9)
    return {"level": number, "position": np.array([pose.x, pose.y, pose.z + 0.02]), "heading": pose.heading}


def actions(row: int, steps: int = STEPS) -> np.ndarray:
    """Forward at first, onto a pad if there is one; then random, mostly forward."""
    generator = np.random.default_rng(row)
    result = np.tile(gamepad.NEUTRAL, (steps, 1))
    result[:, gamepad.LEFT_Y] = 10
    result[8:, :4] = generator.integers(2, 11, (steps - 8, 4))
    result[8:, gamepad.LEFT_Y] = 10
    result[8:, 4:] = generator.random((steps - 8, 12)) < 0.1
    return result


def same(one: Any, other: Any) -> bool:
    """Whether nested results are equal bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, tuple | list) or (isinstance(one, np.ndarray) and one.dtype == object):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return np.asarray(one).dtype == np.asarray(other).dtype and np.array_equal(one, other)


def row_of(batch: Any, row: int, names: Any) -> dict[str, Any]:
    return {name: batch[name][row] for name in names}


@forms
@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_each_row_is_a_single_environment_bit_for_bit(keywords, threads):
    limit = 35
    envs: Any = gymnasium.make_vec(
        "JumppadIslands-v0", ALONE, threads=threads, max_episode_steps=limit, **SMALL, **keywords
    )
    singles: list[Any] = [
        gymnasium.make("JumppadIslands-v0", max_episode_steps=limit, **SMALL, **keywords) for _ in range(ALONE)
    ]
    envs.reset(seed=3)
    before = []
    for row, env in enumerate(singles):
        env.reset(seed=3 + row)
        options = start(row, keywords) if row % 2 else {}
        before.append(env.reset(options=options))
        observations, infos = envs.reset(options={**options, "reset_mask": np.arange(ALONE) == row})
    for row, (observation, info) in enumerate(before):
        assert same(row_of(observations, row, observation), observation) and same(row_of(infos, row, info), info)
    pads, ends = set(), 0
    for step in range(STEPS):
        observations, rewards, terminated, truncated, infos = envs.step([actions(row)[step] for row in range(ALONE)])
        for row, env in enumerate(singles):
            observation, reward, ends_now, cut, info = env.step(actions(row)[step])
            assert (rewards[row], terminated[row], truncated[row]) == (reward, ends_now, cut)
            pads.add(int(info["pads"][0]))
            if ends_now or cut:
                ends += 1
                assert same(row_of(infos["final_info"], row, info), info) and infos["_final_info"][row]
                assert same(infos["final_obs"][row], observation)
                observation, info = env.reset()
            assert same(row_of(observations, row, observation), observation)
            assert same(row_of(infos, row, info), info)
            assert same(envs.states()[row], env.unwrapped.get_state())
    assert len(pads) > 1 and ends >= ALONE
    for env in (envs, *singles):
        env.close()


@forms
def test_infos_have_the_same_keys_shapes_and_types_at_every_step(keywords):
    env: Any = gymnasium.make("JumppadIslandsState-v0", **keywords)
    envs: Any = gymnasium.make_vec("JumppadIslandsState-v0", 3, **keywords)
    islands, pads = keywords.get("islands", 1), keywords.get("pads", 3)
    expected = {**INFO, "pads": ((islands,), np.int64), "pad_colors": ((islands, pads), np.int64)}
    kept = [env.reset(seed=0)[1], *(env.step(action)[-1] for action in actions(0)[:12])]
    together = [envs.reset(seed=0)[1], *(envs.step([action] * 3)[-1] for action in actions(0)[:12])]
    for info in kept:
        assert {name: (np.shape(value), value.dtype.type) for name, value in info.items()} == expected
        assert all(0 <= color < pads for color in info["pad_colors"].flat)
    for infos in together:
        found = {name: (value.shape[1:], value.dtype.type) for name, value in infos.items() if name[0] != "_"}
        assert found == expected and all(infos[f"_{name}"].all() for name in expected)
    for infos, later in zip(together[:-1], together[1:], strict=True):
        assert not any(np.shares_memory(infos[name], later[name]) for name in expected)


@pytest.mark.parametrize(
    ("keywords", "observation"), [*((form, "both") for form in FORMS), ({}, "pixels"), ({}, "state")], ids=str
)
def test_spaces_contain_what_is_observed_and_gymnasiums_check_passes(keywords, observation):
    given = {**SMALL, **keywords, "observation": observation}
    env: Any = gymnasium.make("JumppadIslands-v0", **given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is.*infinity")
        check_env(env.unwrapped, skip_render_check=True)
    observation, _ = env.reset(seed=1, options=start(1, keywords))
    assert env.observation_space.contains(observation)
    for action in actions(1):
        assert env.observation_space.contains(env.step(action)[0])
    env.close()


@pytest.mark.parametrize(("name", "classic"), [("Jumppad", False), ("JumppadIslands", True)])
def test_all_four_names_are_registered_in_both_forms(name, classic):
    for suffix, kind in (("", gymnasium.spaces.Box(0, 255, (128, 128, 3), np.uint8)), ("State", None)):
        env, envs = gymnasium.make(f"{name}{suffix}-v0"), gymnasium.make_vec(f"{name}{suffix}-v0", 2)
        assert kind is None or env.observation_space == kind
        assert len(env.observation_space.shape or ()) == (3 if kind else 1)
        assert isinstance(envs, JumppadVectorEnv) and envs.single_observation_space == env.observation_space
        assert ("level" in env.reset(seed=0)[1]) == classic


def lasts(**keywords: Any) -> tuple[int, list[int]]:
    """Returns after how many steps episodes of people who stand still are cut, in single and in vector form."""
    env = gymnasium.make("JumppadIslandsState-v0", **keywords)
    env.reset(seed=0)
    steps = 1
    while not env.step(gamepad.NEUTRAL)[3]:
        steps += 1
    envs = gymnasium.make_vec("JumppadIslandsState-v0", 2, autoreset_mode="Disabled", **keywords)
    envs.reset(seed=0)
    together = 1
    while not (cut := envs.step(np.tile(gamepad.NEUTRAL, (2, 1)))[3]).any():
        together += 1
    assert cut.all()
    return steps, [together]


@pytest.mark.parametrize("islands", [1, 2, 3, 4])
def test_episodes_end_by_themselves_after_ten_seconds_for_each_island_and_the_flights(islands):
    whole = 100 * islands + 22 * (islands - 1)
    assert lasts(islands=islands) == (whole, [whole])


@pytest.mark.parametrize(("limit", "steps"), [(30, 30), (100, 100), (150, 150), (1000, 222)])
def test_a_limit_can_only_shorten_episodes(limit, steps):
    assert lasts(islands=2, max_episode_steps=limit) == (steps, [steps])


@pytest.mark.parametrize(("limit", "steps"), [(None, 282), (250, 250)])
def test_extra_steps_lengthen_them_and_a_limit_shortens_these_too(limit, steps):
    assert lasts(islands=2, extra_steps=60, max_episode_steps=limit) == (steps, [steps])


def test_a_seed_tells_its_level_before_the_episode():
    envs: Any = gymnasium.make_vec("JumppadIslandsState-v0", 32, start_level=50, num_levels=300, cue=True)
    _, infos = envs.reset(seed=9)
    assert infos["level"].tolist() == [level_of(9 + row, envs.unwrapped.options) for row in range(32)]
    assert len(set(infos["level"].tolist())) > 16
    envs.close()


@pytest.mark.parametrize("mode", ["SameStep", "NextStep", "Disabled"])
def test_rows_begin_on_levels_of_their_own_again_and_again(mode):
    envs: Any = gymnasium.make_vec("JumppadIslandsState-v0", 6, autoreset_mode=mode, max_episode_steps=3, num_levels=0)
    _, infos = envs.reset(seed=0)
    levels = [infos["level"]]
    for _ in range(12):
        *_, truncated, infos = envs.step(np.tile(gamepad.NEUTRAL, (6, 1)))
        if mode == "Disabled" and truncated.any():
            _, infos = envs.reset(options={"reset_mask": truncated})
        levels.append(infos["level"])
    assert len(np.unique(levels)) >= 6 * 3 and all(len(set(row)) >= 3 for row in np.transpose(levels))
    envs.close()


def test_levels_can_be_asked_for_row_by_row():
    envs: Any = gymnasium.make_vec("JumppadIslandsState-v0", 3, autoreset_mode="Disabled")
    assert envs.reset(seed=0, options={"level": [5, 900, 7]})[1]["level"].tolist() == [5, 900, 7]
    assert envs.reset(options={"level": 8})[1]["level"].tolist() == [8, 8, 8]
    mask = np.array([False, True, False])
    assert envs.reset(options={"level": np.array([1, 2, 3]), "reset_mask": mask})[1]["level"].tolist() == [8, 2, 8]
    before = envs.states()
    for bad, message in (([1, 2], "level has 2 entries for 3"), ([1, 2, -1], "level=-1 must be")):
        with pytest.raises(ValueError, match=message):
            envs.reset(options={"level": bad})
    assert np.array_equal(envs.states(), before)
    envs.close()


@pytest.mark.parametrize("keywords", [{"num_levels": -1}, {"target": "up"}, {"pads": 9}, {"cue": 1}], ids=str)
def test_wrong_keywords_are_the_same_error_in_both_forms(keywords):
    messages = []
    for make in (gymnasium.make, lambda name, **given: gymnasium.make_vec(name, 2, **given)):
        with pytest.raises(ValueError) as caught:
            make("JumppadIslands-v0", **keywords)
        messages.append(str(caught.value))
    assert messages[0] == messages[1] and "\n" not in messages[0]
    with pytest.raises(TypeError):
        gymnasium.make("Jumppad-v0", num_levels=3)


COPIES: list[Callable[[Any], Any]] = [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))]
copied = pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle"])


@copied
@forms
def test_a_copy_has_the_same_future(copied, keywords):
    env: Any = gymnasium.make("JumppadIslands-v0", max_episode_steps=30, **SMALL, **keywords)
    env.reset(seed=3)
    env.reset(options=start(2, keywords))
    for action in actions(2)[:12]:
        env.step(action)
    twin = copied(env)
    assert same(twin.unwrapped.get_state(), env.unwrapped.get_state())
    for action in actions(2)[12:]:
        one, other = env.step(action), twin.step(action)
        assert same(one, other)
        if one[2] or one[3]:
            assert same(env.reset(), twin.reset())


@copied
@pytest.mark.parametrize("mode", ["SameStep", "Disabled"])
def test_a_copied_vector_environment_has_the_same_future(copied, mode):
    keywords: dict[str, Any] = {**SMALL, "distribution_mode": "hard", "islands": 2, "cue": True}
    envs: Any = gymnasium.make_vec("JumppadIslands-v0", 3, autoreset_mode=mode, max_episode_steps=20, **keywords)
    envs.reset(seed=3)
    for step in range(10):
        envs.step([actions(row)[step] for row in range(3)])
    twin = copied(envs)
    for step in range(10, STEPS):
        together = [each.step([actions(row)[step] for row in range(3)]) for each in (envs, twin)]
        assert same(*together) and same(envs.states(), twin.states())
        if mode == "Disabled" and (done := together[0][2] | together[0][3]).any():
            assert same(*[each.reset(options={"reset_mask": done}) for each in (envs, twin)])
    envs.close()
    twin.close()


def test_a_restored_state_shows_the_same_picture_in_another_environment():
    keywords: dict[str, Any] = {**SMALL, "islands": 2, "cue": True, "distribution_mode": "hard"}
    env, other = (gymnasium.make("JumppadIslands-v0", **keywords).unwrapped for _ in range(2))
    env.reset(seed=1, options=start(2, keywords))
    other.reset(seed=9)
    character = {"character": "scout"}
    env.reset(seed=1, options={**start(2, keywords), **character})
    other.reset(seed=9, options=character)
    for action in actions(2)[:20]:
        observation, _, _, _, info = env.step(action)
    assert same(other.set_state(env.get_state()), (observation, info))  # pyright: ignore[reportAttributeAccessIssue]
