"""What figures and findings of experiments share: bars and curves with intervals over seeds, and words for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from agents.figure_style import INK, STYLE
from baselines.reproduce.drawing.words import LEVEL
from baselines.reproduce.experiment import Row
from baselines.reproduce.statistics import (
    FEWEST,
    Estimate,
    compare,
    estimate,
    per_seed,
    points,
    significance,
)

Series = Mapping[int, tuple[Sequence[float], Sequence[float]]]
"""x and y of a curve, by seed."""

WINDOW = 5
"""Updates over which success during alignment is averaged: one update's 64 episodes alone say little."""


@contextmanager
def styled_mosaic(
    layout: str,
    width: float,
    height: float,
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
) -> Iterator[dict[str, Axes]]:
    """Gives axes of our style by the letters of a layout, in a figure of so many inches.

    Args:
        layout: as `matplotlib.figure.Figure.subplot_mosaic` takes it, "AB" for two side by side.
        width: inches.
        height: inches.
        widths: of the columns, relative.
        heights: of the rows, relative.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure.subplot_mosaic(layout, width_ratios=widths, height_ratios=heights)


def mosaic_figure(axes: Mapping[str, Axes]) -> Figure:
    """Returns the figure that axes of `styled_mosaic` are in."""
    figure = next(iter(axes.values())).figure
    assert isinstance(figure, Figure)
    return figure


def counted(number: int, noun: str) -> str:
    """Returns "1 seed" or "5 seeds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def sizes(rows: Iterable[Row], key: str = "episodes", noun: str = "episode") -> str:
    """Returns how much was measured: "5 seeds, 500 to 1,000 episodes each"."""
    rows = list(rows)
    return f"{counted(len({row['seed'] for row in rows}), 'seed')}, {_span(rows, key)} {noun}s each"


def probed(rows: Iterable[Row]) -> str:
    """Returns how many misses were forced: "180 to 251 forced misses each"."""
    return f"{_span(rows, 'forced_miss_probed')} forced misses each"


def _span(rows: Iterable[Row], key: str) -> str:
    numbers = [row[key] for row in rows]
    return f"{min(numbers):,}" if min(numbers) == max(numbers) else f"{min(numbers):,} to {max(numbers):,}"


def intervals(rows: Iterable[Row]) -> str:
    """Returns what whiskers and bands show."""
    seeds = len({row["seed"] for row in rows})
    return "too few seeds for intervals" if seeds < FEWEST else f"intervals: 95% over {seeds} seeds"


def percent_axis(axes: Axes, label: str, top: float = 1.0, bottom: float = 0.0) -> None:
    """Makes the y axis one of shares, in percent."""
    axes.set(ylim=(bottom, top), yticks=[tick for tick in np.linspace(0, 1, 6) if tick >= bottom], ylabel=label)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def shade(color: str, amount: float) -> tuple[float, float, float]:
    """Returns a color mixed with white: 0 leaves it, 1 is white."""
    red, green, blue = (channel + (1 - channel) * amount for channel in to_rgb(color))
    return red, green, blue


def whisker(value: Estimate) -> tuple[float, float]:
    """Returns both ends of a share's interval, no farther than 0 and 1; the mean twice where there is none."""
    if math.isnan(value.low):
        return value.mean, value.mean
    return max(0.0, value.low), min(1.0, value.high)


def draw_bar(
    axes: Axes, x: float, rows: Iterable[Row], measure: str, color: str, width: float = 0.6, fontsize: float = 9
) -> None:
    """Draws the mean of a share over seeds as a bar, with its interval, a dot per seed and its number in percent.

    Args:
        axes: with a percent axis.
        x: where.
        rows: of one condition; nothing is drawn where none has the measure.
        measure: key of the share, 0 to 1.
        color: of the bar.
        width: of the bar.
        fontsize: of the number.
    """
    values = per_seed(rows, measure)
    if not values:
        return
    value = estimate(values.values())
    low, high = whisker(value)
    axes.bar(x, value.mean, width, color=color)
    if len(values) > 1:
        places = x + width * np.linspace(-0.3, 0.3, len(values))
        axes.plot(places, list(values.values()), "o", color=INK, alpha=0.3, markersize=3, markeredgewidth=0)
        axes.vlines(x, low, high, colors=INK, linewidth=1.3)
    text = f"{100 * value.mean:.1f}" if 0.9 <= value.mean < 0.9995 else f"{100 * value.mean:.0f}"
    top = max(high, *values.values()) + 0.02
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.4}  # the paper's mark may lie behind
    axes.text(x, top, text, ha="center", va="bottom", fontweight="bold", fontsize=fontsize, bbox=box, zorder=6)


def draw_paper(axes: Axes, x: float, share: float, width: float, label: str = "") -> None:
    """Draws the paper's number across a bar.

    Args:
        axes: with a percent axis.
        x: of the bar.
        share: 0 to 1.
        width: of the mark.
        label: for the legend, "" leaves it out.
    """
    axes.plot(
        [x - width / 2, x + width / 2],
        [share, share],
        color=INK,
        linestyle=(0, (1, 1)),
        linewidth=1.6,
        label=label or None,
    )


def draw_curve(
    axes: Axes, series: Series, color: str | tuple[float, float, float], label: str, line: str = "-", share: bool = True
) -> None:
    """Draws the mean of a curve over seeds with its interval, and each seed faintly.

    Args:
        axes: where.
        series: by seed, on the same x; longer ones are cut to the shortest.
        color: of the curve.
        label: for the legend.
        line: style.
        share: whether y is one, so that its interval ends at 0 and 1.
    """
    curves = [(np.asarray(x, dtype=float), smooth(y)) for x, y in series.values() if len(x)]
    if not curves:
        return
    length = min(len(x) for x, _ in curves)
    x, y = curves[0][0][:length], np.array([values[:length] for _, values in curves])
    found = [estimate(column) for column in y.T]
    if len(curves) > 1:
        if len(curves) >= FEWEST:
            ends = np.array([whisker(one) if share else (one.low, one.high) for one in found]).T
            axes.fill_between(x, *ends, color=color, alpha=0.13, linewidth=0)
        for values in y:
            axes.plot(x, values, line, color=color, linewidth=0.6, alpha=0.35)
    marker = "o" if length == 1 else ""
    axes.plot(x, [one.mean for one in found], line, marker=marker, color=color, linewidth=2, label=label)


def smooth(values: Sequence[float]) -> np.ndarray:
    """Returns the running mean over `WINDOW` values around each, fewer at the ends."""
    y, reach = np.asarray(values, dtype=float), WINDOW // 2
    return np.array([y[max(0, index - reach) : index + reach + 1].mean() for index in range(len(y))])


def update_curves(rows: Iterable[Row], key: str = "curve") -> dict[int, tuple[Sequence[float], Sequence[float]]]:
    """Returns the curves of one condition against the update, from 1, by seed; seeds without one are left out."""
    return {row["seed"]: (range(1, len(row[key]) + 1), row[key]) for row in rows if row[key]}


# Words. ---------------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """By how much one condition exceeds another, paired by seed."""

    value: Estimate
    p: float

    @property
    def told(self) -> bool:
        """Whether chance alone is an unlikely reason; never below `FEWEST` seeds."""
        return self.p < LEVEL

    def said(self, higher: str = "", lower: str = "", same: str = "no difference can be told") -> str:
        """Returns a difference of shares, its test, and which of three things it says, or that seeds are too few.

        Returns:
            "+3.1 ± 1.2 points, p = 0.03: higher", without the end where nothing is to be said.
        """
        if math.isnan(self.p):
            return points(self.value)
        judged = self.judged(higher, lower, same) if higher else ""
        return f"{points(self.value)}, {significance(self.p)}{judged}"

    def judged(self, higher: str, lower: str, same: str = "no difference can be told") -> str:
        """Returns ": " and which of three things it says, "" with too few seeds."""
        if math.isnan(self.p):
            return ""
        return f": {same if not self.told else higher if self.value.mean > 0 else lower}"


def difference(first: Iterable[Row], second: Iterable[Row], measure: str) -> Difference | None:
    """Returns by how much the first exceeds the second, None where no seed has both."""
    first, second = list(first), list(second)
    if not per_seed(first, measure).keys() & per_seed(second, measure).keys():
        return None
    return Difference(*compare(first, second, measure))


def has(rows: Iterable[Row], measure: str) -> bool:
    """Returns whether any row has the measure."""
    return bool(per_seed(rows, measure))
