"""Figure 1: where everybody goes, from people to aligned agents."""

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
from baselines.laboratory.experiment import Experiment, Row
from baselines.laboratory.measuring import outcomes
from baselines.laboratory.panels import note, panels
from baselines.laboratory.statistics import FEWEST, group, over_seeds, percent
from baselines.laboratory.words import beside_paper, seeds_in_words, sizes, span, versus
from baselines.report.palette import KIND_TITLES, STAGE_COLORS
from baselines.report.paper import OUTCOMES, paper_shares
from baselines.stages import Stages, Target

TARGETS: tuple[Target, ...] = ("left", "right")
CLOSE = 0.05
"""Total variation to people that we ask of the base agent, at most."""


def measure(stages: Stages) -> list[Row]:
    """Plays every agent of the procedure."""
    people = load_outcome(stages.evaluation_of_dataset("demonstrations", stages.demonstrations()))
    agents = {("base", ""): stages.base(), ("finetuned", ""): stages.finetuned()}
    for target in TARGETS:
        agents["preference_finetuned", target] = stages.preference_finetuned(target)
        agents["aligned", target] = stages.aligned(target)
    kept = ("episodes", "none", "left", "middle", "right", "mean_seconds")
    rows: list[Row] = [{"stage": "demonstrations", "target": "", **{key: people[key] for key in kept}}]
    for (stage, target), agent in agents.items():
        name = f"{target}_{stage}" if target else stage
        config = stages.preset.final_evaluation if stage == "aligned" else stages.preset.evaluation
        rows.append({"stage": stage, "target": target, **outcomes(stages, name, agent, config)})
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
    """Draws bars of how episodes end, agent by agent, beside the paper's."""
    agents = group(rows, "stage", "target")
    with panels(5.0, 2, 4, share_y="all") as (figure, grid):
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


def find(rows: list[Row]) -> str:
    """Says how agents end beside people and the paper."""
    agents = group(rows, "stage", "target")
    sentences = [f"On {seeds_in_words(rows)}:"]
    base, tuned = agents.get(("base", ""), []), agents.get(("finetuned", ""), [])
    if base:
        far = over_seeds(base, "total_variation_to_people")
        within = "within" if far.mean <= CLOSE else "beyond"
        people = agents.get(("demonstrations", ""), [])
        chance = f" Sampling alone would give about {100 * chance_variation(base, people):.1f}%." if people else ""
        sentences.append(
            f"the base agent's outcomes differ from people's by a total variation of **{percent(far)}**, {within} the "
            f"{100 * CLOSE:.0f} points that we ask of an imitator.{chance}"
        )
    if base and tuned:
        sentences.append(
            f"Fine-tuning changes the share of episodes that reach no pad from {percent(over_seeds(base, 'none'))} to "
            f"{percent(over_seeds(tuned, 'none'))}: "
            f"{versus(tuned, base, 'none', 'it rises, unlike in the paper', 'it falls, as in the paper')}; "
            f"the paper has {OUTCOMES['base'][0]}% and {OUTCOMES['finetuned'][0]}%."
        )
    for target in TARGETS:
        aligned = agents.get(("aligned", target), [])
        if aligned:
            paper = paper_shares("aligned", target)
            assert paper is not None
            reached = over_seeds(aligned, target)
            text = f"The agent aligned to the {target} goes there in **{percent(reached)}** of episodes, "
            text += beside_paper(reached, paper[target])
            preferred = agents.get(("preference_finetuned", target), [])
            if preferred:
                text += f", after {percent(over_seeds(preferred, target))} by preference fine-tuning alone"
            sentences.append(text + ".")
    left, right = ([{**row, "at": row[t]} for row in agents.get(("aligned", t), [])] for t in TARGETS)
    if left and right:
        words = versus(
            left, right, "at", "left is reached more often than right", "right is reached more often than left"
        )
        sentences.append(f"Between the two sides of the symmetric map: {words}.")
    return " ".join(sentences)


def chance_variation(one: list[Row], other: list[Row]) -> float:
    """Returns the total variation to expect between samples of these sizes from the same distribution.

    It is the mean of half the sum of |differences|, each of them about normal.
    """
    sizes = 1 / np.mean([row["episodes"] for row in one]) + 1 / np.mean([row["episodes"] for row in other])
    shares = np.array([np.mean([row[name] for row in other]) for name in NAMES])
    return float(0.5 * np.sqrt(2 / np.pi * shares * (1 - shares) * sizes).sum())


EXPERIMENT = Experiment(
    name="outcomes",
    title="Where everybody goes",
    question="Does each step of the procedure do what it should: does the base agent end as people do, the fine-tuned "
    "one at a pad, the aligned one at the pad that is preferred?",
    paper="The base agent reaches a pad in 56% of episodes, the fine-tuned one in 89%; aligned agents reach the "
    "preferred pad in 98.7% (left) and 99.8% (right).",
    measure=measure,
    draw=draw,
    find=find,
)
