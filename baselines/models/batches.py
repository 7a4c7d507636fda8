"""Batches of whole episodes, padded to the longest one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jumppad_env.dataset import Trajectory
from jumppad_env.streams import stream

GROUP = 8
"""Number of batches whose episodes are sorted by length together, to reduce padding."""


@dataclass(frozen=True)
class Batch:
    """B episodes of up to T steps."""

    frames: Tensor
    """(B, T, H, W, 3) uint8, zero beyond an episode's end."""
    actions: Tensor
    """(B, T, 16) uint8."""
    lengths: Tensor
    """(B,) int64."""
    forced: Tensor | None = None
    """(B, T) bool: steps at which a probe acted instead of the agent; None if there are none."""

    @property
    def mask(self) -> Tensor:
        """(B, T) float32: 1 for the agent's own steps, 0 for padding and forced steps."""
        steps = torch.arange(self.frames.shape[1], device=self.lengths.device)
        inside = steps < self.lengths[:, None]
        return (inside if self.forced is None else inside & ~self.forced).float()


def make_batch(trajectories: Sequence[Trajectory], device: torch.device) -> Batch:
    """Pads trajectories into a batch; the copy to a GPU is asynchronous.

    Raises:
        ValueError: A trajectory has no frames.
    """
    first = trajectories[0]
    if first.frames is None or any(trajectory.frames is None for trajectory in trajectories):
        raise ValueError("trajectories without frames cannot be trained on; collect them with frames")
    pinned = device.type == "cuda"  # only pinned memory is copied asynchronously
    lengths = torch.tensor([len(trajectory) for trajectory in trajectories], pin_memory=pinned)
    shape = (len(trajectories), int(lengths.max()))
    frames = torch.zeros(*shape, *first.frames.shape[1:], dtype=torch.uint8, pin_memory=pinned)
    actions = torch.zeros(*shape, first.actions.shape[1], dtype=torch.uint8, pin_memory=pinned)
    for row, trajectory in enumerate(trajectories):
        frames.numpy()[row, : len(trajectory)] = trajectory.frames
        actions.numpy()[row, : len(trajectory)] = trajectory.actions
    return Batch(*(tensor.to(device, non_blocking=pinned) for tensor in (frames, actions, lengths)))


def batch_indices(lengths: np.ndarray, size: int, update: int, seed: int) -> np.ndarray:
    """Returns the indices of the episodes in one batch: each episode once per epoch, similar lengths together.

    Args:
        lengths: (E,) int, lengths of all episodes.
        size: Episodes per batch; at most E are used.
        update: Index of the batch.
        seed: Seed for the order of episodes.
    """
    size = min(size, len(lengths))
    per_epoch = len(lengths) // size
    epoch, position = divmod(update, per_epoch)
    generator = stream(seed, "batches", epoch)
    order = generator.permutation(len(lengths))[: per_epoch * size]
    # Within a group of batches, episodes are sorted by length; then the batches are shuffled.
    span = GROUP * size
    for start in range(0, len(order), span):
        group = order[start : start + span]
        order[start : start + span] = group[np.argsort(lengths[group], kind="stable")]
    return order.reshape(per_epoch, size)[generator.permutation(per_epoch)[position]]
