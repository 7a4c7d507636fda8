"""Random windows of consecutive steps for training, from the memory-mapped arrays of a dataset.

    windows = Windows(Dataset("runs/demonstrations"), steps=32)
    batch = windows.batch(numpy.random.default_rng(0), 64)  # frames (64, 32, H, W, 3), actions (64, 32, 16)
    loader = torch.utils.data.DataLoader(windows, batch_size=64, shuffle=True, num_workers=2)

A window starts at any step that is followed by enough steps of the same episode, all equally likely. A shorter episode
is a single window, padded with zeros where the mask is False; without padding, the quickest runs to a pad would never
be sampled.

`python -m tools.compare_windows DATASET` measures the speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jumppad_env.dataset import Dataset


class Window(NamedTuple):
    """K consecutive steps of an episode, or B windows with a leading axis B. Zero where the mask is False."""

    frames: np.ndarray
    """uint8 (K, H, W, 3)."""
    actions: np.ndarray
    """uint8 (K, 16)."""
    mask: np.ndarray
    """bool (K,): whether the step is within the episode."""


class Windows:
    """All windows of a dataset, usable with Torch's DataLoader; `batch` is faster.

    Attributes:
        dataset: the dataset, which has frames.
        steps: K.

    Raises:
        ValueError: there are no frames, or K < 1.
    """

    def __init__(self, dataset: Dataset, steps: int) -> None:
        if steps < 1:
            raise ValueError(f"a window needs at least 1 step, got {steps}")
        if dataset.frames is None:
            raise ValueError("windows for training need frames, but this dataset has none; render them first")
        self.dataset, self.steps = dataset, steps
        self._frames = np.asarray(dataset.frames)  # same memory, without the overhead of slicing np.memmap
        self._check_frames = dataset.check_frames
        self._actions = np.asarray(dataset.actions)
        lengths = dataset.episodes["length"]
        counts = np.maximum(lengths - steps, 0) + 1
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        self._starts = np.repeat(dataset.episodes["start"], counts) + inside
        self._lengths = np.repeat(np.minimum(lengths, steps), counts)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int | slice) -> Window:
        """Returns one window, or with a leading axis those of a slice; a copy.

        Raises:
            IndexError: the window does not exist.
        """
        if isinstance(index, slice):
            return self._take(np.arange(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        window = self.empty()
        self._fill(window, int(self._starts[index]), int(self._lengths[index]))
        return window

    def __getitems__(self, indices: Sequence[int]) -> list[Window]:
        """Returns several windows, which share their memory; Torch's DataLoader asks for a batch like this."""
        wrong = [index for index in indices if not -len(self) <= index < len(self)]
        if wrong:
            raise IndexError(f"window {wrong[0]} of {len(self)}")
        return list(map(Window, *self._take(np.asarray(indices, np.int64))))

    def __reduce__(self) -> tuple[type[Windows], tuple[Dataset, int]]:
        # A worker that is not forked opens the files itself instead of receiving pickled arrays.
        return Windows, (self.dataset, self.steps)

    def empty(self, size: int | None = None) -> Window:
        """Returns an uninitialized window, or `size` of them."""
        shape = (self.steps,) if size is None else (size, self.steps)
        return Window(
            frames=np.empty((*shape, *self._frames.shape[1:]), dtype=np.uint8),
            actions=np.empty((*shape, self._actions.shape[1]), dtype=np.uint8),
            mask=np.empty(shape, dtype=np.bool_),
        )

    def batch(self, generator: np.random.Generator, size: int, out: Window | None = None) -> Window:
        """Returns random windows, drawn with replacement.

        Args:
            generator: chooses the windows.
            size: B.
            out: result of `empty(size)` to fill; by default new arrays are allocated, which is slightly slower.

        Returns:
            `out`, or new arrays with a leading axis B.
        """
        return self._take(generator.integers(len(self), size=size), out)

    def _take(self, chosen: np.ndarray, out: Window | None = None) -> Window:
        """Returns the chosen windows, with a leading axis."""
        batch = self.empty(len(chosen)) if out is None else out
        starts, lengths = self._starts[chosen].tolist(), self._lengths[chosen].tolist()
        for window, start, length in zip(map(Window, *batch), starts, lengths, strict=True):
            self._fill(window, start, length)
        return batch

    def _fill(self, window: Window, start: int, length: int) -> None:
        rows = slice(start, start + length)
        self._check_frames(rows)
        window.frames[:length] = self._frames[rows]
        window.actions[:length] = self._actions[rows]
        window.mask[:length] = True
        for column in window:
            column[length:] = 0
