"""What makes the base agent imitate: its mixture of actions, its encoder, augmentation and the mix of its data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from agents.dataset import Dataset
from agents.outcomes import NAMES, total_variation
from baselines.evaluate import load_outcome
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_bar, draw_dot, draw_outcomes
from baselines.laboratory.measuring import HELD_OUT, evaluated, held_out_loss, held_out_people
from baselines.laboratory.statistics import per_seed
from baselines.models.policy import Policy
from baselines.models.precision import choose_device
from baselines.pretrain import PretrainConfig
from baselines.report.palette import STAGE_COLORS
from baselines.stages import Stages

BUDGET = 0.5
"""Share of the preset's updates, after which the gap to people is still wide enough to be narrowed."""
SHIFT = 2
"""Pixels of augmentation."""
PEOPLE, OWN = "people", "as it is"
TICKS = {
    PEOPLE: "people",
    OWN: "as it is",
    "independent": "independent\nfactors",
    "redrawn": "component\ndrawn at\nevery step",
    "shifted": "frames\nshifted",
    "wide": "encoder twice\nas wide",
    "clean": "clean runs\nmixed in",
}
WORDS = {
    OWN: "the preset's choices",
    "independent": "independent factors, as in the paper",
    "redrawn": "component redrawn at every step",
    "shifted": f"frames shifted by up to {SHIFT} pixels",
    "wide": "encoder twice as wide",
    "clean": "clean runs mixed in",
}


def measure(stages: Stages) -> Measuring:
    """Pre-trains agents for half as long, each with one choice made otherwise."""
    preset, people = stages.preset, stages.demonstrations()
    counted, held_out = stages.evaluation_of_dataset("demonstrations", people), held_out_people(stages)
    updates = max(1, round(BUDGET * preset.base.optimizer.updates))
    own = dataclasses.replace(preset.base, optimizer=dataclasses.replace(preset.base.optimizer, updates=updates))

    def network(**changes: Any) -> PretrainConfig:
        return dataclasses.replace(own, network=dataclasses.replace(own.network, **changes))

    mixed = stages.merged("demonstrations_and_clean_runs", people, stages.curated())
    wide = tuple(2 * channels for channels in own.network.channels)
    choices: dict[str, tuple[PretrainConfig, Path]] = {
        OWN: (own, people),
        "independent": (network(components=1), people),
        "redrawn": (network(hold=1), people),
        "shifted": (dataclasses.replace(own, shift=SHIFT), people),
        "wide": (network(channels=wide), people),
        "clean": (own, mixed),
    }
    agents, evaluations = {}, {}
    for choice, (config, data) in choices.items():
        name = f"base_{updates}_updates" + ("" if choice == OWN else f"_{choice}")
        agents[choice] = stages.base(name, config=config, demonstrations=data)
        evaluations[choice] = evaluated(stages, name, agents[choice])
    yield
    crowd, unseen = load_outcome(counted), Dataset(held_out)
    shown = {key: crowd[key] for key in ("episodes", *NAMES, "mean_seconds")}
    rows: list[Row] = [{"choice": PEOPLE, **shown, "total_variation_to_people": 0.0, "held_out_loss": None}]
    for choice, agent in agents.items():
        outcome = evaluations[choice].read()
        distance = total_variation(outcome, crowd)
        loss = held_out_loss(Policy.from_pretrained(agent, choose_device()), unseen)
        rows.append({"choice": choice, **outcome, "total_variation_to_people": distance, "held_out_loss": loss})
    return rows


def draw(rows: list[Row]) -> Figure:
    """Draws where each agent goes, how far that is from people, and how likely it finds what they do."""
    choices = group(rows, "choice")
    with subplots(6.2, 3, 1, heights=(1.5, 1, 0.8), share_x="all") as (figure, grid):
        goes, away, likely = grid.flat
        draw_outcomes(goes, list(choices.values()))
        color = STAGE_COLORS["base"]
        for place, some in enumerate(choices.values()):
            if some[0]["choice"] != PEOPLE:
                draw_bar(away, place, some, "total_variation_to_people", color)
                draw_dot(likely, place, per_seed(some, "held_out_loss").values(), color, share=False)
        tops = [axes.dataLim.y1 for axes in (goes, away)]
        percent_axis(goes, "episodes", high=min(1.0, tops[0] + 0.12))
        percent_axis(away, "total variation\nto people", high=min(1.0, tops[1] + 0.08))
        likely.set_ylabel("held-out loss,\nnats per step")
        named_axis(likely, [TICKS[choice] for choice in choices])
        figure.legend(*goes.get_legend_handles_labels(), loc="outside upper left", ncols=len(NAMES), fontsize=8)
        agents = [row for row in rows if row["choice"] != PEOPLE]
        note(
            figure,
            f"{sizes(agents)}, {HELD_OUT} held-out episodes of people; {intervals(agents)}; "
            f"{100 * BUDGET:.0f}% of the preset's updates.",
        )
        return figure


DISTANCE, LOSS = "total variation to people", "held-out loss, nats per step"


def table(rows: list[Row]) -> Table:
    """Tabulates every choice against the preset's own."""
    choices = group(rows, "choice")
    own = choices[OWN]
    lines = [Line(WORDS[choice], choices.get(choice, []), () if choice == OWN else own) for choice in WORDS]
    columns = (Column(DISTANCE, "total_variation_to_people"), Column(LOSS, "held_out_loss", share=False, digits=2))
    return tabulate(lines, columns, WORDS[OWN])


EXPERIMENT = Experiment(
    title="Ablations of imitation",
    question=(
        f"Which choices bring the base agent closer to people? Each is changed alone, after {BUDGET:.0%} of "
        "the preset's updates."
    ),
    paper="",
    measure=measure,
    own_seconds=5,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Imitating many people needs a mixture head: the paper's independent factors end elsewhere",
            "us",
            Difference(WORDS["independent"], DISTANCE, "higher"),
        ),
        Claim(
            "Redrawing the mixture component at every step beats holding it",
            "us",
            Difference(WORDS["redrawn"], DISTANCE, "lower"),
        ),
    ),
)
