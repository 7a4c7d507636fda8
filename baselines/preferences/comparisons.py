"""Comparisons between episodes of a dataset: drawing pairs, labeling them, loading them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from baselines import artifact

FILE = "comparisons.npz"


@dataclass(frozen=True)
class Comparisons:
    """C labeled pairs of episodes of one dataset."""

    chosen: np.ndarray
    """(C,) int, indices of the preferred episodes."""
    rejected: np.ndarray
    """(C,) int, indices of the others."""


def compare(values: np.ndarray, count: int, generator: np.random.Generator, noise: float = 0.0) -> Comparisons:
    """Draws random pairs of episodes of different value; the one with the higher value is chosen.

    Args:
        values: (E,), the episodes' values from `baselines.preferences.labels`.
        count: Number of comparisons; pairs may repeat.
        generator: Source of randomness.
        noise: Probability of a flipped label.

    Raises:
        ValueError: All episodes have the same value.
    """
    if len(values) == 0 or (values == values[0]).all():
        raise ValueError(
            f"all {len(values)} rollouts have the same label, so there is nothing to compare; "
            "play more rollouts or fine-tune longer"
        )
    first, second = np.zeros(0, np.int64), np.zeros(0, np.int64)
    while len(first) < count:  # ties carry no information
        pairs = generator.integers(len(values), size=(2, 2 * count))
        differ = values[pairs[0]] != values[pairs[1]]
        first, second = np.concatenate([first, pairs[0, differ]]), np.concatenate([second, pairs[1, differ]])
    first, second = first[:count], second[:count]
    swap = (values[first] < values[second]) != (generator.random(count) < noise)
    return Comparisons(np.where(swap, second, first), np.where(swap, first, second))


def load_comparisons(directory: Path, part: Literal["train", "held_out"]) -> Comparisons:
    """Loads the training or held-out comparisons of a finished artifact.

    Raises:
        FileNotFoundError: There is no finished artifact.
        ValueError: It is damaged or of another kind.
    """
    artifact.load_manifest(directory, "preferences")
    return Comparisons(*artifact.read_arrays(directory / FILE, f"{part}_chosen", f"{part}_rejected"))
