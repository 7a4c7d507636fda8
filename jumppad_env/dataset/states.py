"""What states in a dataset are in every world: named columns, finite numbers, steps counted from 0, one look each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jumppad_env.world import STATE
from jumppad_env.world.state import LOOK, STEPS


def describe(columns: Sequence[str]) -> dict[str, Any]:
    """Returns the manifest entry of states with these columns.

    Raises:
        ValueError: they do not begin with `STATE`.
    """
    entry = {"columns": list(columns)}
    if columns_of({"states": entry}) is None:
        raise ValueError(f"columns of states must be {', '.join(STATE)}, and then others, got {', '.join(columns)}")
    return entry


def columns_of(manifest: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Returns the names of the columns, first those of `STATE`; None if a manifest does not tell them."""
    entry = manifest.get("states")
    columns = entry.get("columns") if isinstance(entry, dict) else None
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        return None
    known = tuple(columns[: len(STATE)]) == STATE and len(set(columns)) == len(columns)
    return tuple(columns) if known else None


def find_fault(
    states: np.ndarray, steps: np.ndarray, looks: np.ndarray, columns: Sequence[str]
) -> tuple[int, str] | None:
    """Returns the row of the first wrong state and what is wrong with it, or None.

    Args:
        states: float64 (N, len(columns)).
        steps: (N,), control steps since the start of the episode.
        looks: (N,), look of each state's episode.
        columns: names, first those of `STATE`.
    """
    wrong = ~np.isfinite(states)
    wrong[:, STEPS] |= states[:, STEPS] != steps
    wrong[:, LOOK] |= states[:, LOOK] != looks
    if not wrong.any():
        return None
    row, column = np.argwhere(wrong)[0].tolist()
    found = f"{columns[column]} {float(states[row, column])!r}"
    if not np.isfinite(states[row, column]):
        return row, f"{found}, expected a finite number"
    expected = float({STEPS: steps, LOOK: looks}[column][row])
    return row, f"{found}, which cannot occur in an episode (expected {expected!r})"
