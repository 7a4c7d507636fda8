"""What follows from a trajectory is what the environment says when the episode is played again."""

import dataclasses
from typing import Any

import gymnasium
import numpy as np
import pytest

import jumppad_env  # noqa: F401 -- registers the environments
from agents.dataset.exchange.transitions import Player
from jumppad_env.dataset import Trajectory

SIZE = (16, 16)


def played(keywords, seed, act, options=None):
    """Plays an episode; returns its trajectory and all that the environment said."""
    env: Any = gymnasium.make("Jumppad-v0", image_size=SIZE, **keywords)
    observation, info = env.reset(seed=seed, options=options)
    frames, states, actions, rewards, terminations, truncations = (
        [observation],
        [env.unwrapped.get_state()],
        [],
        [],
        [],
        [],
    )
    while not actions or not (terminations[-1] or truncations[-1]):
        actions.append(act(info))
        observation, reward, terminated, truncated, info = env.step(actions[-1])
        frames.append(observation)
        states.append(env.unwrapped.get_state())
        rewards.append(reward)
        terminations.append(terminated)
        truncations.append(truncated)
    env.close()
    trajectory = Trajectory(
        seed=seed,
        character=env.unwrapped.character,
        mode="",
        pad=int(info["pad"]),
        fell=bool(info["fell"]),
        actions=np.array(actions),
        states=np.array(states[:-1]),
        frames=np.array(frames[:-1]),
    )
    return trajectory, (states, frames, rewards, terminations, truncations)


def towards(x, y):
    """Returns an actor that runs to a place, m, and on."""

    def act(info):
        action = np.array([5] * 4 + [0] * 12, dtype=np.uint8)
        way = np.array([x, y]) - info["position"][:2]
        yaw = info["camera_yaw"]
        right, forward = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
        stick = np.array([way @ right, way @ forward]) / max(np.abs(way).max(), 1e-9)
        action[:2] = np.rint(np.clip(stick, -1, 1) * 5 + 5)
        return action

    return act


def still(info):
    return np.array([5] * 4 + [0] * 12, dtype=np.uint8)


def pads():
    from jumppad_env.island import load_island

    return load_island().pads


ENDINGS = {
    "middle pad": ({}, towards(*pads()[1][:2]), {"position": pads()[1] + [0, -4, 0.5]}),
    "not the target": ({"target": "left"}, towards(*pads()[1][:2]), {"position": pads()[1] + [0, -4, 0.5]}),
    "goes on": ({"terminate_on_pad": False}, towards(*pads()[1][:2]), {"position": pads()[1] + [0, -4, 0.5]}),
    "short flight": ({"flight_steps": 2}, towards(*pads()[1][:2]), {"position": pads()[1] + [0, -4, 0.5]}),
    "fell": ({}, still, {"position": [500.0, 0.0, 0.0]}),
    "another look": ({"variety": "high", "character": "random"}, still, None),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_what_follows_is_what_the_environment_says(name):
    keywords, act, options = ENDINGS[name]
    trajectory, said = played(keywords, 3, act, options)
    player = Player(keywords, SIZE)
    steps = player.finish(trajectory)
    player.close()
    for column, expected in zip(
        (steps.states, steps.frames, steps.rewards, steps.terminations, steps.truncations), said, strict=True
    ):
        assert column is not None and np.array_equal(column, expected)
    assert {"middle pad": 1, "not the target": 0, "goes on": 1}.get(name, sum(said[2])) == sum(said[2])
    assert trajectory.fell == (name == "fell") and said[-1][-1] == (name in ("goes on", "another look"))


def test_a_trajectory_without_frames_has_no_last_one():
    trajectory, said = played({}, 3, still)
    bare = dataclasses.replace(trajectory, frames=None)
    with pytest.raises(ValueError, match="has no frames"):
        Player({}, SIZE).finish(bare)
    steps = Player({}, None).finish(bare)
    assert steps.frames is None and np.array_equal(steps.states, said[0])
