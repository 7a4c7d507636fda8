"""Augmentation: random shifts of the frames of whole episodes.

Source: Kostrikov et al., "Image Augmentation Is All You Need" (arXiv 2004.13649). There each observation is shifted by
itself; here all frames of an episode are shifted alike, so that what moves on the screen moves as it did.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from jumppad_env.dataset import Trajectory
from jumppad_env.streams import stream


def shift_frames(frames: np.ndarray, down: int, right: int) -> np.ndarray:
    """Returns frames (T, H, W, 3) moved by whole pixels; what comes in at an edge repeats the edge."""
    height, width = frames.shape[1:3]
    high, wide = abs(down), abs(right)
    padded = np.pad(frames, ((0, 0), (high, high), (wide, wide), (0, 0)), mode="edge")
    return padded[:, high - down : high - down + height, wide - right : wide - right + width]


def shift_episodes(trajectories: list[Trajectory], most: int, seed: int, index: int) -> list[Trajectory]:
    """Returns the episodes of a batch, each seen with a shift of its own.

    Args:
        trajectories: with frames.
        most: pixels by which they are moved at most, up, down, left or right; 0 leaves them.
        seed: of all shifts.
        index: of the batch.
    """
    if most == 0:
        return trajectories
    shifts = stream(seed, "shifts", index).integers(-most, most, (len(trajectories), 2), endpoint=True).tolist()
    return [
        dataclasses.replace(trajectory, frames=shift_frames(np.asarray(trajectory.frames), *shift))
        for trajectory, shift in zip(trajectories, shifts, strict=True)
    ]
