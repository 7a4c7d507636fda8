"""Trajectories refuse ground truth that does not fit."""

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.dataset import Trajectory
from jumppad_env.world import STATE


def make(**fields) -> Trajectory:
    arrays = {"actions": np.tile(gamepad.NEUTRAL, (5, 1)), "states": np.zeros((5, len(STATE))), "frames": None}
    return Trajectory(seed=0, character="rider", mode="", pad=-1, fell=False, **{**arrays, **fields})


def test_ground_truth_is_optional():
    trajectory = make()
    assert trajectory.person == -1 and np.isnan(trajectory.skill) and trajectory.goals is None


@pytest.mark.parametrize("goals", [np.zeros(4, np.uint8), np.zeros((5, 1), np.uint8), np.zeros(5, np.int64)])
def test_goals_are_one_small_number_per_step(goals):
    assert make(goals=np.zeros(5, np.uint8)).goals is not None
    with pytest.raises(ValueError, match="goals must be"):
        make(goals=goals)
