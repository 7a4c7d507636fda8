"""Comparisons between episodes of a dataset: what preferences consist of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from baselines import artifact
from jumppad_env.rules import PADS

FILE = "comparisons.npz"


@dataclass(frozen=True)
class Comparisons:
    """Pairs of episodes of one dataset, by index."""

    chosen: np.ndarray
    """(C,) int."""
    rejected: np.ndarray
    """(C,) int."""


def compare(pads: np.ndarray, target: int, count: int, generator: np.random.Generator) -> Comparisons:
    """Draws comparisons between an episode that reached the target and one that did not.

    Args:
        pads: (E,) int, pad reached by each episode.
        target: index of the pad.
        count: number of comparisons; pairs may repeat.
        generator: source of randomness.

    Raises:
        ValueError: no episode reached the target, or all did.
    """
    reached, others = np.flatnonzero(pads == target), np.flatnonzero(pads != target)
    if len(reached) == 0 or len(others) == 0:
        raise ValueError(
            f"{len(reached)} of {len(pads)} rollouts reached the {PADS[target]} pad: nothing to compare; "
            "play more rollouts, or fine-tune longer"
        )
    return Comparisons(generator.choice(reached, count), generator.choice(others, count))


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
