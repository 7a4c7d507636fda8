"""Figure 2: where everybody goes on the map, stage by stage."""

from __future__ import annotations

import numpy as np

from agents.island_map import load_map
from baselines.evaluate import PATHS
from baselines.reproduce import outcomes
from baselines.reproduce.experiment import Row
from baselines.stages import Stages

CELL = 0.5
"""m, side of the squares in which steps are counted."""


def measure(stages: Stages) -> list[Row]:
    """Counts in how many episodes each square of the map was visited."""
    rows = []
    for row in outcomes.measure(stages):
        stage, target = row["stage"], row["target"]
        name = f"{target}_{stage}" if target else stage
        with np.load(stages.out / "evaluations" / name / PATHS) as paths:
            visits = count_visits(paths["xy"], paths["lengths"])
        at = np.argwhere(visits)
        cells = [[int(x), int(y), int(visits[x, y])] for x, y in at]
        rows.append({"stage": stage, "target": target, "episodes": row["episodes"], "cell": CELL, "visits": cells})
    return rows


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Returns the edges of the squares in x and in y, m."""
    left, right, bottom, top = load_map().bounds
    return np.arange(left, right + CELL, CELL), np.arange(bottom, top + CELL, CELL)


def count_visits(xy: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns int (columns, rows): the episodes that visited each square.

    Args:
        xy: (steps, 2) m, episode after episode.
        lengths: (episodes,).
    """
    x_edges, y_edges = grid()
    columns, rows = (np.searchsorted(e, v, side="right") - 1 for e, v in zip((x_edges, y_edges), xy.T, strict=True))
    inside = (columns >= 0) & (columns < len(x_edges) - 1) & (rows >= 0) & (rows < len(y_edges) - 1)
    episodes = np.repeat(np.arange(len(lengths)), lengths)
    seen = np.unique(np.column_stack([episodes, columns, rows])[inside], axis=0)
    visits = np.zeros((len(x_edges) - 1, len(y_edges) - 1), dtype=np.int64)
    np.add.at(visits, (seen[:, 1], seen[:, 2]), 1)
    return visits
