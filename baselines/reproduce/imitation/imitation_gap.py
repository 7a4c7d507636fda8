"""What separates the base agent from the people it imitates: length of training, and temperature of acting."""

from __future__ import annotations

import dataclasses

from matplotlib.figure import Figure

from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import INK, MUTED
from agents.outcomes import NAMES, total_variation
from baselines.evaluate import load_outcome
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import handle, intervals, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_line
from baselines.laboratory.measuring import Evaluated, evaluated
from baselines.laboratory.statistics import over_seeds
from baselines.stages import Stages

LENGTHS = (0.25, 0.5)
"""Shares of the preset's updates, each trained by a schedule of its own."""
TEMPERATURES = (0.7, 0.85)
TITLES = {"updates": "updates of pre-training", "temperature": "temperature of acting"}
GOAL = 0.05
"""Total variation that we aim at."""


def measure(stages: Stages) -> Measuring:
    """Trains the base agent for shorter, and lets the preset's own act at lower temperatures."""
    preset = stages.preset
    crowd = stages.evaluation_of_dataset("demonstrations", stages.demonstrations())
    own = preset.base.optimizer.updates
    played: list[tuple[str, float, Evaluated]] = []
    usual = evaluated(stages, "base", stages.base())
    for share in LENGTHS:
        updates = max(1, round(share * own))
        optimizer = dataclasses.replace(preset.base.optimizer, updates=updates)
        agent = stages.base(f"base_{updates}_updates", config=dataclasses.replace(preset.base, optimizer=optimizer))
        played.append(("updates", updates, evaluated(stages, f"base_{updates}_updates", agent)))
    played.append(("updates", own, usual))
    for temperature in TEMPERATURES:
        config = dataclasses.replace(preset.evaluation, temperature=temperature)
        name = f"base_temperature_{round(100 * temperature)}"
        played.append(("temperature", temperature, evaluated(stages, name, stages.base(), config)))
    played.append(("temperature", 1.0, usual))
    yield
    people = load_outcome(crowd)
    rows: list[Row] = [
        {"what": "people", "value": 0.0, **{key: people[key] for key in ("episodes", *NAMES, "mean_seconds")}}
    ]
    rows += [{"what": what, "value": value, **evaluation.read()} for what, value, evaluation in played]
    return [{**row, "total_variation_to_people": total_variation(row, people)} for row in rows]


def draw(rows: list[Row]) -> Figure:
    """Draws outcomes, and below them the distance from people, against each of the two."""
    people = [row for row in rows if row["what"] == "people"]
    played = group([row for row in rows if row["what"] != "people"], "what")
    with subplots(4.6, 2, 2, heights=(3, 2), share_x="col", share_y="row") as (figure, grid):
        for (above, below), (what, title) in zip(grid.T, TITLES.items(), strict=True):
            values = sorted(group(played[what], "value"))
            for name in NAMES:
                draw_line(above, played[what], "value", name, OUTCOME_COLORS[name])
                above.axhline(over_seeds(people, name).mean, color=OUTCOME_COLORS[name], linewidth=1, linestyle=":")
            draw_line(below, played[what], "value", "total_variation_to_people", INK)
            below.axhline(GOAL, color=MUTED, linewidth=1, linestyle="--")
            below.annotate(f"goal: {100 * GOAL:.0f} points", (values[0], GOAL), (0, -3), textcoords="offset points",
                           va="top", color=MUTED, fontsize=8)  # fmt: skip
            below.set(xlabel=title, xticks=values, xticklabels=[f"{value:,g}" for value in values])
        tops = [1.04 * max(axes.dataLim.y1 for axes in row) for row in grid]  # with all whiskers
        percent_axis(grid[0, 0], "episodes", high=tops[0])
        percent_axis(grid[1, 0], "total variation\nto people", high=max(tops[1], 2 * GOAL))
        handles = [handle(OUTCOME_COLORS[name], name) for name in NAMES]
        figure.legend(handles=handles, loc="outside upper left", ncols=len(NAMES), fontsize=8)
        some = [row for of in played.values() for row in of]
        note(figure, f"{sizes(some)}; {intervals(some)}; dotted: people.")
        return figure


DISTANCE = "total variation to people"
COOLED = "temperature {:g}"


def table(rows: list[Row]) -> Table:
    """Tabulates the distance from people, of shorter trainings and lower temperatures against the preset's own."""
    at = group(rows, "what", "value")
    lengths = sorted(value for what, value in at if what == "updates")
    own = at["updates", lengths[-1]]
    lines = [Line("people", at["people", 0.0])]
    lines += [Line(f"{value:,.0f} updates", at["updates", value], own) for value in lengths[:-1]]
    lines += [Line(f"{lengths[-1]:,.0f} updates, temperature 1", own)]
    cool = sorted(value for what, value in at if what == "temperature" and value < 1)
    lines += [Line(COOLED.format(value), at["temperature", value], own) for value in cool]
    columns = (Column(DISTANCE, "total_variation_to_people"), Column("no pad", "none", compared=False))
    return tabulate(lines, columns, "all updates at temperature 1")


EXPERIMENT = Experiment(
    title="The imitation gap",
    question="How far are the base agent's outcomes from people's, by length of training and sampling temperature?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    claims=tuple(
        Claim(
            f"Sampling at temperature {value:g} moves the base agent away from people",
            "us",
            Difference(COOLED.format(value), DISTANCE, "higher"),
        )
        for value in TEMPERATURES
    ),
)
