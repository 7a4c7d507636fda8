"""Batches of whole episodes, padded to the longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jumppad_env.dataset import Trajectory
from jumppad_env.streams import stream

GROUP = 8
"""Batches that are filled together, sorted by length, so that little is padding."""


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
    """(B, T) bool: the steps at which somebody else acted, if that happened."""

    @property
    def mask(self) -> Tensor:
        """(B, T) float32: 1 within the episodes, 0 beyond, and 0 where somebody else acted."""
        steps = torch.arange(self.frames.shape[1], device=self.lengths.device)
        inside = steps < self.lengths[:, None]
        return (inside if self.forced is None else inside & ~self.forced).float()


def make_batch(trajectories: Sequence[Trajectory], device: torch.device) -> Batch:
    """Pads trajectories into a batch; one for a GPU is copied there while the caller goes on.

    Raises:
        ValueError: a trajectory without frames.
    """
    first = trajectories[0]
    if first.frames is None or any(trajectory.frames is None for trajectory in trajectories):
        raise ValueError("these trajectories hold no frames; collect them with frames, not as states only")
    pinned = device.type == "cuda"  # a GPU copies only such memory while its caller goes on
    lengths = torch.tensor([len(trajectory) for trajectory in trajectories], pin_memory=pinned)
    shape = (len(trajectories), int(lengths.max()))
    frames = torch.zeros(*shape, *first.frames.shape[1:], dtype=torch.uint8, pin_memory=pinned)
    actions = torch.zeros(*shape, first.actions.shape[1], dtype=torch.uint8, pin_memory=pinned)
    for row, trajectory in enumerate(trajectories):
        frames.numpy()[row, : len(trajectory)] = trajectory.frames
        actions.numpy()[row, : len(trajectory)] = trajectory.actions
    return Batch(*(tensor.to(device, non_blocking=pinned) for tensor in (frames, actions, lengths)))


def batch_indices(lengths: np.ndarray, size: int, update: int, seed: int) -> np.ndarray:
    """Returns which episodes make up the batch of an update: every episode once per epoch, similar lengths together.

    Args:
        lengths: int (E,), of all episodes.
        size: episodes per batch; fewer where E is smaller.
        update: index of the update.
        seed: of the order.
    """
    size = min(size, len(lengths))
    per_epoch = len(lengths) // size
    epoch, position = divmod(update, per_epoch)
    generator = stream(seed, "batches", epoch)
    order = generator.permutation(len(lengths))[: per_epoch * size]
    # Within groups of batches episodes are sorted by length; then all batches are shuffled again.
    span = GROUP * size
    for start in range(0, len(order), span):
        group = order[start : start + span]
        order[start : start + span] = group[np.argsort(lengths[group], kind="stable")]
    return order.reshape(per_epoch, size)[generator.permutation(per_epoch)[position]]
