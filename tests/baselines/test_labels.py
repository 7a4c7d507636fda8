"""What preferences are about, on trajectories made by hand."""

import numpy as np
import pytest

from baselines.labels import label
from jumppad_env.gamepad import AXES, CENTER, FACTORS
from jumppad_env.trajectory import Trajectory
from jumppad_env.world import STATE


class Episodes:
    """As much of a dataset as labels read."""

    def __init__(self, trajectories):
        self.trajectories = trajectories
        self.episodes = {"pad": np.array([trajectory.pad for trajectory in trajectories])}

    def __len__(self):
        return len(self.trajectories)

    def trajectory(self, index):
        return self.trajectories[index]


def trajectory(pad=-1, touched=None, **columns):
    """An episode of 10 steps with these columns of the state, and `left`, buckets of the left stick's x."""
    actions = np.zeros((10, FACTORS), np.uint8)
    actions[:, : len(AXES)] = CENTER
    actions[:, 0] = columns.pop("left", CENTER)
    states = np.zeros((10, len(STATE)))
    states[:, STATE.index("pad")] = -1
    if touched is not None:
        states[touched:, STATE.index("pad")] = pad
    for name, values in columns.items():
        states[:, STATE.index(name)] = values
    return Trajectory(
        seed=0, character="rider", mode="", pad=pad, fell=False, actions=actions, states=states, frames=None
    )


def test_pad_is_one_at_the_target_alone():
    episodes = Episodes([trajectory(pad=pad, touched=9 if pad >= 0 else None) for pad in (-1, 0, 1, 2, 0)])
    assert label(episodes, "pad", 0).tolist() == [0, 1, 0, 0, 1]
    assert label(episodes, "pad", 2).tolist() == [0, 0, 0, 1, 0]


def test_camera_is_minus_its_mean_speed():
    turning = 0.05 * np.arange(10)  # 0.05 rad in 0.1 s
    values = label(
        Episodes([trajectory(camera_yaw=turning), trajectory(camera_yaw=-turning), trajectory()]), "camera", 0
    )
    np.testing.assert_allclose(values, [-0.5, -0.5, 0.0], atol=1e-12)


def test_stick_is_minus_how_far_it_moves_from_step_to_step():
    nervous = np.where(np.arange(10) % 2, 10, 0)  # from -1 to 1 at every step
    values = label(Episodes([trajectory(left=nervous), trajectory(left=10)]), "stick", 0)
    np.testing.assert_allclose(values, [-2.0, 0.0], atol=1e-12)


def test_speed_is_that_of_the_run_and_not_of_the_flight():
    fast = np.where(np.arange(10) < 4, 5.0, 100.0)
    values = label(Episodes([trajectory(pad=1, touched=4, vx=0.6 * fast, vy=-0.8 * fast)]), "speed", 0)
    np.testing.assert_allclose(values, [5.0])


@pytest.mark.parametrize("what", ["camera", "stick", "speed"])
def test_behavior_has_nothing_to_do_with_the_target(what):
    episodes = Episodes([trajectory(vx=np.arange(10.0), camera_yaw=np.arange(10.0), left=np.arange(10))])
    assert label(episodes, what, 0) == label(episodes, what, 2)
