"""Beyond the paper: the reward model's score and the true success when alignment runs longer than usual."""

from __future__ import annotations

import dataclasses

from matplotlib.figure import Figure

from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import MUTED
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import counting_axis, intervals, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import WINDOW, draw_curve, episode_curves
from baselines.laboratory.statistics import estimate
from baselines.stages import Stages
from baselines.training.loop import read_metrics

LONGER = 2
"""Times the usual number of updates."""
WAYS = {"all comparisons": (None, 1.0), "20 comparisons": (20, 1.0), "20 comparisons, no KL": (20, 0.0)}
"""Comparisons of the reward model (None: the preset's), and what the KL coefficient is multiplied by."""


def measure(stages: Stages) -> Measuring:
    """Aligns to the left at a constant learning rate, by a good and by a poor reward model."""
    preset, agents = stages.preset, {}
    optimizer = preset.aligned.optimizer
    optimizer = dataclasses.replace(optimizer, updates=LONGER * optimizer.updates, schedule="constant")
    for label, (comparisons, kl) in WAYS.items():
        judge, start = stages.reward_model("left"), stages.preference_finetuned("left")
        if comparisons is not None:
            wanted = dataclasses.replace(preset.preferences, comparisons=comparisons)
            labels = stages.preferences("left", f"preferences_{comparisons}", config=wanted)
            judge = stages.reward_model("left", f"reward_model_{comparisons}", preferences=labels)
            start = stages.preference_finetuned("left", f"preference_finetuned_{comparisons}", reward_model=judge)
        config = dataclasses.replace(
            preset.aligned, optimizer=optimizer, kl_coefficient=kl * preset.aligned.kl_coefficient
        )
        name = f"aligned_long_{comparisons or 'all'}{'' if kl else '_free'}"
        agents[label] = stages.aligned("left", name, config=config, agent=start, reward_model=judge)
    yield
    rows = []
    for label, agent in agents.items():
        for line in read_metrics(agent):
            kept = ("episodes", "reward", "success", "entropy")
            rows.append({"way": label, **{key: line[key] for key in kept}, "kl": line.get("kl")})
    return rows


REWARD_COLOR = "#7b6fb0"


def draw(rows: list[Row]) -> Figure:
    """Draws the reward model's score above the true success, a column for every way of aligning."""
    ways = group(rows, "way")
    with subplots(4.6, 2, len(ways), share_y="row") as (figure, grid):
        scores = [row["reward"] for row in rows]
        margin = 0.05 * (max(scores) - min(scores)) or 1.0
        for (above, below), (way, some) in zip(grid.T, ways.items(), strict=True):
            above.set_title(way)
            draw_curve(above, episode_curves(some, "reward"), REWARD_COLOR, "reward", share=False)
            draw_curve(below, episode_curves(some, "success"), OUTCOME_COLORS["left"], "success")
            usual = max(row["episodes"] for row in some) / LONGER
            for axes, label in ((above, ""), (below, "training episodes")):
                axes.axvline(usual, color=MUTED, linestyle=":", linewidth=1.2)
                counting_axis(axes, label)
            if below is grid[1, 0]:
                below.text(usual, 0.03, " usual end", color=MUTED, fontsize=8)
        grid[0, 0].set(ylim=(min(scores) - margin, max(scores) + margin), ylabel="reward model's score")
        percent_axis(grid[1, 0], "episodes at the left pad")
        last = [run[-1] for run in group(rows, "way", "seed").values()]
        size = sizes(last, "episodes", "training episode")
        note(figure, f"{size}; running means over {WINDOW} updates; {intervals(rows)}.")
        return figure


def stretches(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Returns the mean score and success of each seed's `WINDOW` updates before the usual end, and of its last ones."""
    usual, last = [], []
    for seed, run in group(rows, "seed").items():
        end = max(1, len(run) // LONGER)
        for found, part in ((usual, run[max(0, end - WINDOW) : end]), (last, run[-WINDOW:])):
            means = {key: estimate(row[key] for row in part).mean for key in ("reward", "success", "entropy")}
            found.append({"seed": seed, **means})
    return usual, last


SCORE, SUCCESS = "reward model's score", "episodes at the left pad"


def table(rows: list[Row]) -> Table:
    """Tabulates score and success at the end against the usual end of alignment."""
    lines = []
    for way, some in group(rows, "way").items():
        usual, last = stretches(some)
        lines += [Line(f"{way}, usual end", usual), Line(f"{way}, {LONGER} times as long", last, usual)]
    columns = (Column(SCORE, "reward", share=False, digits=2), Column(SUCCESS, "success"))
    return tabulate(lines, columns, "the usual end")


EXPERIMENT = Experiment(
    title="Over-optimization of the reward model",
    question=(
        f"Does the reward model's score keep rising while success falls, if alignment runs {LONGER} times "
        "longer at a constant rate?"
    ),
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Over-optimization: success falls when a poor reward model is optimized for longer without KL",
            "us",
            Difference(f"20 comparisons, no KL, {LONGER} times as long", SUCCESS, "lower"),
        ),
    ),
)
