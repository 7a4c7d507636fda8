"""What figures of experiments draw of rows: means over seeds as dots, lines, bars curves, and the paper's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import INK
from agents.outcomes import NAMES
from baselines.laboratory.axes import counting_axis, percent_axis
from baselines.laboratory.experiment import Row
from baselines.laboratory.statistics import FEWEST, Estimate, Measure, count_high, estimate, group, is_split, per_seed

Series = Mapping[int, tuple[Sequence[float], Sequence[float]]]
"""x and y of a curve, by seed."""
Color = str | tuple[float, float, float]

WINDOW = 5
"""Updates over which success during alignment is averaged: one update's 64 episodes alone say little."""


def shade(color: str, amount: float) -> tuple[float, float, float]:
    """Returns a color mixed with white: 0 leaves it, 1 is white."""
    red, green, blue = (channel + (1 - channel) * amount for channel in to_rgb(color))
    return red, green, blue


def ends(value: Estimate, share: bool = True) -> tuple[float, float]:
    """Returns both ends of an interval, a share's no farther than 0 and 1; the mean twice where there is none."""
    if math.isnan(value.low):
        return value.mean, value.mean
    return (max(0.0, value.low), min(1.0, value.high)) if share else (value.low, value.high)


def draw_dot(axes: Axes, x: float, values: Iterable[float], color: str, share: bool = True) -> None:
    """Draws a mean over seeds with its 95% interval, and the seeds as faint dots where there are several.

    The interval of a share ends at 0 and 1. No values draw nothing.
    """
    values = list(values)
    if not values:
        return
    mean = estimate(values)
    if mean.count > 1:
        axes.plot([x] * len(values), values, ".", color=color, alpha=0.3, markersize=5, markeredgewidth=0, zorder=2)
    if share and is_split(values):
        axes.plot([x] * len(values), values, "o", color=color, markersize=4, zorder=4)
        return
    if mean.count >= FEWEST:
        axes.vlines(x, *ends(mean, share), colors=color, linewidth=1.3)
    axes.plot([x], [mean.mean], "o", color=color, markersize=4.5, zorder=4)


def draw_line(
    axes: Axes,
    rows: Iterable[Row],
    key: str,
    measure: Measure,
    color: str,
    style: str = "-",
    shift: float = 1.0,
    share: bool = True,
) -> None:
    """Draws the mean of a measure, first within each seed, against the number at `key`, with 95% intervals over seeds.

    The intervals of a share end at 0 and 1. `shift` is a factor on the number, which keeps the whiskers of several
    conditions apart on a log axis. Rows are of one condition; none draws nothing.
    """
    levels = {x * shift: per_seed(some, measure) for x, some in sorted(group(rows, key).items())}
    for x, values in levels.items():
        draw_dot(axes, x, values.values(), color, share)
    whole = {x: values for x, values in levels.items() if values and not (share and is_split(values.values()))}
    means = {x: estimate(values.values()).mean for x, values in whole.items()}
    axes.plot(list(means), list(means.values()), style, color=color, linewidth=1.6, zorder=3)


def draw_bar(
    axes: Axes, x: float, rows: Iterable[Row], measure: str, color: Color, width: float = 0.6, fontsize: float = 9
) -> None:
    """Draws the mean of a share over seeds as a bar, with its interval, a dot per seed and its number in percent.

    The axes have a percent axis; rows are of one condition, and draw nothing where none has the measure.
    """
    values = per_seed(rows, measure)
    if not values:
        return
    value = estimate(values.values())
    if is_split(values.values()):
        places = x + width * np.linspace(-0.3, 0.3, len(values))
        axes.plot(places, sorted(values.values()), "o", color=color, markersize=4)
        text = f"{count_high(values.values())} of {len(values)}"
        axes.text(x, 1.02, text, ha="center", va="bottom", fontweight="bold", fontsize=fontsize - 1.5)
        return
    low, high = ends(value)
    axes.bar(x, value.mean, width, color=color)
    if len(values) > 1:
        places = x + width * np.linspace(-0.3, 0.3, len(values))
        axes.plot(places, list(values.values()), "o", color=INK, alpha=0.3, markersize=3, markeredgewidth=0)
        axes.vlines(x, low, high, colors=INK, linewidth=1.3)
    text = f"{100 * value.mean:.1f}" if 0.9 <= value.mean < 0.9995 else f"{100 * value.mean:.0f}"
    top = max(high, *values.values()) + 0.02
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.4}  # the paper's mark may lie behind
    axes.text(x, top, text, ha="center", va="bottom", fontweight="bold", fontsize=fontsize, bbox=box, zorder=6)


def draw_outcomes(axes: Axes, agents: Sequence[list[Row]]) -> np.ndarray:
    """Draws where agents end, a group of bars at 0, 1, ... for each; returns where the bars are (agents, `NAMES`)."""
    places = np.arange(len(agents))[:, None] + 0.2 * (np.arange(len(NAMES)) - (len(NAMES) - 1) / 2)
    for index, name in enumerate(NAMES):
        for x, rows in zip(places[:, index], agents, strict=True):
            draw_bar(axes, x, rows, name, OUTCOME_COLORS[name], 0.18, fontsize=7)
        axes.bar(0, 0, color=OUTCOME_COLORS[name], label=name)
    return places


def draw_paper(axes: Axes, x: float, share: float, width: float, label: str = "") -> None:
    """Draws the paper's share, 0 to 1, across the bar at x; a label "" leaves the legend without it."""
    across = (x - width / 2, x + width / 2)
    axes.plot(across, (share, share), color=INK, linestyle=(0, (1, 1)), linewidth=1.6, label=label or None)


def draw_curve(axes: Axes, series: Series, color: Color, label: str, line: str = "-", share: bool = True) -> None:
    """Draws the mean of a curve over seeds with its interval, and each seed faintly.

    All seeds have the same x; longer ones are cut to the shortest. The interval of a share ends at 0 and 1.
    """
    curves = [(np.asarray(x, dtype=float), smooth(y)) for x, y in series.values() if len(x)]
    if not curves:
        return
    length = min(len(x) for x, _ in curves)
    x, y = curves[0][0][:length], np.array([values[:length] for _, values in curves])
    found = [estimate(column) for column in y.T]
    if share and any(is_split(column) for column in y.T):  # a mean would describe no seed
        for index, values in enumerate(y):
            axes.plot(x, values, line, color=color, linewidth=1.3, label=label if index == 0 else None)
        return
    if len(curves) > 1:
        if len(curves) >= FEWEST:
            axes.fill_between(x, *np.array([ends(one, share) for one in found]).T, color=color, alpha=0.13, linewidth=0)
        for values in y:
            axes.plot(x, values, line, color=color, linewidth=0.6, alpha=0.35)
    marker = "o" if length == 1 else ""
    axes.plot(x, [one.mean for one in found], line, marker=marker, color=color, linewidth=2, label=label)


def smooth(values: Sequence[float]) -> np.ndarray:
    """Returns the running mean over `WINDOW` values around each, fewer at the ends."""
    y, reach = np.asarray(values, dtype=float), WINDOW // 2
    return np.array([y[max(0, index - reach) : index + reach + 1].mean() for index in range(len(y))])


def episode_curves(rows: Iterable[Row], key: str) -> Series:
    """Returns a number against training episodes by seed, of rows that are an update each."""
    runs = group(rows, "seed")
    return {seed: ([row["episodes"] for row in run], [row[key] for row in run]) for seed, run in runs.items()}


def draw_alignment(axes: Axes, target: str, agents: Iterable[tuple[str, str, list[Row]]]) -> None:
    """Draws success at a target, update by update of alignment, with a legend.

    Agents are label, color and rows; rows hold the shares as "curve", which may be empty.
    """
    axes.set_title(f"During alignment to the {target}")
    for label, color, rows in agents:
        series = {row["seed"]: (range(1, len(row["curve"]) + 1), row["curve"]) for row in rows}
        draw_curve(axes, series, color, label)
    percent_axis(axes, f"episodes at the {target} pad")
    counting_axis(axes, "alignment update")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", fontsize=8)
