"""Datasets: read, verified, redrawn, put together and taken apart. docs/datasets.md is their page.

python -m agents.dataset verify runs/demonstrations
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agents.population.modes import GOALS
from jumppad_env.dataset import Dataset, Trajectory, writing

__all__ = ["Dataset", "write_dataset"]


def write_dataset(
    directory: Path | str, trajectories: Iterable[Trajectory], *, seed: int, description: dict[str, Any]
) -> int:
    """Streams trajectories to disk, see `jumppad_env.dataset.writing.write_dataset`.

    Goals are those of `agents.population.modes.GOALS` unless the description names others.
    """
    return writing.write_dataset(directory, trajectories, seed=seed, description={"goals": GOALS, **description})
