"""The figure of the alignment tax: who comes back after a forced miss, beside who goes where it was aligned to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from agents.figures.style import GRID, INK, MUTED
from baselines.laboratory.experiment import Row
from baselines.laboratory.marks import ends, shade
from baselines.laboratory.panels import note, panels, percent_axis
from baselines.laboratory.statistics import Estimate, group, over_seeds, per_seed
from baselines.laboratory.words import intervals, probed, sizes
from baselines.report.palette import KIND_TITLES, STAGE_COLORS

PLAIN = "all weights"
"""The method that every other one is compared with: the preset's, which trains all weights in alignment."""
GOAL = (0.98, 0.6)
"""Shares of episodes that go left, and of forced misses after which an aligned agent comes back."""
GOAL_COLOR = "#15803d"
METHOD_COLORS = ("#c2410c", "#7b3fa0", "#0e7490", "#be185d", "#854d0e", "#475569", "#4338ca", "#9f1239", "#0f766e")
"""Of methods other than the plain one, in their order and from the start again."""
MARKERS = "sD^vPX<>p"
STRETCH = 1.02
"""The axis of success is logarithmic in how much is missing to this share, so that 95% and 98% lie apart."""


class Point(NamedTuple):
    """An agent of the figure: a method at a stage."""

    method: str
    stage: str
    success: Estimate
    """Share of episodes that go left."""
    back: Estimate
    """Share of forced misses after which it comes back, to any pad."""
    home: Estimate | None
    """Share of forced misses after which it comes back to the pad it was aligned to; None without a target."""
    color: str
    marker: str


def agents(rows: list[Row]) -> list[Point]:
    """Returns all agents, the plain method first, the others in the order of the rows."""
    by_method = group(rows, "method")
    methods = sorted(by_method, key=lambda method: method != PLAIN)
    looks = {PLAIN: (GOAL_COLOR, "o")}
    for index, method in enumerate(method for method in methods if method != PLAIN):
        looks[method] = (METHOD_COLORS[index % len(METHOD_COLORS)], MARKERS[index % len(MARKERS)])
    return [
        Point(
            method,
            stage,
            over_seeds(some, "left"),
            over_seeds(some, "forced_miss"),
            over_seeds(some, "forced_miss_at_target") if per_seed(some, "forced_miss_at_target") else None,
            *looks[method],
        )
        for method in methods
        for stage, some in group(by_method[method], "stage").items()
        if per_seed(some, "forced_miss")
    ]


def draw_recovery(rows: list[Row]) -> Figure:
    """Draws success against coming back, and coming back by method and stage."""
    points = agents(rows)
    lines = len(points) + 0.5 * len({point.method for point in points})
    below = 0.75 + 0.2 * lines
    with panels(4.4 + below, 2, heights=(4.4, below)) as (figure, grid):
        _draw_plane(grid[0, 0], rows, points)
        _draw_bars(grid[1, 0], points)
        size = f"{sizes(rows)}; {probed(rows, 'forced_miss')}"
        goal = f"goal: {GOAL[0]:.0%} left, {GOAL[1]:.0%} come back"
        note(figure, f"{size}; {intervals(rows)}.\nAbove, small: the stages on the way; {goal}.")
        return figure


def _draw_plane(axes: Axes, rows: list[Row], points: list[Point]) -> None:
    """Draws every agent by its success and its share that comes back; the goal is the upper right corner."""
    axes.set_xscale("function", functions=(_stretch, _shrink))
    axes.set(xlim=(0, 1.004), xlabel="episodes that go left (stretched towards 100%)")
    axes.set_xticks([0, 0.5, 0.75, 0.9, 0.95, 0.98, 1.0], minor=False)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    percent_axis(axes, "comes back after a forced miss", high=1.06)
    axes.fill_between([GOAL[0], 1.004], GOAL[1], 1.06, color=shade(GOAL_COLOR, 0.85), linewidth=0, zorder=0)
    axes.plot(
        [GOAL[0], GOAL[0], 1.004], [1.06, GOAL[1], GOAL[1]], color=GOAL_COLOR, linewidth=1, linestyle="--", zorder=1
    )
    axes.text(1.003, 1.05, "goal", color=GOAL_COLOR, fontsize=9, fontweight="bold", ha="right", va="top")
    for method, path in _by_method(points).items():
        if len(path) > 1:
            x, y = [point.success.mean for point in path], [point.back.mean for point in path]
            axes.plot(x, y, color=path[0].color, linewidth=1.6 if method == PLAIN else 0.9, alpha=0.5, zorder=2)
    seeds = {(method, stage): some for (method, stage), some in group(rows, "method", "stage").items()}
    for point in points:
        final = point.stage == "aligned"
        color = STAGE_COLORS.get(point.stage, MUTED) if point.method == PLAIN else point.color
        if final or point.method == PLAIN:
            _draw_cross(axes, point, color)
            some = seeds[point.method, point.stage]
            if len(per_seed(some, "left")) > 1:
                x, y = per_seed(some, "left"), per_seed(some, "forced_miss")
                axes.plot(list(x.values()), list(y.values()), ".", color=color, alpha=0.35, markersize=4, clip_on=False)
        size = 8 if final or point.method == PLAIN else 4
        axes.plot(
            point.success.mean, point.back.mean, point.marker, color=color, markersize=size, markeredgecolor="white",
            markeredgewidth=0.7, clip_on=False, zorder=5,
        )  # fmt: skip
        if not final and point.method == PLAIN:
            axes.annotate(
                KIND_TITLES.get(point.stage, point.stage), (point.success.mean, point.back.mean), (8, 6),
                textcoords="offset points", fontsize=9, color=INK, zorder=6,
            )  # fmt: skip
    _label(axes, [point for point in points if point.stage == "aligned"])


def _draw_cross(axes: Axes, point: Point, color: str) -> None:
    """Draws both intervals of an agent."""
    style = {"colors": color, "linewidth": 1.1, "alpha": 0.35, "zorder": 3}
    axes.hlines(point.back.mean, *ends(point.success), **style)
    axes.vlines(point.success.mean, *ends(point.back), **style)


def _label(axes: Axes, points: Sequence[Point]) -> None:
    """Writes the names of aligned agents at the right edge, at their height where that is free."""
    gap = min(0.062, 0.97 / max(1, len(points)))
    ordered = sorted(points, key=lambda point: point.back.mean)
    heights = np.array([point.back.mean for point in ordered])
    for index in range(1, len(heights)):
        heights[index] = max(heights[index], heights[index - 1] + gap)
    if len(heights) and heights[-1] > 0.97:  # pushed beyond the top: push down again from there
        heights[-1] = 0.97
        for index in range(len(heights) - 2, -1, -1):
            heights[index] = min(heights[index], heights[index + 1] - gap)
    for point, height in zip(ordered, heights, strict=True):
        axes.annotate(
            f"{'aligned ' if point.method == PLAIN else ''}{point.method}",
            (point.success.mean, point.back.mean),
            (1.025, height),
            textcoords=("axes fraction", "data"),
            color=point.color,
            fontweight="bold" if point.method == PLAIN else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": point.color, "linewidth": 0.7, "alpha": 0.6, "shrinkB": 4},
        )


def _draw_bars(axes: Axes, points: list[Point]) -> None:
    """Draws how many come back by method and stage, and writes both shares beside it."""
    y, ticks, labels = 0.0, [], []
    axes.axvline(GOAL[1], color=GOAL_COLOR, linewidth=1, linestyle="--", zorder=1)
    for x, text in ((1.08, "comes back"), (1.22, "goes left")):
        axes.text(x, -0.95, text, ha="center", va="center", color=MUTED, fontsize=8)
    for path in _by_method(points).values():
        for point in path:
            color = STAGE_COLORS.get(point.stage, MUTED)
            axes.barh(y, point.back.mean, 0.78, color=shade(color, 0.55))
            # Of agents without a target, all that come back count alike.
            axes.barh(y, (point.home or point.back).mean, 0.78, color=color)
            axes.hlines(y, *ends(point.back), colors=INK, linewidth=1.3)
            for x, value, goal in ((1.08, point.back, GOAL[1]), (1.22, point.success, GOAL[0])):
                weight = "bold" if point.stage == "aligned" and value.mean >= goal else "normal"
                axes.text(x, y, f"{100 * value.mean:.1f}%", ha="center", va="center", fontsize=8.5, fontweight=weight)
            ticks.append(y)
            labels.append(point.method if point is path[0] else "")
            y += 1
        y += 0.5
    axes.set_yticks(ticks, labels, color=INK, fontsize=8.5)
    axes.set(xlim=(0, 1.28), ylim=(y - 0.9, -1.5), xticks=np.linspace(0, 1, 6))
    axes.set_xlabel("reach a pad after a forced miss (dark: the left one; base and fine-tuned agents have no target)")
    for stage in (stage for stage in STAGE_COLORS if any(point.stage == stage for point in points)):
        axes.barh(0, 0, color=STAGE_COLORS[stage], label=KIND_TITLES[stage])
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 0.995), ncols=4, fontsize=8.5, handlelength=1.2)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(visible=False, axis="y")
    axes.grid(color=GRID, axis="x")
    axes.spines["bottom"].set_visible(False)


def _by_method(points: list[Point]) -> dict[str, list[Point]]:
    """Returns the agents of every method in the order of the stages."""
    order = list(STAGE_COLORS)
    paths: dict[str, list[Point]] = {}
    for point in sorted(points, key=lambda point: order.index(point.stage) if point.stage in order else len(order)):
        paths.setdefault(point.method, []).append(point)
    return {method: paths[method] for method in dict.fromkeys(point.method for point in points)}


def _stretch(share: np.ndarray) -> np.ndarray:
    return -np.log10(np.maximum(STRETCH - np.asarray(share, dtype=float), 1e-3))


def _shrink(place: np.ndarray) -> np.ndarray:
    return STRETCH - 10.0 ** -np.asarray(place, dtype=float)
