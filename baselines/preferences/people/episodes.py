"""The episodes that people compare."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from agents.dataset import Dataset
from agents.targets import Target
from baselines.preferences.labels import label
from jumppad_env.dataset import Trajectory


class Episodes:
    """Numbered from 0, on from one dataset to the next. Threads may share them.

    Args:
        known: target that the question means, if it means one.
    """

    def __init__(self, known: str | None = None) -> None:
        self._known = None if known is None else Target.parse(known)
        self.truth: np.ndarray | None = None
        """(episodes,) 1 for those that reach the known target, else 0; None if none is known."""
        self._datasets: list[Dataset] = []
        self._starts = [0]  # of each dataset, and of one to come; written last, so that all before it are there

    def add(self, dataset: Dataset) -> None:
        """Adds the episodes of a dataset.

        Raises:
            ValueError: there is no such target in their world.
        """
        if self._known is not None:
            self._known.check(dataset.settings)
            there = label(dataset, "pad", self._known)
            self.truth = there if self.truth is None else np.concatenate([self.truth, there])
        self._datasets.append(dataset)
        self._starts.append(self._starts[-1] + len(dataset))

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def latest(self) -> range:
        """Numbers of the episodes that were added last."""
        return range(*self._starts[-2:])

    def trajectory(self, episode: int) -> Trajectory:
        """Returns an episode."""
        number = bisect_right(self._starts, episode) - 1
        return self._datasets[number].trajectory(episode - self._starts[number])

    def reached(self) -> list[float]:
        """Returns the share of each dataset's episodes that reach the known target; nothing if none is known."""
        if self.truth is None:
            return []
        return [float(self.truth[start:end].mean()) for start, end in zip(self._starts, self._starts[1:], strict=False)]
