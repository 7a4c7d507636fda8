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
from baselines.laboratory.words import short

WIDTH = 9.0
"""Inches: of a page."""
RANDOM = MUTED
"""Color of what starts from random weights."""
AIR = 0.03
"""Of the height of an axis of shares: what marks at its ends need."""
Sharing = Literal["none", "all", "row", "col"]


@contextmanager
def panels(
    height: float,
    rows: int = 1,
    columns: int = 1,
    *,
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
    share_x: Sharing = "none",
    share_y: Sharing = "none",
) -> Iterator[tuple[Figure, np.ndarray]]:
    """Gives a figure of our style, as wide as a page, and its axes (rows, columns).

    Args:
        height: inches.
        rows: of panels.
        columns: of panels.
        widths: of the columns, relative.
        heights: of the rows, relative.
        share_x: which panels have the same x axis.
        share_y: which panels have the same y axis.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.07, h_pad=0.07)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
        yield (
            figure,
            figure.subplots(
                rows, columns, squeeze=False, sharex=share_x, sharey=share_y, width_ratios=widths, height_ratios=heights
            ),
        )


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
    """Writes what stands at 0, 1, ... under the x axis, which needs no grid then."""
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
