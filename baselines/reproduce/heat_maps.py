"""Figure 2: where everybody goes on the map, stage by stage."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from agents.figures.island_map import load_map
from baselines.evaluate import PATHS
from baselines.laboratory.claims import Claim
from baselines.laboratory.experiment import Experiment, Row
from baselines.laboratory.panels import counted
from baselines.laboratory.statistics import group
from baselines.laboratory.tables import Column, Line, Table, tabulate
from baselines.reproduce import outcomes
from baselines.reproduce.drawing.procedure_map import Counted, procedure
from baselines.reproduce.outcomes import title
from baselines.stages import Stages

CELL = 0.5
"""m, side of the squares in which steps are counted."""
OFTEN = 0.01
"""Share of episodes from which on a square belongs to an agent's ways."""


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


def condense(rows: list[Row]) -> list[Row]:
    """Adds the squares of all seeds up, and writes neighbors in y together: [x, y, visits, visits of the next, ...]."""
    condensed = []
    for (stage, target), some in group(rows, "stage", "target").items():
        visits = sum(unpack(row["visits"]) for row in some)
        assert isinstance(visits, np.ndarray)
        runs = []
        for x, column in enumerate(visits):
            filled = np.flatnonzero(column)
            for run in np.split(filled, np.flatnonzero(np.diff(filled) > 1) + 1):
                if len(run):
                    runs.append([x, int(run[0]), *map(int, column[run])])
        episodes = sum(row["episodes"] for row in some)
        head = {"stage": stage, "target": target, "seeds": len(some), "episodes": episodes}
        condensed.append({**head, "cell": some[0]["cell"], "visits": runs})
    return condensed


def unpack(visits: list[list[int]]) -> np.ndarray:
    """Returns int (columns, rows): what `count_visits` had counted."""
    x_edges, y_edges = grid()
    counts = np.zeros((len(x_edges) - 1, len(y_edges) - 1), dtype=np.int64)
    for x, y, *run in visits:
        counts[x, y : y + len(run)] = run
    return counts


def draw(rows: list[Row]) -> Figure:
    """Draws the procedure as one connected picture, from condensed rows."""
    x_edges, y_edges = grid()
    extent = (float(x_edges[0]), float(x_edges[-1]), float(y_edges[0]), float(y_edges[-1]))
    maps = {(row["stage"], row["target"]): Counted(unpack(row["visits"]), row["episodes"]) for row in rows}
    seeds = counted(max(row["seeds"] for row in rows), "seed")
    return procedure(maps, title, extent, rows[0]["cell"], seeds)


AREA = "area of the ways, m²"


def table(rows: list[Row]) -> Table:
    """Tabulates how much of the island each agent covers, and how much of its way it shares with people."""
    maps = {(row["stage"], row["target"]): (unpack(row["visits"]), row["episodes"]) for row in rows}
    people = maps.get(("demonstrations", ""))
    found = {
        agent: [
            {
                "seed": 0,
                "area": area(visits, episodes, rows[0]["cell"]),
                "shared": None if people is None else overlap(people[0], visits),
            }
        ]
        for agent, (visits, episodes) in maps.items()
    }
    lines = [Line(title(*agent), some, found.get(BEFORE.get(agent[0], ("", "")), ())) for agent, some in found.items()]
    columns = (
        Column(AREA, "area", share=False, digits=0),
        Column("visits shared with people", "shared", digits=0, compared=False),
    )
    return tabulate(lines, columns, "the base agent, and of aligned agents to the fine-tuned one")


BEFORE = {"finetuned": ("base", ""), "aligned": ("finetuned", "")}


def area(visits: np.ndarray, episodes: int, cell: float) -> float:
    """Returns the m² of all squares that are often visited."""
    return float((visits >= OFTEN * episodes).sum() * cell**2)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the share of visits, 0 to 1, that two maps have in the same squares."""
    return float(np.minimum(one / one.sum(), other / other.sum()).sum())


EXPERIMENT = Experiment(
    name="heat_maps",
    title="Ways over the island",
    question="How does each stage change the ways that are taken over the island?",
    paper="The base agent spreads over the island, the fine-tuned one keeps to three ways, each aligned one to one.",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim("Fine-tuning narrows the ways that are taken", "paper", title("finetuned", ""), AREA, "lower"),
        Claim("Alignment narrows the ways again", "paper", title("aligned", "left"), AREA, "lower"),
    ),
    remark=f"Squares that at least {OFTEN:.0%} of episodes visit; sums over all seeds, so nothing is tested.",
    condense=condense,
)
