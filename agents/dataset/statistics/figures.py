"""Figures of a dataset's statistics page. Their text is fixed; text from a manifest appears only in the HTML."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from agents.dataset.statistics.counts import ModeCount, evenly
from agents.figures.island_map import IslandMap, draw_map, draw_paths
from agents.figures.level_map import load_level_map
from agents.figures.outcome_bars import draw_outcome_bars
from agents.figures.palette import DEMONSTRATIONS, OUTCOME_COLORS, mode_color
from agents.figures.style import INK, MUTED, STYLE, figure_of, styled_axes
from agents.motion import autocorrelation, played_steps, spectrum, sticks
from agents.outcomes import NAMES
from jumppad_env import gamepad
from jumppad_env.dataset import Dataset, Trajectory
from jumppad_env.levels import make_level
from jumppad_env.rules import RULES
from jumppad_env.world.state import LEVEL, X, Y

PATHS = 600
"""Largest number of trajectories on the map; more would only darken it."""
PATHS_OF_MODE = 100
LENGTH_BINS = 20
LAGS = 15
USED_BUTTONS = {"A": "jump", "X": "attack", "B": "dodge", "Y": "board"}


def path(dataset: Dataset, index: int) -> np.ndarray:
    """Returns the path of an episode, (T, 2) m."""
    return np.asarray(dataset.trajectory(index).states)[:, [X, Y]]


@functools.lru_cache(1)
def shown_island(dataset: Dataset) -> tuple[IslandMap | None, np.ndarray, str]:
    """Returns the map to draw on (None: the classic island's), the episodes (n,) played there, and its name.

    Of levels it is the one that most episodes were played on.
    """
    if dataset.settings is None:
        return None, np.arange(len(dataset)), ""
    levels = np.asarray(dataset.states[dataset.episodes["start"], LEVEL]).astype(np.int64)
    numbers, counts = np.unique(levels, return_counts=True)
    number = int(numbers[counts.argmax()])
    island_map = load_level_map(make_level(number, dataset.settings))
    return island_map, np.flatnonzero(levels == number), f", all those on level {number}"


def paths_map(dataset: Dataset, modes: Sequence[ModeCount]) -> tuple[Figure, int]:
    """Draws trajectories of all modes on the map, each in its mode's color; returns their number too."""
    island_map, there, _ = shown_island(dataset)
    colors = np.empty(len(dataset), dtype=object)
    for mode in modes:
        colors[mode.indices] = mode_color(mode.name)
    chosen = evenly(there, PATHS)
    with styled_axes(3.4, 6.9) as axes:
        draw_map(axes, island_map=island_map)
        draw_paths(axes, [path(dataset, int(index)) for index in chosen], colors[chosen].tolist())
        return figure_of(axes), len(chosen)


def mode_panel(dataset: Dataset, mode: ModeCount) -> tuple[Figure, int]:
    """Draws paths and outcomes of a mode's episodes; returns the number of paths too."""
    island_map, there, _ = shown_island(dataset)
    chosen = evenly(np.intersect1d(mode.indices, there), PATHS_OF_MODE)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.1, 2.3), layout="constrained")
        island, bars = figure.subplots(1, 2, width_ratios=[1, 1.75])
        draw_map(island, mark=8, island_map=island_map)
        draw_paths(island, [path(dataset, int(index)) for index in chosen], mode_color(mode.name), width=0.9)
        draw_outcome_bars(bars, mode.outcome)
        bars.set_xticks(range(len(NAMES)), NAMES, color=INK, fontsize=8)
        bars.tick_params(axis="y", labelleft=False)  # the bars are labeled
        bars.set_ylabel("% of episodes", fontsize=8)
        return figure, len(chosen)


def outcome_figure(outcome: dict) -> Figure:
    """Draws the outcomes of all episodes."""
    with styled_axes(4.0, 2.5) as axes:
        draw_outcome_bars(axes, outcome)
        axes.set_title("Outcomes")
        return figure_of(axes)


def length_histogram(pads: np.ndarray, lengths: np.ndarray) -> Figure:
    """Draws the lengths of episodes, by outcome.

    Args:
        pads: (E,), -1 none, 0 left, 1 middle, 2 right.
        lengths: (E,), control steps.
    """
    width = max(1, int(np.ceil(lengths.max() / LENGTH_BINS)))
    edges = (np.arange(0, lengths.max() + width, width) + 0.5) * RULES.control_step
    seconds = [lengths[pads == index - 1] * RULES.control_step for index in range(len(NAMES))]
    with styled_axes(4.0, 2.5) as axes:
        axes.hist(
            seconds, bins=edges.tolist(), stacked=True, color=[OUTCOME_COLORS[name] for name in NAMES], label=NAMES
        )
        axes.set(title="Episode length", xlabel="seconds", ylabel="episodes")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.legend(loc="upper left", fontsize=8)
        return figure_of(axes)


def stick_histograms(counts: np.ndarray) -> Figure:
    """Draws the distribution of the deflection of each axis.

    Args:
        counts: (4, BUCKETS) steps.
    """
    titles = ("Left stick, x", "Left stick, y", "Right stick, x", "Right stick, y")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.6), layout="constrained")
        panels = figure.subplots(2, 2, sharex=True, sharey=True)
        for axes, title, row in zip(panels.flat, titles, counts, strict=True):
            axes.bar(gamepad.STICK_VALUES, row / row.sum(), 0.17, color=DEMONSTRATIONS)
            axes.set(title=title, yscale="log", ylim=(2e-4, 1.3), xticks=[-1, -0.5, 0, 0.5, 1])
            axes.set_yticks([0.001, 0.01, 0.1, 1.0], minor=False)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
            axes.minorticks_off()
            axes.grid(visible=False, axis="x")
        for axes in panels[1]:
            axes.set_xlabel("deflection")
        for axes in panels[:, 0]:
            axes.set_ylabel("share of steps")
        return figure


def button_bars(presses: np.ndarray, minutes: float) -> Figure:
    """Draws the rate at which each button is pressed.

    Args:
        presses: (12,), presses of each button.
        minutes: length of all episodes.
    """
    names = [f"{name} ({USED_BUTTONS[name]})" if name in USED_BUTTONS else name for name in gamepad.BUTTONS]
    rates = presses / minutes
    with styled_axes(4.2, 3.6) as axes:
        axes.barh(names, rates, 0.65, color=DEMONSTRATIONS)
        for row, rate in enumerate(rates):
            axes.annotate(
                f"{rate:.3g}", (rate, row), (4, 0), textcoords="offset points", va="center", fontsize=8, color=MUTED
            )
        axes.set(title="Buttons", xlabel="presses per minute")
        axes.margins(x=0.13)
        axes.invert_yaxis()
        axes.tick_params(axis="y", labelcolor=INK, labelsize=8)
        axes.grid(visible=False, axis="y")
        return figure_of(axes)


def steering_figures(sources: Sequence[tuple[Sequence[Trajectory], str, str, str]]) -> list[Figure]:
    """Draws autocorrelation and power spectrum of the left stick.

    Args:
        sources: trajectories, label, color and style of line.
    """
    with styled_axes(4.0, 2.5) as left, styled_axes(4.0, 2.5) as right:
        for trajectories, label, color, line in sources:
            signals = [sticks(trajectory)[: played_steps(trajectory), 0] for trajectory in trajectories]
            lags = np.arange(LAGS + 1) * RULES.control_step
            left.plot(lags, autocorrelation(signals, LAGS), label=label, color=color, linestyle=line)
            right.plot(*spectrum(signals), label=label, color=color, linestyle=line)
        left.set(title="Left stick, x: autocorrelation", xlabel="lag (s)", ylabel="correlation")
        right.set(title="Left stick, x: power", xlabel="frequency (Hz)", ylabel="deflection² per Hz", yscale="log")
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        right.minorticks_off()
        for axes in (left, right):
            axes.legend(fontsize=8)
        return [figure_of(left), figure_of(right)]


def skill_histogram(skills: Sequence[float]) -> Figure:
    """Draws the distribution of skill over people.

    Args:
        skills: of each person, 0 to 1.
    """
    with styled_axes(4.0, 2.5) as axes:
        axes.hist(skills, bins=np.linspace(0, 1, 11).tolist(), color=DEMONSTRATIONS, rwidth=0.9)
        axes.set(title="Skill", xlabel="0 novice, 1 expert", ylabel="people", xlim=(0, 1))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.grid(visible=False, axis="x")
        return figure_of(axes)
