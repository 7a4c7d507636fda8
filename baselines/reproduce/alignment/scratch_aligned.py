"""Ablation 6, continued: alignment of an agent that was never pre-trained."""

from __future__ import annotations

from matplotlib.figure import Figure

from baselines.artifact import load_manifest
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import (
    PROBES,
    RANDOM,
    intervals,
    named_axis,
    note,
    percent_axis,
    probed,
    sizes,
    subplots,
)
from baselines.laboratory.marks import draw_alignment, draw_bar
from baselines.laboratory.measuring import Probe, evaluated
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce.imitation.demonstrations_needed import ways
from baselines.stages import Stages
from baselines.training.loop import read_metrics


def measure(stages: Stages) -> Measuring:
    """Takes the agent without pre-training, and the pre-trained one, through all further stages to the left."""
    taken, count, found = [], stages.preset.curated.episodes, ways(stages.preset.finetuned)
    for label, way in (("pre-trained", "pre-trained"), ("from scratch", "from scratch, longer")):
        config = found[way]
        if config == stages.preset.finetuned:
            suffix, tuned = "", stages.finetuned()
        else:
            suffix = f"_{way.replace(' ', '_').replace(',', '')}"
            tuned = stages.finetuned(f"finetuned_{count}{suffix}", config=config)
        played = stages.rollouts(f"rollouts{suffix}", agent=tuned)
        labels = stages.preferences("left", f"preferences{suffix}", rollouts=played)
        judge = stages.reward_model("left", f"reward_model{suffix}", agent=tuned, rollouts=played, preferences=labels)
        preferred = stages.preference_finetuned(
            "left", f"preference_finetuned{suffix}", agent=tuned, rollouts=played, reward_model=judge
        )
        aligned = stages.aligned("left", f"aligned{suffix}", agent=preferred, reward_model=judge)
        probes: tuple[Probe, ...] = ("forced_miss", "odd_start")
        evaluation = evaluated(stages, f"left_aligned{suffix}", aligned, target="left", probes=probes)
        taken.append((label, judge, aligned, evaluation))
    yield
    rows = []
    for label, judge, aligned, evaluation in taken:
        accuracy = load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        curve = [line["success"] for line in read_metrics(aligned)]
        rows.append({"start": label, **evaluation.read(), "accuracy": accuracy, "curve": curve})
    return rows


WAYS = {"pre-trained": STAGE_COLORS["aligned"], "from scratch": RANDOM}
BARS: dict[str, str] = {
    "left": "goes\nleft",
    "odd_start_at_target": "left from an\nodd start",
    "forced_miss_at_target": "left after a\nforced miss",
    "forced_miss": "any pad after a\nforced miss",
}


def draw(rows: list[Row]) -> Figure:
    """Draws success during alignment, and what the aligned agents do when disturbed."""
    starts = group(rows, "start")
    with subplots(3.4, 1, 2, widths=(1, 1.35)) as (figure, grid):
        curves, bars = grid.flat
        draw_alignment(curves, "left", [(f"{start}, fine-tuned", WAYS[start], some) for start, some in starts.items()])
        bars.set_title("Aligned agents")
        for index, start in enumerate(WAYS):
            for x, what in enumerate(BARS):
                draw_bar(bars, x + 0.4 * (index - 0.5), starts.get(start, []), what, WAYS[start], 0.36)
        named_axis(bars, list(BARS.values()))
        percent_axis(bars, "episodes", high=1.13)
        note(figure, f"{sizes(rows)}; {probed(rows, *PROBES)}; {intervals(rows)}.")
        return figure


COLUMNS = {
    "left": "goes left",
    "forced_miss_at_target": "returns to the left pad after a forced miss",
    "forced_miss": "returns to any pad",
    "odd_start_at_target": "left pad from an odd start",
}


def table(rows: list[Row]) -> Table:
    """Tabulates the aligned agent with pre-training against the one without."""
    starts = group(rows, "start")
    scratch = starts.get("from scratch", [])
    lines = [Line(f"aligned, {start}", some, () if some is scratch else scratch) for start, some in starts.items()]
    columns = [Column(name, key, compared=key != "forced_miss") for key, name in COLUMNS.items()]
    columns.append(Column("reward model's accuracy", "accuracy", compared=False))
    return tabulate(lines, columns, "the agent from scratch")


EXPERIMENT = Experiment(
    title="Alignment without pre-training",
    question="Can an agent be aligned that was only ever fine-tuned, and does it return when it misses?",
    paper="It can be aligned, but gets stuck after a miss, where the pre-trained agent turns around and comes back.",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Once aligned, the pre-trained agent still returns to its pad more often",
            "paper",
            Difference("aligned, pre-trained", COLUMNS["forced_miss_at_target"], "higher"),
        ),
    ),
)
