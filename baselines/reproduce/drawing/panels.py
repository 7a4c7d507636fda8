"""What figures of experiments share: panels, numbers over seeds with their intervals, axes, the line that says N."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from agents.figure_style import MUTED, STYLE
from baselines.reproduce.experiment import Row
from baselines.reproduce.statistics import FEWEST, estimate, group, per_seed

WIDTH = 8.5
"""Inches: of a page."""
RANDOM = MUTED
"""Color of what starts from random weights."""
Measure = str | Callable[[Row], float | None]


@contextmanager
def panels(height: float, rows: int = 1, columns: int = 1, **options: Any) -> Iterator[tuple[Figure, np.ndarray]]:
    """Gives a figure of our style and its axes (rows, columns).

    Args:
        height: inches.
        rows: of panels.
        columns: of panels.
        options: of `Figure.subplots`.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.07, h_pad=0.07)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
        yield figure, figure.subplots(rows, columns, squeeze=False, **options)


def whisker(axes: Axes, x: float, values: Iterable[float], color: str, *, marker: str = "o") -> None:
    """Draws a mean over seeds with its 95% interval, and the seeds as faint dots where there are several.

    Args:
        axes: where.
        x: of all of them.
        values: one per seed; none draws nothing.
        color: of all of them.
        marker: of the mean.
    """
    values = list(values)
    if not values:
        return
    mean = estimate(values)
    if mean.count > 1:
        axes.plot([x] * len(values), values, ".", color=color, alpha=0.3, markersize=5, markeredgewidth=0, zorder=2)
    if mean.count >= FEWEST:
        axes.vlines(x, mean.low, mean.high, colors=color, linewidth=1.3)
    axes.plot([x], [mean.mean], marker, color=color, markersize=4.5, zorder=4)


def line(
    axes: Axes, rows: list[Row], key: str, measure: Measure, color: str, style: str = "-", shift: float = 1.0
) -> None:
    """Draws the mean of a measure against a number, with 95% intervals over seeds.

    Args:
        axes: where.
        rows: of one condition; none draws nothing.
        key: of the number.
        measure: what is averaged, first within each seed.
        color: of line and whiskers.
        style: of the line.
        shift: factor on the number, which keeps the whiskers of several conditions apart on a log axis.
    """
    points = []
    for x, some in sorted(group(rows, key).items()):
        values = list(per_seed(some, measure).values())
        whisker(axes, x * shift, values, color)
        if values:
            points.append((x * shift, float(np.mean(values))))
    if points:
        axes.plot(*np.array(points).T, style, color=color, linewidth=1.6, zorder=3)


def handle(color: str, label: str, style: str = "-") -> Line2D:
    """Returns what a legend shows of `line`."""
    look: dict[str, Any] = {"linestyle": style, "marker": "o", "markersize": 4}
    return Line2D([], [], color=color, label=label, **look)


def percent_axis(axes: Axes, low: float = 0.0, high: float = 1.0) -> None:
    """Makes the y axis one of shares, in percent, with a little air at both ends."""
    air = 0.03 * (high - low)
    axes.set_ylim(low - air, high + air)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.3g}%"))


def number_axis(axes: Axes, values: Iterable[float]) -> None:
    """Makes the x axis logarithmic, with these numbers at its ticks, unless they are too close."""
    numbers = sorted(set(values))
    apart, ticks = (numbers[-1] / numbers[0]) ** 0.14, numbers[:1]
    ticks += [number for before, number in pairwise(numbers) if number >= apart * before]
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x)))
    axes.set_xlim(numbers[0] / 1.4, numbers[-1] * 1.4)


def short(x: float) -> str:
    """Returns a number as it fits under a tick: "500", "1k", "1.2M"."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if x >= size:
            return f"{x / size:.3g}{unit}"
    return f"{x:g}"


def note(figure: Figure, text: str) -> None:
    """Writes what the numbers rest on under a figure."""
    figure.supxlabel(text, x=0.012, ha="left", fontsize=8, color=MUTED)


def count_seeds(rows: list[Row]) -> str:
    """Returns "5 seeds; dots are seeds, whiskers 95% intervals over them", or that they are too few."""
    seeds = len({row["seed"] for row in rows})
    if seeds < FEWEST:
        return f"{seeds} seed{'s' if seeds > 1 else ''} (too few for intervals)"
    return f"{seeds} seeds (dots; whiskers: 95% intervals over them)"


def span(values: Iterable[float]) -> str:
    """Returns "500", or "500 to 1,000" where numbers differ."""
    low, high = min(values := list(values)), max(values)
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
