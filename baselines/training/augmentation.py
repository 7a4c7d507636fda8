"""Augmentation: random shifts of the frames of whole episodes.

Source: Kostrikov et al., "Image Augmentation Is All You Need" (arXiv 2004.13649). Deviation: they shift each
observation independently; here all frames of an episode are shifted alike, which preserves motion on the screen.
"""

import dataclasses

import numpy as np

from jumppad_env.dataset import Trajectory
from jumppad_env.streams import stream


def shift_frames(frames: np.ndarray, down: int, right: int) -> np.ndarray:
    """Returns frames (T, H, W, 3) shifted by whole pixels; the edge is repeated where pixels are missing."""
    height, width = frames.shape[1:3]
    high, wide = abs(down), abs(right)
    padded = np.pad(frames, ((0, 0), (high, high), (wide, wide), (0, 0)), mode="edge")
    return padded[:, high - down : high - down + height, wide - right : wide - right + width]


def draw_shifts(episodes: int, most: int, seed: int, index: int) -> list[list[int]]:
    """Returns the shifts, down and right in pixels, of the episodes of a batch.

    Args:
        episodes: Number of episodes in the batch.
        most: Largest shift in pixels, vertically and horizontally; 0 turns it off.
        seed: Seed for all shifts.
        index: Index of the batch.
    """
    return stream(seed, "shifts", index).integers(-most, most, (episodes, 2), endpoint=True).tolist()


def shift_episode(trajectory: Trajectory, down: int, right: int) -> Trajectory:
    """Returns an episode with shifted frames."""
    if down == right == 0:
        return trajectory
    return dataclasses.replace(trajectory, frames=shift_frames(np.asarray(trajectory.frames), down, right))
