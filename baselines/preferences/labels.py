"""What a preference is about: a number per episode, and the episode with the higher one is chosen.

`pad` is about the place, as in the paper. The others are about behavior, wherever it leads; no frame shows them by
itself.
"""

from __future__ import annotations

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
    """Less turning of the camera: minus the mean of its speed, rad/s."""
    turning = np.abs(camera_velocity(trajectory))[: played_steps(trajectory)]
    return -float(turning.mean()) if len(turning) else 0.0


def steady_stick(trajectory: Trajectory) -> float:
    """A steadier left stick: minus the mean of its movement from step to step."""
    left = sticks(trajectory)[: played_steps(trajectory), :2]
    moved = np.linalg.norm(np.diff(left, axis=0), axis=1)
    return -float(moved.mean()) if len(moved) else 0.0


def mean_speed(trajectory: Trajectory) -> float:
    """Mean horizontal speed, m/s."""
    return float(np.hypot(*trajectory.states[: played_steps(trajectory), VELOCITY].T).mean())


BEHAVIOR: dict[Label, Callable[[Trajectory], float]] = {
    "camera": still_camera,
    "stick": steady_stick,
    "speed": mean_speed,
}
"""What the labels about behavior measure of an episode."""


def label(dataset: Dataset, what: Label, target: int) -> np.ndarray:
    """Returns a number for each episode (E,); higher is better.

    Args:
        dataset: rollouts.
        what: see the module.
        target: index of the pad, read by `pad` alone.
    """
    if what == "pad":
        return (np.asarray(dataset.episodes["pad"]) == target).astype(np.float64)
    return np.array([BEHAVIOR[what](dataset.trajectory(index)) for index in range(len(dataset))])
