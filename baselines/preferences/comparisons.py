"""Comparisons between episodes of a dataset: what preferences consist of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from baselines import artifact

FILE = "comparisons.npz"


@dataclass(frozen=True)
class Comparisons:
    """Pairs of episodes of one dataset, by index."""

    chosen: np.ndarray
    """(C,) int."""
    rejected: np.ndarray
    """(C,) int."""


def compare(values: np.ndarray, count: int, generator: np.random.Generator, noise: float = 0.0) -> Comparisons:
    """Draws comparisons between episodes of different value; the one with the higher value is chosen.

    Args:
        values: (E,), of `baselines.preferences.labels`.
        count: number of comparisons; pairs may repeat.
        generator: source of randomness.
        noise: probability with which a comparison is labeled the wrong way round.

    Raises:
        ValueError: all episodes have the same value.
    """
    if len(values) == 0 or (values == values[0]).all():
        raise ValueError(
            f"all {len(values)} rollouts have the same label: nothing to compare; "
            "play more rollouts, or fine-tune longer"
        )
    first, second = np.zeros(0, np.int64), np.zeros(0, np.int64)
    while len(first) < count:  # ties tell nothing
        pairs = generator.integers(len(values), size=(2, 2 * count))
        differ = values[pairs[0]] != values[pairs[1]]
        first, second = np.concatenate([first, pairs[0, differ]]), np.concatenate([second, pairs[1, differ]])
    first, second = first[:count], second[:count]
    swap = (values[first] < values[second]) != (generator.random(count) < noise)
    return Comparisons(np.where(swap, second, first), np.where(swap, first, second))


def load_comparisons(directory: Path, part: Literal["train", "held_out"]) -> Comparisons:
    """Loads the comparisons of a finished artifact.

    Raises:
        FileNotFoundError: there is none.
        ValueError: damaged, or of another kind.
    """
    artifact.load_manifest(directory, "preferences")
    try:
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            return Comparisons(arrays[f"{part}_chosen"], arrays[f"{part}_rejected"])
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise ValueError(f"{directory / FILE} is damaged ({error}); run baselines.preferences again") from None
