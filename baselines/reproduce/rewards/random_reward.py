"""Ablation 7: alignment by a reward model that starts from random weights instead of the agent's."""

from __future__ import annotations

import dataclasses

from matplotlib.figure import Figure

from baselines.artifact import load_manifest
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_alignment, draw_bar, draw_paper
from baselines.laboratory.measuring import evaluated
from baselines.report.paper import REWARD_ACCURACY, paper_success
from baselines.stages import Stages
from baselines.training.loop import read_metrics


def measure(stages: Stages) -> Measuring:
    """Aligns to the left by both, and by the random one trained five times longer."""
    config = stages.preset.reward_model
    fresh = dataclasses.replace(config, initial="random")
    optimizer = dataclasses.replace(config.optimizer, updates=5 * config.optimizer.updates)
    longer = dataclasses.replace(fresh, optimizer=optimizer)
    judges = {
        "agent": ("", config),
        "random": ("_random", fresh),
        "random, five times longer": ("_random_longer", longer),
    }
    made = []
    for label, (suffix, asked) in judges.items():
        judge = stages.reward_model("left", f"reward_model{suffix}", config=asked)
        start = stages.preference_finetuned("left", f"preference_finetuned{suffix}", reward_model=judge)
        aligned = stages.aligned("left", f"aligned{suffix}", agent=start, reward_model=judge)
        made.append((label, judge, aligned, evaluated(stages, f"left_aligned{suffix}", aligned)))
    yield
    rows = []
    for label, judge, aligned, evaluation in made:
        accuracy = load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        curve = [line["success"] for line in read_metrics(aligned)]
        rows.append({"encoder": label, "accuracy": accuracy, **evaluation.read(), "curve": curve})
    return rows


COLORS = {"agent": "#15803d", "random": "#69737d", "random, five times longer": "#a7afb7"}
"""Of encoders: the aligned agents' green, and two grays."""
PAPER_COMPARISONS = 1_000
"""The paper's number nearest to the preset's 500."""
PAPER_ACCURACY = {
    encoder: REWARD_ACCURACY[f"paper, {encoder} encoder"][PAPER_COMPARISONS] for encoder in ("agent", "random")
}
PAPER_SUCCESS = paper_success("left")
WORDS = {
    "agent": "agent's encoder",
    "random": "random encoder",
    "random, five times longer": "random encoder, five times longer",
}
LABELS = {"agent": "agent's", "random": "random", "random, five times longer": "random,\n5x longer"}


def draw(rows: list[Row]) -> Figure:
    """Draws accuracy of the reward models, success of the agents that they align, and the way there."""
    encoders = group(rows, "encoder")
    with subplots(3.3, 1, 3, widths=(1, 1, 1.4)) as (figure, grid):
        judged, goes, curves = grid.flat
        for axes, measure_name, title, label in (
            (judged, "accuracy", "Reward model", "held-out comparisons right"),
            (goes, "left", "Agent aligned by it", "episodes at the left pad"),
        ):
            for place, (encoder, some) in enumerate(encoders.items()):
                draw_bar(axes, place, some, measure_name, COLORS[encoder])
            for place, encoder in enumerate(encoders):
                if axes is judged:
                    draw_paper(axes, place, PAPER_ACCURACY[encoder.split(",")[0]], 0.8)
                elif encoder == "agent":
                    draw_paper(axes, place, PAPER_SUCCESS, 0.8)
            draw_paper(axes, 0, 0, 0, f"paper, {PAPER_COMPARISONS:,} comparisons" if axes is judged else "paper")
            axes.legend(loc="upper right", fontsize=8, bbox_to_anchor=(1.02, 1.03))
            axes.set_title(title)
            named_axis(axes, [LABELS[encoder] for encoder in encoders])
            percent_axis(axes, label, high=1.25)
        draw_alignment(curves, "left", [(WORDS[encoder], COLORS[encoder], some) for encoder, some in encoders.items()])
        note(figure, f"{sizes(rows)}; {intervals(rows)}.")
        return figure


ACCURACY, SUCCESS = "reward model's accuracy", "aligned agent at the left pad"


def table(rows: list[Row]) -> Table:
    """Tabulates reward models from random weights, and the agents aligned by them, against the agent's own."""
    encoders = group(rows, "encoder")
    lines = []
    for encoder, some in encoders.items():
        paper = {ACCURACY: PAPER_ACCURACY[encoder]} if encoder in PAPER_ACCURACY else {}
        if encoder == "agent":
            paper[SUCCESS] = PAPER_SUCCESS
        lines.append(Line(WORDS[encoder], some, () if encoder == "agent" else encoders.get("agent", []), paper))
    return tabulate(lines, (Column(ACCURACY, "accuracy"), Column(SUCCESS, "left")), f"the {WORDS['agent']}")


EXPERIMENT = Experiment(
    title="Alignment by a reward model from random weights",
    question="What if the reward model starts from random weights, trained for as many updates or five times as many?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "A reward model from random weights is less accurate than one from the agent's",
            "paper",
            Difference(WORDS["random"], ACCURACY, "lower"),
        ),
        Claim(
            "A reward model from random weights aligns the agent less well",
            "us",
            Difference(WORDS["random"], SUCCESS, "lower"),
        ),
    ),
)
