"""What separates the base agent from the people it imitates: length of training, and temperature of acting."""

from __future__ import annotations

import dataclasses

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from agents.figure_style import INK, MUTED, STYLE
from agents.outcomes import NAMES, total_variation
from agents.palette import OUTCOME_COLORS
from baselines.reproduce.drawing.words import versus
from baselines.reproduce.experiment import Experiment, Row
from baselines.reproduce.measuring import outcomes, read_outcome
from baselines.reproduce.outcomes import chance_variation
from baselines.reproduce.statistics import group, over_seeds, percent
from baselines.stages import Stages

LENGTHS = (0.25, 0.5)
"""Shares of the preset's updates, each trained by a schedule of its own."""
TEMPERATURES = (0.7, 0.85)
TITLES = {"updates": "updates of pre-training", "temperature": "temperature of acting"}
GOAL = 0.05
"""Total variation that we aim at."""


def measure(stages: Stages) -> list[Row]:
    """Trains the base agent for shorter, and lets the preset's own act at lower temperatures."""
    preset = stages.preset
    people = read_outcome(stages.evaluation_of_dataset("demonstrations", stages.demonstrations()))
    own = preset.base.optimizer.updates
    rows: list[Row] = [
        {"what": "people", "value": 0.0, **{key: people[key] for key in ("episodes", *NAMES, "mean_seconds")}}
    ]
    usual = outcomes(stages, "base", stages.base())
    for share in LENGTHS:
        updates = max(1, round(share * own))
        optimizer = dataclasses.replace(preset.base.optimizer, updates=updates)
        agent = stages.base(f"base_{updates}_updates", config=dataclasses.replace(preset.base, optimizer=optimizer))
        rows.append({"what": "updates", "value": updates, **outcomes(stages, f"base_{updates}_updates", agent)})
    rows.append({"what": "updates", "value": own, **usual})
    for temperature in TEMPERATURES:
        config = dataclasses.replace(preset.evaluation, temperature=temperature)
        name = f"base_temperature_{round(100 * temperature)}"
        rows.append({"what": "temperature", "value": temperature, **outcomes(stages, name, stages.base(), config)})
    rows.append({"what": "temperature", "value": 1.0, **usual})
    return [{**row, "total_variation_to_people": total_variation(row, people)} for row in rows]


def draw(rows: list[Row]) -> Figure:
    """Draws outcomes, and below them the distance from people, against each of the two."""
    people = [row for row in rows if row["what"] == "people"]
    episodes = next(row["episodes"] for row in rows if row["what"] != "people")
    seeds = len({row["seed"] for row in rows})
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.2, 4.6), layout="constrained")
        axes = figure.subplots(2, 2, sharex="col", sharey="row", height_ratios=[3, 2])
        for column, what in enumerate(TITLES):
            above, below = axes[0, column], axes[1, column]
            found = group([row for row in rows if row["what"] == what], "value")
            values = sorted(found)
            for name in NAMES:
                _line(above, values, [over_seeds(found[value], name) for value in values], OUTCOME_COLORS[name], name)
                above.axhline(over_seeds(people, name).mean, color=OUTCOME_COLORS[name], linewidth=1, linestyle=":")
            distances = [over_seeds(found[value], "total_variation_to_people") for value in values]
            _line(below, values, distances, INK, "")
            below.axhline(GOAL, color=MUTED, linewidth=1, linestyle="--")
            below.annotate(f"goal: {100 * GOAL:.0f} points", (values[-1], GOAL), (0, 3), textcoords="offset points",
                           ha="right", color=MUTED, fontsize=8)  # fmt: skip
            below.set(xlabel=TITLES[what], xticks=values, xticklabels=[f"{value:,g}" for value in values])
            above.yaxis.set_major_formatter(PercentFormatter(1.0))
            below.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes[0, 0].set(ylabel="episodes", ylim=(0, None))
        axes[1, 0].set(ylabel="total variation\nto people", ylim=(0, None))
        axes[0, 0].legend(ncols=4, loc="upper center", fontsize=8)
        figure.supxlabel(
            f"dotted: people; {episodes} episodes per agent and seed, {seeds} seed{'s' if seeds > 1 else ''}",
            fontsize=8,
            color=MUTED,
        )
        return figure


def _line(axes, values, estimates, color: str, label: str) -> None:
    means = np.array([one.mean for one in estimates])
    low, high = (np.nan_to_num([getattr(one, side) for one in estimates], nan=0.0) for side in ("low", "high"))
    bars = np.where(high > low, [means - low, high - means], 0.0)
    axes.errorbar(values, means, bars, color=color, marker="o", markersize=4, linewidth=1.6, elinewidth=1, label=label)


def find(rows: list[Row]) -> str:
    """Says how far the base agent is from people, and what changes it."""
    at = group(rows, "what", "value")
    lengths = sorted(value for what, value in at if what == "updates")
    cool = sorted(value for what, value in at if what == "temperature" and value < 1)
    distance = {key: over_seeds(some, "total_variation_to_people") for key, some in at.items()}
    own = distance["updates", lengths[-1]]
    verdict = "within" if own.mean <= GOAL else "beyond"
    sampled = own.count * rows[-1]["episodes"]
    text = [
        f"With {lengths[-1]:,.0f} updates the base agent's outcomes differ from those of its people by "
        f"{percent(own)} of episodes (total variation; {sampled:,} episodes of {own.count} seeds), {verdict} "
        f"the goal of {100 * GOAL:.0f} points; playing so few episodes alone would give about "
        f"{percent_of(chance_variation(at['updates', lengths[-1]], at['people', 0.0]))}."
    ]
    for value in lengths[:-1]:
        text.append(f"With {value:,.0f} updates it is {percent(distance['updates', value])}.")
    fails = over_seeds(at["updates", lengths[-1]], "none").mean - over_seeds(at["people", 0.0], "none").mean
    text.append(f"It reaches no pad {'more' if fails > 0 else 'less'} often than people by {percent_of(abs(fails))}.")
    for value in cool:
        none = over_seeds(at["temperature", value], "none")
        words = versus(
            at["temperature", value],
            at["temperature", 1.0],
            "total_variation_to_people",
            "cooling harms",
            "cooling helps",
        )
        text.append(
            f"At temperature {value:g} it is {percent(distance['temperature', value])} "
            f"(no pad in {percent(none)}): {words}."
        )
    return " ".join(text)


def percent_of(share: float) -> str:
    """Returns a share in percent."""
    return f"{100 * share:.1f}%"


EXPERIMENT = Experiment(
    name="imitation_gap",
    title="What separates the base agent from its people",
    question="How far are the base agent's outcomes from those of the people it imitates, and what closes the gap?",
    paper="",
    measure=measure,
    draw=draw,
    find=find,
)
