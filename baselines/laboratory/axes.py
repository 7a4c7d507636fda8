"""Layout of the figures of experiments: panels in our style, their axes, their legend, the line that says N."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from agents.figures.style import MUTED, STYLE
from baselines.laboratory.statistics import FEWEST, Row

WIDTH = 9.0
"""Inches: of a page."""
RANDOM = MUTED
"""Color of what starts from random weights."""
AIR = 0.03
"""Of the height of an axis of shares: what marks at its ends need."""
PROBES = {"odd_start": "odd starts", "forced_miss": "forced misses"}
"""Kinds of probes, in words."""
Sharing = Literal["none", "all", "row", "col"]


@contextmanager
def subplots(
    height: float,
    rows: int = 1,
    columns: int = 1,
    *,
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
    share_x: Sharing = "none",
    share_y: Sharing = "none",
) -> Iterator[tuple[Figure, np.ndarray]]:
    """Gives a figure of our style, as wide as a page and `height` inches high, and its axes (rows, columns).

    `widths` and `heights` of the panels are relative; `share_x` and `share_y` tell which have the same axis.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.07, h_pad=0.07)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
        grid = figure.subplots(
            rows, columns, squeeze=False, sharex=share_x, sharey=share_y, width_ratios=widths, height_ratios=heights
        )
        yield figure, grid


def percent_axis(axes: Axes, label: str = "", low: float = 0.0, high: float = 1.0 + AIR) -> None:
    """Makes the y axis one of shares, with ticks in percent between 0 and 100%.

    Args:
        axes: whose y axis it is.
        label: of the axis.
        low: its lower end; below 0 (`-AIR`) where dots may lie at 0, 0 where bars stand on it.
        high: its upper end, above 1 for what is written above bars.
    """
    ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(max(low, 0.0), min(high, 1.0))
    axes.set(ylim=(low, high), ylabel=label)
    axes.set_yticks([tick for tick in ticks if low <= tick <= min(high, 1.0) + 1e-9])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


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


def named_axis(axes: Axes, names: Sequence[str]) -> None:
    """Labels the positions 0, 1, ... of the x axis, without a grid."""
    axes.set_xticks(range(len(names)), names, fontsize=8)
    axes.grid(visible=False, axis="x")


def counting_axis(axes: Axes, label: str) -> None:
    """Makes the x axis one of what is counted from 0, as updates and episodes are."""
    axes.set_xlabel(label)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")


def handle(color: str, label: str, style: str = "-") -> Line2D:
    """Returns what a legend shows of `draw_line`."""
    look: dict[str, Any] = {"linestyle": style, "marker": "o", "markersize": 4}
    return Line2D([], [], color=color, label=label, **look)


def note(figure: Figure, text: str) -> None:
    """Writes what the numbers rest on under a figure."""
    figure.supxlabel(text, x=0.012, ha="left", fontsize=8, color=MUTED)


def counted(number: int, noun: str) -> str:
    """Returns "1 seed" or "5 seeds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span(values: Iterable[float]) -> str:
    """Returns "500", or "500 to 1,000" where numbers differ."""
    low, high = min(values := list(values)), max(values)
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def seeds_of(rows: Iterable[Row]) -> str:
    """Returns "5 seeds"."""
    return counted(len({row["seed"] for row in rows}), "seed")


def sizes(rows: Iterable[Row], key: str = "episodes", noun: str = "episode") -> str:
    """Returns how much was measured: "5 seeds, 500 to 1,000 episodes each"."""
    rows = list(rows)
    return f"{seeds_of(rows)}, {span(row[key] for row in rows)} {noun}s each"


def probed(rows: Iterable[Row], *kinds: str) -> str:
    """Returns how much was probed, for some of the `PROBES`: "180 to 251 forced misses each"."""
    rows = list(rows)
    parts = [f"{span(row[f'{kind}_probed'] for row in rows)} {PROBES[kind]}" for kind in kinds]
    return f"{listed(parts)} each"


def intervals(rows: Iterable[Row]) -> str:
    """Returns what faint marks, whiskers and bands show."""
    seeds = len({row["seed"] for row in rows})
    said = "too few seeds for intervals" if seeds < FEWEST else f"intervals: 95% over {seeds} seeds"
    return f"faint: single seeds; {said}" if seeds > 1 else said


def short(x: float) -> str:
    """Returns a number as it fits under a tick: "7e-4", "0.15", "500", "1k", "1.2M"."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if x >= size:
            return f"{x / size:.3g}{unit}"
    if not 0 < x < 0.1:
        return f"{x:g}"
    digits, exponent = f"{x:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"


def listed(parts: Iterable[str]) -> str:
    """Returns "a", "a and b", "a, b and c"; "none" for nothing."""
    *first, last = list(parts) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last
