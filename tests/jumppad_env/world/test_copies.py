"""Copies of environments: a copy has the same future bit for bit, and the original does not notice."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.wrappers import vector

import jumppad_env
from jumppad_env import gamepad
from jumppad_env.drawing import Painter
from jumppad_env.world import World


def by_cloudpickle(env: Any) -> Any:
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(env))


COPIES: list[Callable[[Any], Any]] = [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env)), by_cloudpickle]
KEYWORDS: dict[str, Any] = {"observation": "both", "image_size": (16, 24), "character": "random", "variety": "high"}
LOOKS: dict[str, Any] = {"render_mode": "rgb_array", "render_size": (36, 60)}
copied = pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle", "cloudpickle"])


def actions(*shape: int) -> np.ndarray:
    """Random actions (*shape, 16), mostly forward."""
    space = gamepad.action_space()
    space.seed(2)
    result = np.reshape([space.sample() for _ in range(int(np.prod(shape)))], (*shape, gamepad.FACTORS))
    result[..., gamepad.LEFT_Y] = np.maximum(result[..., gamepad.LEFT_Y], 9)
    return result


def same(one: Any, other: Any) -> bool:
    """Whether nested results are equal bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list) or (isinstance(one, np.ndarray) and one.dtype == object):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and np.array_equal(one, other)


def future(env: Any, steps: np.ndarray) -> list[Any]:
    """Plays on, beginning new episodes without a seed where one ends."""
    seen = []
    for action in steps:
        result = env.step(action)
        seen.append((result, env.render()))
        if result[2] or result[3]:
            seen.append(env.reset())
    return seen


@copied
@pytest.mark.parametrize("played", [0, 7, 20])
def test_a_copied_environment_has_the_same_future(copied, played):
    env: Any = gymnasium.make("Jumppad-v0", max_episode_steps=20, **KEYWORDS, **LOOKS)
    env = wrappers.FrameStackObservation(env, 2)
    env.reset(seed=3)
    env.render()
    steps = actions(45)
    for action in steps[:played]:
        env.step(action)
    if played == 20:
        env.reset()
    twin = copied(env)
    assert same(twin.unwrapped.get_state(), env.unwrapped.get_state())
    seen = future(env, steps[played:])
    assert same(future(twin, steps[played:]), seen)
    assert same(env.action_space.sample(), twin.action_space.sample())
    assert not same(seen[0], seen[-1])
    env.close()
    twin.close()


@copied
@pytest.mark.parametrize("name", ["continuous", "discrete"])
def test_other_formats_of_actions_are_copied_too(copied, name):
    wrapper = {"continuous": jumppad_env.ContinuousGamepad, "discrete": jumppad_env.DiscreteGamepad}[name]
    for env in (
        gymnasium.make("JumppadState-v0", actions=name),
        wrapper(gymnasium.make("JumppadState-v0")),
        gymnasium.make_vec("JumppadState-v0", 3, actions=name),
        wrapper(gymnasium.make_vec("JumppadState-v0", 3)),
    ):
        env.reset(seed=0)
        env.action_space.seed(0)
        twin = copied(env)
        for _ in range(8):
            action = env.action_space.sample()
            assert same(twin.action_space.sample(), action) and same(twin.step(action), env.step(action))


def test_a_copy_plays_alone():
    env = gymnasium.make("Jumppad-v0", **KEYWORDS)
    env.reset(seed=3)
    twin, other = copy.deepcopy(env), copy.deepcopy(env)
    steps = actions(12)
    for action in steps:
        other.step(action[::-1] // 10)
    other.reset(seed=9)
    other.close()
    assert same([env.step(action) for action in steps], [twin.step(action) for action in steps])


@copied
def test_a_copy_starts_the_same_episodes_before_any_reset(copied):
    env = gymnasium.make("JumppadState-v0", character="random")
    twin = copied(env)
    with pytest.raises(gymnasium.error.ResetNeeded):
        twin.unwrapped.step(gamepad.NEUTRAL)
    assert same([env.reset() for _ in range(5)], [twin.reset() for _ in range(5)])


@copied
@pytest.mark.parametrize("vector_too", [False, True])
def test_a_copy_of_a_closed_environment_is_closed(copied, vector_too):
    env: Any = gymnasium.make_vec("Jumppad-v0", 2) if vector_too else gymnasium.make("Jumppad-v0")
    env.reset(seed=0)
    env.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError):
        copied(env).reset()


def test_a_copy_opens_a_window_of_its_own(pygame):
    env: Any = gymnasium.make("JumppadState-v0", render_mode="human", render_size=(36, 60))
    env.reset(seed=0)
    twin = copy.deepcopy(env)
    assert same(twin.step(gamepad.NEUTRAL), env.step(gamepad.NEUTRAL))
    env.close()


@copied
@pytest.mark.parametrize("mode", ["SameStep", "NextStep", "Disabled"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_copied_vector_environment_has_the_same_future(copied, mode, threads):
    count, limit = 7, 9
    steps = actions(30, count)
    envs: Any = gymnasium.make_vec(
        "Jumppad-v0", count, autoreset_mode=mode, threads=threads, max_episode_steps=limit, **KEYWORDS, **LOOKS
    )
    envs = vector.DictInfoToList(envs)
    envs.reset(seed=4)
    for _ in range(limit if mode == "NextStep" else 5):  # where the next step begins all anew, or in the middle
        envs.step(steps[0])
    if mode == "Disabled":
        envs.reset(options={"reset_mask": np.arange(count) < 3})
        envs.unwrapped.retire(np.arange(count) == 5)
    twin = copied(envs)
    for action in steps:
        results = [(each.step(action), each.render(), each.unwrapped.states()) for each in (envs, twin)]
        assert same(*results)
        done = results[0][0][2] | results[0][0][3]
        if mode == "Disabled" and done.any():
            assert same(*[each.reset(options={"reset_mask": done}) for each in (envs, twin)])
    assert same(twin.np_random_seed, envs.np_random_seed) and same(twin.unwrapped.spec.kwargs, envs.spec.kwargs)
    assert same(envs.action_space.sample(), twin.action_space.sample())
    envs.close()
    twin.close()


def test_worlds_and_painters_are_copied_too(garden):
    world = World(2)
    world.place(0, "walker", garden)
    world.place(1, "scout", garden, 1.0, look=7)
    twin, painter = copy.deepcopy(world), Painter(16, 24, variety="high")
    for action in actions(6, 2):
        world.step(action)
        twin.step(action)
    assert same(twin.states(), world.states()) and twin.characters == world.characters == ["walker", "scout"]
    state = world.get_state(1)
    assert same(copy.deepcopy(painter).draw_one(state, "scout"), painter.draw_one(state, "scout"))
