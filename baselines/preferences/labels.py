"""Labels: a value per episode; of two episodes the one with the higher value is preferred.

`pad` asks which pad an episode reaches, as in the paper. The other labels are about behavior, whatever the outcome, and
cannot be read from a single frame.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from agents.dataset import Dataset
from agents.motion import camera_velocity, played_steps, sticks
from jumppad_env.dataset import Trajectory
from jumppad_env.world.state import VELOCITY

Label = Literal["pad", "camera", "stick", "speed"]

TITLES: dict[str, str] = {
    "pad": "reaches the target pad",
    "camera": "turns the camera less",
    "stick": "keeps the stick steadier",
    "speed": "moves faster",
}


def still_camera(trajectory: Trajectory) -> float:
    """Returns minus the mean speed at which the camera turns, rad/s."""
    turning = np.abs(camera_velocity(trajectory))[: played_steps(trajectory)]
    return -float(turning.mean()) if len(turning) else 0.0


def steady_stick(trajectory: Trajectory) -> float:
    """Returns minus the mean distance that the left stick moves from step to step."""
    left = sticks(trajectory)[: played_steps(trajectory), :2]
    moved = np.linalg.norm(np.diff(left, axis=0), axis=1)
    return -float(moved.mean()) if len(moved) else 0.0


def mean_speed(trajectory: Trajectory) -> float:
    """Returns the mean horizontal speed, m/s."""
    return float(np.hypot(*trajectory.states[: played_steps(trajectory), VELOCITY].T).mean())


BEHAVIOR: dict[Label, Callable[[Trajectory], float]] = {
    "camera": still_camera,
    "stick": steady_stick,
    "speed": mean_speed,
}
"""Measures of an episode, by the label that uses them."""


def label(dataset: Dataset, what: Label, target: int) -> np.ndarray:
    """Returns the values (E,) of all episodes; higher is better.

    Args:
        dataset: Rollouts.
        what: The label.
        target: Index of the target pad; only `pad` reads it.
    """
    if what == "pad":
        return (np.asarray(dataset.episodes["pad"]) == target).astype(np.float64)
    return np.array([BEHAVIOR[what](dataset.trajectory(index)) for index in range(len(dataset))])
