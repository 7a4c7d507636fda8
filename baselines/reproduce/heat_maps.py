"""Figure 2: heat maps of the paths at each stage."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from agents.figures.island_map import draw_map, load_map
from agents.figures.style import INK, MUTED, STYLE
from baselines.artifact import read_arrays
from baselines.evaluate import PATHS
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import counted
from baselines.report.heat_map import lay_out
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce import outcomes
from baselines.reproduce.outcomes import TARGETS, title
from baselines.stages import Stages

CELL = 0.5
"""Side of the squares in which visits are counted, m."""
OFTEN = 0.01
"""Share of episodes that must visit a square for it to count as covered."""
RAREST = 1e-3
"""Share of episodes at the light end of the color scale."""


def measure(stages: Stages) -> Measuring:
    """Counts the episodes that visit each square of the map."""
    rows = []
    for row in (yield from outcomes.measure(stages)):
        stage, target = row["stage"], row["target"]
        name = f"{target}_{stage}" if target else stage
        path = stages.out / "evaluations" / name / PATHS
        visits = count_visits(*read_arrays(path, {"xy": ("f", 2), "lengths": ("iu", 1)}))
        at = np.argwhere(visits)
        cells = [[int(x), int(y), int(visits[x, y])] for x, y in at]
        rows.append({"stage": stage, "target": target, "episodes": row["episodes"], "cell": CELL, "visits": cells})
    return rows


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Returns the edges of the squares in x and in y, m."""
    left, right, bottom, top = load_map().bounds
    return np.arange(left, right + CELL, CELL), np.arange(bottom, top + CELL, CELL)


def count_visits(xy: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns int (columns, rows): the number of episodes that visit each square.

    Args:
        xy: (steps, 2) m, concatenated episodes.
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
    """Sums the counts of all seeds and joins neighbors in y: [x, y, visits, visits of the next square, ...]."""
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
    """Returns int (columns, rows): the result of `count_visits`."""
    x_edges, y_edges = grid()
    counts = np.zeros((len(x_edges) - 1, len(y_edges) - 1), dtype=np.int64)
    for x, y, *run in visits:
        counts[x, y : y + len(run)] = run
    return counts


def draw(rows: list[Row]) -> Figure:
    """Draws the share of episodes that visit each square, by stage, from condensed rows."""
    x_edges, y_edges = grid()
    extent = (float(x_edges[0]), float(x_edges[-1]), float(y_edges[0]), float(y_edges[-1]))
    shares = {(row["stage"], row["target"]): unpack(row["visits"]) / row["episodes"] for row in rows}
    episodes = {(row["stage"], row["target"]): row["episodes"] for row in rows}
    norm = LogNorm(RAREST, max(10 * RAREST, *(share.max() for share in shares.values())), clip=True)

    def draw_agent(axes: Axes, stage: str, target: str) -> None:
        draw_map(axes, mark=8 if target else 16)
        subtitle, limits = "not measured", axes.axis()
        if (stage, target) in shares:
            share = np.ma.masked_equal(shares[stage, target].T, 0)
            axes.imshow(share, cmap=ramp(stage), norm=norm, extent=extent, origin="lower", zorder=3)
            axes.axis(limits)
            subtitle = f"{episodes[stage, target]:,} episodes"
        _mark_pads(axes, names=not target)
        place = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center", "va": "top", "fontsize": 8}
        axes.annotate(title(stage, target), (0.5, 0), (0, -3), color=INK, fontweight="bold", **place)
        axes.annotate(subtitle, (0.5, 0), (0, -14), color=MUTED, **place)

    figure = lay_out(TARGETS, 2.4, draw_agent, legend=1.7)
    with matplotlib.rc_context(STYLE):
        end = figure.axes[2].get_position().x1 - 0.45 / figure.get_figwidth()
        start, height = 0.3 / figure.get_figwidth(), figure.get_figheight()
        scale = figure.add_axes((start, 0.42 / height, end - start, 0.4 / height))
        seeds = counted(max(row["seeds"] for row in rows), "seed")
        cell = rows[0]["cell"]
        _draw_scale(scale, norm, f"share of episodes that visit a square of {cell:g} m x {cell:g} m; {seeds}")
    return figure


def ramp(stage: str) -> LinearSegmentedColormap:
    """Returns shades of a stage's color, from light to dark."""
    color = np.array(to_rgb(STAGE_COLORS[stage]))
    return LinearSegmentedColormap.from_list(stage, [0.35 * color + 0.65, color, 0.45 * color])


def _mark_pads(axes: Axes, *, names: bool) -> None:
    pads = load_map().layers["pad"]
    axes.add_collection(
        PolyCollection(pads, facecolors="none", edgecolors=INK, linewidths=1.2 if names else 0.9, zorder=4),
        autolim=False,
    )
    if names:
        for name, pad in zip(("left", "middle", "right"), sorted(pads, key=lambda p: p[:, 0].mean()), strict=True):
            axes.annotate(
                name, (pad[:, 0].mean(), pad[:, 1].max()), (0, 3), textcoords="offset points", ha="center",
                fontsize=6.5, color=INK, zorder=6,
                bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.75},
            )  # fmt: skip


def _draw_scale(axes: Axes, norm: LogNorm, label: str) -> None:
    """Draws the color scale, one strip per stage."""
    assert norm.vmin is not None and norm.vmax is not None
    edges = np.geomspace(norm.vmin, norm.vmax, 129)
    for row, stage in enumerate(reversed(STAGE_COLORS)):
        axes.pcolormesh(edges, [row, row + 1], edges[None, :-1], cmap=ramp(stage), norm=norm, rasterized=True)
    axes.set(xscale="log", yticks=[], xlim=(norm.vmin, norm.vmax), ylim=(0, len(STAGE_COLORS)))
    axes.set_xticks([tick for tick in (1e-3, 1e-2, 0.1, 1.0) if tick <= norm.vmax])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g}%"))
    axes.set_xlabel(label, fontsize=8)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


AREA = "area of the ways, m²"


def table(rows: list[Row]) -> Table:
    """Tabulates how much of the island each agent covers, and how much of its way it shares with people."""
    maps = {(row["stage"], row["target"]): (unpack(row["visits"]), row["episodes"]) for row in rows}
    people, _ = maps.get(("demonstrations", ""), (None, 0))
    found = {}
    for agent, (visits, episodes) in maps.items():
        area = float((visits >= OFTEN * episodes).sum() * rows[0]["cell"] ** 2)
        shared = None if people is None else float(np.minimum(people / people.sum(), visits / visits.sum()).sum())
        found[agent] = [{"seed": 0, "area": area, "shared": shared}]
    lines = [Line(title(*agent), some, found.get(BEFORE.get(agent[0], ("", "")), ())) for agent, some in found.items()]
    columns = (
        Column(AREA, "area", share=False, digits=0),
        Column("visits shared with people", "shared", digits=0, compared=False),
    )
    return tabulate(lines, columns, "the base agent, and of aligned agents to the fine-tuned one")


BEFORE = {"finetuned": ("base", ""), "aligned": ("finetuned", "")}


EXPERIMENT = Experiment(
    title="Ways over the island",
    question="How does each stage change the ways that are taken over the island?",
    paper="The base agent spreads over the island, the fine-tuned one keeps to three ways, each aligned one to one.",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Fine-tuning narrows the ways that are taken", "paper", Difference(title("finetuned", ""), AREA, "lower")
        ),
        Claim("Alignment narrows the ways again", "paper", Difference(title("aligned", "left"), AREA, "lower")),
    ),
    remark=f"Squares that {OFTEN:.0%} of episodes visit, over all seeds: not tested.",
    condense=condense,
)
