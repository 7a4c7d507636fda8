"""What preferences are about: on trajectories made by hand, and on people's."""

from typing import Any

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines.preferences.labels import BEHAVIOR, label
from jumppad_env.dataset import Trajectory
from jumppad_env.gamepad import AXES, CENTER, FACTORS
from jumppad_env.rules import PADS
from jumppad_env.world import STATE


def trajectory(pad=-1, touched=None, left: Any = CENTER, **columns):
    """An episode of 10 steps with these columns of the state; `left` are buckets of the left stick's x."""
    actions = np.zeros((10, FACTORS), np.uint8)
    actions[:, : len(AXES)] = CENTER
    actions[:, 0] = left
    states = np.zeros((10, len(STATE)))
    states[:, STATE.index("pad")] = -1
    if touched is not None:
        states[touched:, STATE.index("pad")] = pad
    for name, values in columns.items():
        states[:, STATE.index(name)] = values
    known = {"seed": 0, "character": "rider", "mode": "", "pad": pad, "fell": False}
    return Trajectory(**known, actions=actions, states=states, frames=None)


def test_camera_is_minus_its_mean_speed():
    turning = 0.05 * np.arange(10)  # 0.05 rad in 0.1 s
    for direction, expected in ((1, -0.5), (-1, -0.5), (0, 0.0)):
        assert BEHAVIOR["camera"](trajectory(camera_yaw=direction * turning)) == pytest.approx(expected)


def test_stick_is_minus_how_far_it_moves_from_step_to_step():
    nervous = np.where(np.arange(10) % 2, 10, 0)  # from -1 to 1 at every step
    assert BEHAVIOR["stick"](trajectory(left=nervous)) == pytest.approx(-2.0)
    assert BEHAVIOR["stick"](trajectory(left=10)) == 0


def test_speed_is_that_of_the_run_and_not_of_the_flight():
    fast = np.where(np.arange(10) < 4, 5.0, 100.0)
    assert BEHAVIOR["speed"](trajectory(pad=1, touched=4, vx=0.6 * fast, vy=-0.8 * fast)) == pytest.approx(5.0)


def test_labels_of_a_dataset(tmp_path):
    collect(CollectConfig(episodes=60, population="human", image_size=None), tmp_path / "people")
    dataset = Dataset(tmp_path / "people")
    for target in range(len(PADS)):
        reached = [dataset.trajectory(index).pad == target for index in range(len(dataset))]
        assert label(dataset, "pad", target).tolist() == reached and any(reached)
    for what, measure in BEHAVIOR.items():
        values = label(dataset, what, 0)
        assert values.tolist() == [measure(dataset.trajectory(index)) for index in range(len(dataset))]
        assert np.ptp(values) > 0.1, "people differ"
        assert np.array_equal(values, label(dataset, what, 2)), "behavior has nothing to do with the target"
