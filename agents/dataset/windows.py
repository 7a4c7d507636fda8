"""Random windows of consecutive steps for training, from the memory-mapped arrays of a dataset.

    windows = Windows(Dataset("runs/demonstrations"), steps=32)
    batch = windows.batch(numpy.random.default_rng(0), 64)  # frames (64, 32, H, W, 3), actions (64, 32, 16)
    loader = torch.utils.data.DataLoader(windows, batch_size=64, shuffle=True, num_workers=2)

A window begins at any step after which its episode still has `steps` steps, each equally likely: none crosses into
another episode. An episode that is shorter is one window, zero beyond its end, where the mask is False: were there
whole windows only, the quickest runs to a pad would never be seen.

`python tools/compare_windows.py DATASET` measures how fast.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jumppad_env.dataset import Dataset


class Window(NamedTuple):
    """K consecutive steps of an episode, or B such windows with an axis B in front. Zero where the mask is False."""

    frames: np.ndarray
    """uint8 (K, H, W, 3)."""
    actions: np.ndarray
    """uint8 (K, 16)."""
    mask: np.ndarray
    """bool (K,): True within the episode."""


class Windows:
    """All windows of a dataset. Torch's DataLoader takes it as it is; `batch` is faster.

    Attributes:
        dataset: with frames.
        steps: K.

    Raises:
        ValueError: no frames, or K < 1.
    """

    def __init__(self, dataset: Dataset, steps: int) -> None:
        if steps < 1:
            raise ValueError(f"a window needs at least 1 step, got {steps}")
        if dataset.frames is None:
            raise ValueError("windows for training need frames, and this dataset has none; draw them first")
        self.dataset, self.steps = dataset, steps
        self._frames = np.asarray(dataset.frames)  # the same memory, without the costs of np.memmap's slices
        self._actions = np.asarray(dataset.actions)
        lengths = dataset.episodes["length"]
        counts = np.maximum(lengths - steps, 0) + 1
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        self._starts = np.repeat(dataset.episodes["start"], counts) + inside
        self._lengths = np.repeat(np.minimum(lengths, steps), counts)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Window:
        """Returns one window, a copy.

        Raises:
            IndexError: there is no such window.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        window = self.empty()
        self._fill(window, int(self._starts[index]), int(self._lengths[index]))
        return window

    def __reduce__(self) -> tuple[Callable[..., Windows], tuple[Path, int]]:
        # A worker that is not forked opens the files itself; pickling the arrays would send them all.
        return _open, (self.dataset.directory, self.steps)

    def empty(self, size: int | None = None) -> Window:
        """Returns a window, or `size` of them, whose contents are not set yet."""
        shape = (self.steps,) if size is None else (size, self.steps)
        return Window(
            frames=np.empty((*shape, *self._frames.shape[1:]), dtype=np.uint8),
            actions=np.empty((*shape, self._actions.shape[1]), dtype=np.uint8),
            mask=np.empty(shape, dtype=np.bool_),
        )

    def batch(self, generator: np.random.Generator, size: int, out: Window | None = None) -> Window:
        """Returns random windows, drawn with replacement.

        Args:
            generator: draws which.
            size: B.
            out: what to fill, of `empty(size)`; without it new arrays are made, which takes a little longer.

        Returns:
            `out`, or new arrays with an axis B in front.
        """
        batch = self.empty(size) if out is None else out
        chosen = generator.integers(len(self), size=size)
        starts, lengths = self._starts[chosen].tolist(), self._lengths[chosen].tolist()
        for window, start, length in zip(map(Window, *batch), starts, lengths, strict=True):
            self._fill(window, start, length)
        return batch

    def _fill(self, window: Window, start: int, length: int) -> None:
        rows = slice(start, start + length)
        window.frames[:length] = self._frames[rows]
        window.actions[:length] = self._actions[rows]
        window.mask[:length] = True
        for column in window:
            column[length:] = 0


def _open(directory: Path, steps: int) -> Windows:
    return Windows(Dataset(directory), steps)
