"""Beyond the paper: reward models from comparisons of which some are labeled the wrong way round."""

from __future__ import annotations

import dataclasses

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from agents.figure_style import INK, MUTED
from baselines.artifact import load_manifest
from baselines.palette import STAGE_COLORS
from baselines.reproduce.drawing.curves import (
    counted,
    difference,
    has,
    intervals,
    mosaic_figure,
    percent_axis,
    sizes,
    styled_mosaic,
    whisker,
)
from baselines.reproduce.drawing.panels import note
from baselines.reproduce.experiment import Experiment, Row
from baselines.reproduce.measuring import outcomes
from baselines.reproduce.statistics import estimate, group, over_seeds, per_seed, percent
from baselines.stages import Stages

NOISE = (0.0, 0.1, 0.2, 0.3, 0.4)
ALIGNED = (0.0, 0.2, 0.4)
"""Noise for which an agent is aligned too."""


def measure(stages: Stages) -> list[Row]:
    """Trains reward models for the left pad, and aligns with some."""
    rows = []
    for noise in NOISE:
        suffix = f"_noise_{round(100 * noise)}" if noise else ""
        config = dataclasses.replace(stages.preset.preferences, noise=noise)
        labels = stages.preferences("left", f"preferences{suffix}", config=config)
        judge = stages.reward_model("left", f"reward_model{suffix}", preferences=labels)
        success = episodes = None
        if noise in ALIGNED:
            start = stages.preference_finetuned("left", f"preference_finetuned{suffix}", reward_model=judge)
            agent = stages.aligned("left", f"aligned{suffix}", agent=start, reward_model=judge)
            evaluation = stages.preset.evaluation if suffix else stages.preset.final_evaluation
            outcome = outcomes(stages, f"left_aligned{suffix}", agent, evaluation)
            success, episodes = outcome["left"], outcome["episodes"]
        accuracy = load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        rows.append({"noise": noise, "accuracy": accuracy, "success": success, "episodes": episodes})
    return rows


SCORE_COLOR = "#7b6fb0"


def draw(rows: list[Row]) -> Figure:
    """Draws the reward model's accuracy and the aligned agent's success against the share of wrong labels."""
    with styled_mosaic("AB", 9.0, 3.3) as panels:
        panels["A"].set_title("Reward model for the left pad")
        _draw_line(panels["A"], rows, "accuracy", SCORE_COLOR)
        panels["A"].axline((0, 1), (0.4, 0.6), color=MUTED, linestyle=":", linewidth=1.2)
        panels["A"].text(0.2, 0.78, "as wrong as its labels ", color=MUTED, fontsize=8, ha="right", va="top")
        panels["B"].set_title("Agent aligned by it")
        _draw_line(panels["B"], rows, "success", STAGE_COLORS["aligned"])
        percent_axis(panels["A"], "held-out comparisons right (true labels)", 1.1, 0.4)
        percent_axis(panels["B"], "episodes at the left pad", 1.1)
        for axes in panels.values():
            axes.set(xlabel="training labels that are wrong", xlim=(-0.03, 0.43))
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        figure = mosaic_figure(panels)
        played = [row for row in rows if row["episodes"] is not None]
        size = sizes(played) if played else counted(len({row["seed"] for row in rows}), "seed")
        note(figure, f"{size}; chance is 50% on the left; {intervals(rows)}.")
        return figure


def _draw_line(axes: Axes, rows: list[Row], measured: str, color: str) -> None:
    """Draws the mean of a share over seeds against noise, with intervals, numbers and a dot per seed."""
    levels = {noise: per_seed(some, measured) for noise, some in sorted(group(rows, "noise").items())}
    levels = {noise: values for noise, values in levels.items() if values}
    found = {noise: estimate(values.values()) for noise, values in levels.items()}
    axes.plot(list(found), [one.mean for one in found.values()], "o-", color=color, linewidth=2, markersize=6)
    for noise, values in levels.items():
        low, high = whisker(found[noise])
        axes.vlines(noise, low, high, colors=color, linewidth=1.5)
        if len(values) > 1:
            axes.plot([noise] * len(values), list(values.values()), "o", color=INK, alpha=0.3, markersize=3, mew=0)
        axes.annotate(f"{100 * found[noise].mean:.1f}", (noise, high), (0, 6), textcoords="offset points", ha="center")


def find(rows: list[Row]) -> str:
    """Says how much noise costs the reward model, and the agent that it aligns."""
    levels = dict(sorted(group(rows, "noise").items()))
    clean = levels.get(0.0, [])
    found = []
    for measured, who in (
        ("accuracy", "The reward model is right on"),
        ("success", "The agent aligned by it goes left in"),
    ):
        some = {noise: part for noise, part in levels.items() if has(part, measured)}
        if not some:
            continue
        parts = []
        for noise, part in some.items():
            text = f"{percent(over_seeds(part, measured))} at {100 * noise:.0f}%"
            change = difference(part, clean, measured) if noise else None
            if change is not None:
                text += f" ({change.said('better than without noise', 'worse than without noise')})"
            parts.append(text)
        seeds = len({row["seed"] for part in some.values() for row in part})
        of = "held-out comparisons" if measured == "accuracy" else "episodes"
        found.append(f"{who}, of {of}, by the share of wrong labels ({counted(seeds, 'seed')}): {'; '.join(parts)}.")
    return " ".join(found)


EXPERIMENT = Experiment(
    name="label_noise",
    title="Noise in the labels",
    question=(
        "How many comparisons may be labeled the wrong way round until the reward model and the agent it aligns, fail?"
    ),
    paper="",
    measure=measure,
    draw=draw,
    find=find,
)
