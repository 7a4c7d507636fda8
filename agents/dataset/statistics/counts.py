"""Counts over a dataset: modes, outcomes, lengths, sticks, buttons, people.

Actions are read block by block, so memory stays small for datasets of any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.outcomes import summarize, wilson_interval
from agents.population import MODES
from jumppad_env import gamepad
from jumppad_env.dataset import Dataset

BLOCK = 1000
"""Number of episodes whose actions are read at once."""
MOST_MODES = 20
"""More than `agents.population.MODES` has; the rarest modes of a dataset with even more are merged."""
OTHER = "other modes"


@dataclass(frozen=True, eq=False)
class ModeCount:
    """Counts of one mode."""

    name: str
    """Empty if unknown."""
    indices: np.ndarray
    """int64 (n,), its episodes in order."""
    share: float
    """Share of all episodes."""
    interval: tuple[float, float]
    """95% interval of the share."""
    outcome: dict[str, Any]
    """Outcomes of its episodes, see `agents.outcomes.summarize`."""


@dataclass(frozen=True, eq=False)
class DatasetCounts:
    """Counts over every episode and step of a dataset."""

    modes: tuple[ModeCount, ...]
    """Those of `agents.population.MODES` in that order, then the others by decreasing frequency."""
    outcome: dict[str, Any]
    """Outcomes of all episodes, see `agents.outcomes.summarize`."""
    sticks: np.ndarray
    """int64 (4, BUCKETS): steps by axis and bucket."""
    held: np.ndarray
    """int64 (12,): number of steps with each button down."""
    presses: np.ndarray
    """int64 (12,): number of presses of each button."""
    skills: dict[int, float]
    """Skill of each person, by number; empty if the players are unknown."""
    unknown: int
    """Number of episodes whose player is unknown."""


def count_dataset(dataset: Dataset) -> DatasetCounts:
    """Returns all counts.

    Raises:
        ValueError: invalid actions or pads.
    """
    episodes = dataset.episodes
    sticks = np.zeros((len(gamepad.AXES), gamepad.BUCKETS), np.int64)
    held, presses = np.zeros((2, len(gamepad.BUTTONS)), np.int64)
    for starts, actions in _blocks(dataset):
        if (largest := actions[:, : len(gamepad.AXES)].max()) >= gamepad.BUCKETS:
            raise ValueError(
                f"{dataset.directory}/actions.npy has a stick in bucket {largest}, expected 0 to "
                f"{gamepad.BUCKETS - 1}; collect the dataset again"
            )
        for axis in range(len(gamepad.AXES)):
            sticks[axis] += np.bincount(actions[:, axis], minlength=gamepad.BUCKETS)
        down = actions[:, len(gamepad.AXES) :] > 0
        before = np.concatenate([np.zeros_like(down[:1]), down[:-1]])
        before[starts] = False
        held += down.sum(axis=0)
        presses += (down & ~before).sum(axis=0)
    skills, unknown = _people(episodes)
    return DatasetCounts(
        modes=_modes(episodes, dataset.places),
        outcome=summarize(dataset.places, episodes["length"]),
        sticks=sticks,
        held=held,
        presses=presses,
        skills=skills,
        unknown=unknown,
    )


def evenly(indices: np.ndarray, most: int) -> np.ndarray:
    """Returns at most so many of the indices, evenly spaced."""
    return indices[np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(np.int64)]


def _blocks(dataset: Dataset) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the actions of some episodes at a time, and the rows at which episodes start."""
    for first in range(0, len(dataset), BLOCK):
        rows = dataset.episodes[first : first + BLOCK]
        begin, end = int(rows["start"][0]), int(rows["start"][-1] + rows["length"][-1])
        yield rows["start"] - begin, np.asarray(dataset.actions[begin:end])


def _modes(episodes: np.ndarray, places: np.ndarray) -> tuple[ModeCount, ...]:
    names, numbers, counts = np.unique(episodes["mode"], return_inverse=True, return_counts=True)
    found = {str(name): index for index, name in enumerate(names)}
    known = [found[name] for name in MODES if name in found]
    others = [index for index in np.argsort(-counts, kind="stable").tolist() if index not in set(known)]
    listed = [(str(names[index]), [index]) for index in (known + others)[:MOST_MODES]]
    if rest := (known + others)[MOST_MODES:]:
        listed.append((OTHER, rest))
    modes = []
    for name, which in listed:
        indices = np.flatnonzero(np.isin(numbers, which))
        outcome = summarize(places[indices], episodes["length"][indices])
        share, interval = len(indices) / len(episodes), wilson_interval(len(indices), len(episodes))
        modes.append(ModeCount(name, indices, share, interval, outcome))
    return tuple(modes)


def _people(episodes: np.ndarray) -> tuple[dict[int, float], int]:
    if "person" not in (episodes.dtype.names or ()):
        return {}, len(episodes)
    numbers, first = np.unique(episodes["person"], return_index=True)
    skills = episodes["skill"][first]
    people = {int(n): float(s) for n, s in zip(numbers, skills, strict=True) if n >= 0}
    return people, int((episodes["person"] < 0).sum())
