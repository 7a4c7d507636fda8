"""Figure 1: outcomes of people and of agents at every stage."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from agents.figures.outcome_bars import draw_outcome_bars
from agents.figures.style import INK, MUTED
from agents.outcomes import NAMES, total_variation, wilson_interval
from baselines.evaluate import load_outcome
from baselines.laboratory import (
    Bound,
    Claim,
    Column,
    Difference,
    Experiment,
    Line,
    Measuring,
    Row,
    Table,
    group,
    tabulate,
)
from baselines.laboratory.axes import note, sizes, span, subplots
from baselines.laboratory.measuring import evaluated
from baselines.laboratory.statistics import FEWEST, over_seeds
from baselines.report.palette import KIND_TITLES, STAGE_COLORS
from baselines.report.paper import READING, paper_shares, paper_success
from baselines.stages import Stages
from jumppad_env.rules import Pad

TARGETS: tuple[Pad, ...] = ("left", "right")
CLOSE = 0.05
"""Total variation to people that we ask of the base agent, at most."""


def measure(stages: Stages) -> Measuring:
    """Plays every agent of the procedure."""
    crowd = stages.evaluation_of_dataset("demonstrations", stages.demonstrations())
    agents = {("base", ""): stages.base(), ("finetuned", ""): stages.finetuned()}
    for target in TARGETS:
        agents["preference_finetuned", target] = stages.preference_finetuned(target)
        agents["aligned", target] = stages.aligned(target)
    evaluations = {
        (stage, target): evaluated(stages, f"{target}_{stage}" if target else stage, agent)
        for (stage, target), agent in agents.items()
    }
    yield
    people = load_outcome(crowd)
    kept = ("episodes", "none", "left", "middle", "right", "mean_seconds")
    rows: list[Row] = [{"stage": "demonstrations", "target": "", **{key: people[key] for key in kept}}]
    for (stage, target), evaluation in evaluations.items():
        rows.append({"stage": stage, "target": target, **evaluation.read()})
    return [{**row, "total_variation_to_people": total_variation(row, people)} for row in rows]


PANELS = (
    ("demonstrations", ""),
    ("base", ""),
    ("finetuned", ""),
    None,  # the legend
    ("preference_finetuned", "left"),
    ("aligned", "left"),
    ("preference_finetuned", "right"),
    ("aligned", "right"),
)


def draw(rows: list[Row]) -> Figure:
    """Draws bars of how episodes end, by agent, next to the paper's."""
    agents = group(rows, "stage", "target")
    with subplots(5.0, 2, 4, share_y="all") as (figure, grid):
        for axes, agent in zip(grid.flat, PANELS, strict=True):
            if agent is None:
                _explain(axes, rows)
            elif agent in agents:
                _bars(axes, agents[agent], paper_shares(*agent))
                axes.set_title(title(*agent), color=STAGE_COLORS[agent[0]])
            else:
                axes.set_title(title(*agent), color=MUTED)
                axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=MUTED)
        for axes in grid[:, 0]:
            axes.set_ylabel("episodes")
        people = agents.get(("demonstrations", ""), [])
        played = sizes(row for row in rows if row["stage"] != "demonstrations")
        recorded = f" ({span(row['episodes'] for row in people)} of people)" if people else ""
        note(figure, f"{played}{recorded}. Below the bars: the pad that an episode ends at.")
        return figure


def title(stage: str, target: str) -> str:
    """Returns what an agent is called."""
    name = "People" if stage == "demonstrations" else KIND_TITLES[stage]
    name = "Pref. fine-tuned" if stage == "preference_finetuned" else name
    return f"{name}, {target}" if target else name


def shares_over_seeds(rows: list[Row]) -> dict[str, Any]:
    """Returns an outcome object of an agent's rows; intervals are over seeds, or over episodes if seeds are too few."""
    means = {name: over_seeds(rows, name) for name in NAMES}
    intervals = {}
    for name, mean in means.items():
        low, high = mean.low, mean.high
        if mean.count < FEWEST:
            played = sum(row["episodes"] for row in rows)
            low, high = wilson_interval(round(mean.mean * played), played)
        intervals[name] = (max(0.0, low), min(1.0, high))
    return {**{name: mean.mean for name, mean in means.items()}, "ci95": intervals}


def _bars(axes: Axes, rows: list[Row], paper: dict[str, float] | None) -> None:
    draw_outcome_bars(axes, shares_over_seeds(rows), paper)
    for text in axes.texts:  # numbers of neighbors do not touch
        text.set_fontsize(7.5)
    axes.tick_params(axis="x", labelsize=8)
    if len(rows) > 1:
        for index, name in enumerate(NAMES):
            x = index - (0.2 if paper else 0.0)
            axes.plot([x] * len(rows), [row[name] for row in rows], ".", color=INK, alpha=0.35, markersize=4)


def _explain(axes: Axes, rows: list[Row]) -> None:
    seeds = len(group(rows, "seed"))
    over = "over seeds" if seeds >= FEWEST else "over episodes"
    handles = [
        Patch(facecolor=MUTED, label="ours" + (", mean of seeds" if seeds > 1 else "")),
        Line2D([], [], color=INK, marker="|", linestyle="", markersize=10, label=f"95% interval {over}"),
        Patch(facecolor=to_rgba(MUTED, 0.28), edgecolor=MUTED, label="the paper"),
    ]
    if seeds > 1:
        handles.insert(2, Line2D([], [], color=INK, alpha=0.35, marker=".", linestyle="", label="one seed"))
    axes.set_axis_off()
    axes.legend(handles=handles, loc="center", fontsize=8.5)


NO_PAD, OWN_PAD, DISTANCE = "no pad", "its own pad", "total variation to people"
SAMPLING = "as few episodes of the same people"


def table(rows: list[Row]) -> Table:
    """Tabulates how agents end; fine-tuned against base, aligned against preference fine-tuned."""
    agents = group(rows, "stage", "target")
    lines = []
    for (stage, target), some in agents.items():
        before = {"finetuned": ("base", ""), "aligned": ("preference_finetuned", target)}.get(stage)
        paper = paper_shares(stage, target) or {}
        shares = {NO_PAD: paper.get("none"), OWN_PAD: paper.get(target)}
        known = {column: share for column, share in shares.items() if share is not None}
        lines.append(Line(title(stage, target), some, agents.get(before, []) if before else (), known))
    people, base = agents.get(("demonstrations", ""), []), agents.get(("base", ""), [])
    if people and base:
        lines.append(Line(SAMPLING, [{"seed": 0, "total_variation_to_people": chance_variation(base, people)}]))
    columns = (
        Column(NO_PAD, lambda row: row.get("none")),
        Column(OWN_PAD, lambda row: row[row["target"]] if row.get("target") else None),
        Column(DISTANCE, "total_variation_to_people", compared=False),
    )
    return tabulate(lines, columns, "the agent before (base, or preference fine-tuned)")


def chance_variation(one: list[Row], other: list[Row]) -> float:
    """Returns the total variation to expect between samples of these sizes from the same distribution.

    It is the mean of half the sum of |differences|, each of them about normal.
    """
    sizes = 1 / np.mean([row["episodes"] for row in one]) + 1 / np.mean([row["episodes"] for row in other])
    shares = np.array([np.mean([row[name] for row in other]) for name in NAMES])
    return float(0.5 * np.sqrt(2 / np.pi * shares * (1 - shares) * sizes).sum())


EXPERIMENT = Experiment(
    title="Outcomes by stage",
    question=(
        "Does each stage do what it should: the base agent end as people do, the fine-tuned one at a pad, the "
        "aligned one at its target?"
    ),
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            f"The base agent ends where people end, within {100 * CLOSE:.0f} points of total variation",
            "us",
            Bound(title("base", ""), DISTANCE, most=CLOSE),
        ),
        Claim("Fine-tuning sends more episodes to a pad", "paper", Difference(title("finetuned", ""), NO_PAD, "lower")),
        *(
            Claim(
                f"Aligned to the {target}, the agent reaches its target as often as the paper's",
                "paper",
                Bound(title("aligned", target), OWN_PAD, least=paper_success(target) - READING),
            )
            for target in TARGETS
        ),
    ),
)
