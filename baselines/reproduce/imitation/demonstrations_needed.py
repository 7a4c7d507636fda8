"""Ablation 6: fine-tuned with and without pre-training, on few and on many demonstrations."""

from __future__ import annotations

import dataclasses

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from baselines.artifact import load_manifest
from baselines.finetune import FinetuneConfig
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import (
    AIR,
    PROBES,
    RANDOM,
    handle,
    intervals,
    note,
    number_axis,
    percent_axis,
    probed,
    sizes,
    subplots,
)
from baselines.laboratory.marks import draw_line
from baselines.laboratory.measuring import Probe, evaluated
from baselines.laboratory.statistics import Measure
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce import rates
from baselines.stages import Stages

COUNTS = (9, 30, 99, 300)
"""An equal number per pad."""
LENGTHS = {"a third": 1 / 3, "": 1.0, "longer": 3.0}
"""Factors on the preset's updates, each length with a schedule of its own; only training from scratch may be longer."""


def measure(stages: Stages) -> Measuring:
    """Fine-tunes on subsets of the curated demonstrations, from the base agent and from random weights."""
    tuned = []
    own = stages.preset.curated.episodes
    for count in sorted({*(n for n in COUNTS if n < own), own}):
        data = stages.curated()
        if count != own:
            data = stages.curated(f"curated_{count}", config=dataclasses.replace(stages.preset.curated, episodes=count))
        for start, config in ways(stages.preset.finetuned).items():
            name = f"finetuned_{count}_{start.replace(' ', '_').replace(',', '')}"
            if config == stages.preset.finetuned and count == own:
                name = "finetuned"
            agent = stages.finetuned(name, config=config, curated=data)
            probes: tuple[Probe, ...] = ("forced_miss", "odd_start")
            tuned.append((count, start, agent, evaluated(stages, name, agent, probes=probes)))
    yield
    rows = []
    for count, start, agent, evaluation in tuned:
        loss = load_manifest(agent, "policy")["metrics"]["loss"]
        rows.append({"demonstrations": count, "start": start, **evaluation.read(), "loss": loss})
    return rows


INITIAL = {"pre-trained": "base", "from scratch": "random"}
"""Starts of fine-tuning, and what its configuration calls them."""


def ways(config: FinetuneConfig) -> dict[str, FinetuneConfig]:
    """Returns how an agent may be fine-tuned, by name."""
    found = {}
    for start in INITIAL:
        own = rates.at_rate(config, start, initial=INITIAL[start])
        for length, factor in LENGTHS.items():
            if (start, length) != ("pre-trained", "longer"):
                updates = max(1, round(factor * own.optimizer.updates))
                optimizer = dataclasses.replace(own.optimizer, updates=updates)
                found[", ".join(filter(None, (start, length)))] = dataclasses.replace(own, optimizer=optimizer)
    return found


COLORS = {"pre-trained": STAGE_COLORS["finetuned"], "from scratch": RANDOM}
STYLES = {"a third": ":", "": "-", "longer": "--"}
NAMED = {
    "pre-trained, a third": "pre-trained, then fine-tuned: a third of the updates",
    "pre-trained": "... all updates",
    "from scratch, a third": "fine-tuned only: a third of the updates",
    "from scratch": "... all updates",
    "from scratch, longer": "... three times the updates",
}
PANELS: dict[str, Measure] = {
    "reaches a pad": lambda row: 1 - row["none"],
    "reaches a pad from an odd start": "odd_start",
    "reaches a pad after a forced miss": "forced_miss",
}
SUCCESS, FROM_ODD_START, AFTER_MISS = PANELS


def draw(rows: list[Row]) -> Figure:
    """Draws success, and success when disturbed, against the number of demonstrations."""
    ways = group(rows, "start")
    with subplots(3.3, 1, len(PANELS), share_y="all") as (figure, grid):
        for axes, (name, share) in zip(grid.flat, PANELS.items(), strict=True):
            for index, way in enumerate(NAMED):
                shift = 1 + 0.03 * (index - 2)
                draw_line(axes, ways.get(way, []), "demonstrations", share, *_look(way), shift)
            axes.set(title=name, xlabel="demonstrations")
            axes.title.set_fontsize(9)
            number_axis(axes, (row["demonstrations"] for row in rows))
        percent_axis(grid[0, 0], "episodes", -AIR)
        handles = [handle(color, name, style) for name, (color, style) in ((NAMED[w], _look(w)) for w in NAMED)]
        handles.insert(2, Line2D([], [], linestyle="none"))  # the pre-trained one has no third length
        figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=8)
        note(figure, f"{sizes(rows)}; {probed(rows, *PROBES)}; {intervals(rows)}.")
        return figure


def _look(way: str) -> tuple[str, str]:
    """Returns color and style of a line."""
    start, _, length = way.partition(", ")
    return COLORS[start], STYLES[length]


SCRATCH = "from scratch, longer"


def table(rows: list[Row]) -> Table:
    """Tabulates the pre-trained agent against the one from scratch that takes three times the updates."""
    lines = []
    for count, some in sorted(group(rows, "demonstrations").items()):
        ways = group(some, "start")
        lines += [
            Line(condition(count, "pre-trained"), ways.get("pre-trained", []), ways.get(SCRATCH, [])),
            Line(condition(count, SCRATCH), ways.get(SCRATCH, [])),
        ]
    ours, other = (ways.get(f"{start}, a third", []) for start in INITIAL)
    lines.append(Line(condition(count, "pre-trained, a third"), ours, other))
    lines.append(Line(condition(count, "from scratch, a third"), other))
    columns = [Column(name, share) for name, share in PANELS.items()]
    return tabulate(lines, columns, "the agent from scratch, with three times the updates (or a third of them too)")


def condition(count: int, way: str) -> str:
    """Names a condition of the table."""
    return f"{count} demonstrations, {way.replace(SCRATCH, 'from scratch')}{' of the updates' * way.endswith('third')}"


EXPERIMENT = Experiment(
    title="Fine-tuning with and without pre-training",
    question=(
        "What does fine-tuning need pre-training for, by the number of clean demonstrations? These agents "
        "have no target, so any pad counts."
    ),
    paper="An agent that was only fine-tuned gets stuck where the pre-trained one turns around and comes back.",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Pre-training makes the fine-tuned agent return more often after a forced miss",
            "paper",
            Difference(condition(COUNTS[-1], "pre-trained"), AFTER_MISS, "higher"),
        ),
        Claim(
            "Pre-training makes the fine-tuned agent reach a pad more often from odd starts",
            "paper",
            Difference(condition(COUNTS[-1], "pre-trained"), FROM_ODD_START, "higher"),
        ),
        Claim(
            "Pre-training makes fine-tuning faster: more successes after a third of the updates",
            "us",
            Difference(condition(COUNTS[-1], "pre-trained, a third"), SUCCESS, "higher"),
        ),
    ),
)
