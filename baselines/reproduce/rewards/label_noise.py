"""Beyond the paper: reward models from comparisons of which some are labeled the wrong way round."""

from __future__ import annotations

import dataclasses

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from agents.figures.style import MUTED
from baselines.artifact import load_manifest
from baselines.laboratory import Bound, Claim, Column, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import AIR, intervals, note, percent_axis, seeds_of, sizes, subplots
from baselines.laboratory.marks import draw_line, ends
from baselines.laboratory.measuring import evaluated
from baselines.laboratory.statistics import count_high, estimate, is_split, per_seed
from baselines.report.palette import STAGE_COLORS
from baselines.stages import Stages

NOISE = (0.0, 0.1, 0.2, 0.3, 0.4)
ALIGNED = (0.0, 0.2, 0.4)
"""Noise for which an agent is aligned too."""


def measure(stages: Stages) -> Measuring:
    """Trains reward models for the left pad, and aligns with some."""
    judges, evaluations = {}, {}
    for noise in NOISE:
        suffix = f"_noise_{round(100 * noise)}" if noise else ""
        config = dataclasses.replace(stages.preset.preferences, noise=noise)
        labels = stages.preferences("left", f"preferences{suffix}", config=config)
        judges[noise] = judge = stages.reward_model("left", f"reward_model{suffix}", preferences=labels)
        if noise in ALIGNED:
            start = stages.preference_finetuned("left", f"preference_finetuned{suffix}", reward_model=judge)
            agent = stages.aligned("left", f"aligned{suffix}", agent=start, reward_model=judge)
            evaluations[noise] = evaluated(stages, f"left_aligned{suffix}", agent)
    yield
    rows = []
    for noise, judge in judges.items():
        success = episodes = None
        if noise in evaluations:
            outcome = evaluations[noise].read()
            success, episodes = outcome["left"], outcome["episodes"]
        accuracy = load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        rows.append({"noise": noise, "accuracy": accuracy, "success": success, "episodes": episodes})
    return rows


SCORE_COLOR = "#7b6fb0"


def draw(rows: list[Row]) -> Figure:
    """Draws the reward model's accuracy and the aligned agent's success against the share of wrong labels."""
    with subplots(3.3, 1, 2) as (figure, grid):
        judge, agent = grid.flat
        judge.set_title("Reward model for the left pad")
        _draw_line(judge, rows, "accuracy", SCORE_COLOR)
        judge.axline((0, 1), (0.4, 0.6), color=MUTED, linestyle=":", linewidth=1.2)
        judge.text(0.2, 0.78, "as wrong as its labels ", color=MUTED, fontsize=8, ha="right", va="top")
        agent.set_title("Agent aligned by it")
        _draw_line(agent, rows, "success", STAGE_COLORS["aligned"])
        percent_axis(judge, "held-out comparisons right (true labels)", 0.4, 1.1)
        percent_axis(agent, "episodes at the left pad", -AIR, 1.1)
        for axes in grid.flat:
            axes.set(xlabel="training labels that are wrong", xlim=(-0.03, 0.43))
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        played = [row for row in rows if row["episodes"] is not None]
        size = sizes(played) if played else seeds_of(rows)
        note(figure, f"{size}; chance is 50% on the left; {intervals(rows)}.")
        return figure


def _draw_line(axes: Axes, rows: list[Row], measured: str, color: str) -> None:
    """Draws the mean of a share over seeds against noise, and its number above it."""
    draw_line(axes, rows, "noise", measured, color)
    for noise, some in group(rows, "noise").items():
        if shares := list(per_seed(some, measured).values()):
            value = estimate(shares)
            split = is_split(shares)
            text = f"{count_high(shares)} of {len(shares)}" if split else f"{100 * value.mean:.1f}"
            place = (noise, max(shares) if split else ends(value)[1])
            axes.annotate(text, place, (0, 6), textcoords="offset points", ha="center")


ACCURACY, SUCCESS = "reward model's accuracy", "aligned agent at the left pad"
ENOUGH = 0.95
"""Success that counts as enough."""


def table(rows: list[Row]) -> Table:
    """Tabulates reward models and the agents that they align against those without noise."""
    levels = sorted(group(rows, "noise").items())
    clean = levels[0][1]
    lines = [Line(condition(noise), some, clean if noise else ()) for noise, some in levels]
    return tabulate(lines, (Column(ACCURACY, "accuracy"), Column(SUCCESS, "success")), "no noise")


def condition(noise: float) -> str:
    """Names a condition of the table."""
    return f"{noise:.0%} of labels flipped"


EXPERIMENT = Experiment(
    title="Label noise",
    question="How many training labels may be flipped before the reward model fails, or the agent aligned by it?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    claims=tuple(
        Claim(
            f"With {noise:.0%} of the labels flipped, the aligned agent still succeeds in {ENOUGH:.0%}",
            "us",
            Bound(condition(noise), SUCCESS, least=ENOUGH),
        )
        for noise in (0.2, 0.4)
    ),
)
