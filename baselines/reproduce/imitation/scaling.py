"""Beyond the paper: the base agent by parameters, episodes and context."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from matplotlib.figure import Figure

from agents.dataset import Dataset
from agents.figures.style import MUTED
from agents.outcomes import total_variation
from baselines.evaluate import load_outcome
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import intervals, note, number_axis, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_line
from baselines.laboratory.measuring import HELD_OUT, Evaluated, evaluated, held_out_loss, held_out_people
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy
from baselines.models.precision import choose_device
from baselines.pretrain import PretrainConfig
from baselines.report.palette import STAGE_COLORS
from baselines.stages import Stages

BUDGET = 0.3
"""Share of the preset's updates: what is compared is trained alike, shorter than the preset's own agent."""
SIZES = {"small": (64, 2), "medium": (128, 3), "large": (256, 4)}
"""Width and layers; attention heads are 32 wide."""
EPISODES = (250, 500, 1000)
CONTEXTS = (8, 100)


def measure(stages: Stages) -> Measuring:
    """Pre-trains agents that differ from the preset's in one respect each."""
    preset, people = stages.preset, stages.demonstrations()
    crowd, held_out = stages.evaluation_of_dataset("demonstrations", people), held_out_people(stages)
    added: list[tuple[Row, PretrainConfig, Path, Path, Evaluated]] = []

    def add(axis: str, value: float, name: str, network: NetworkConfig, data: Path) -> None:
        updates = max(2, round(BUDGET * preset.base.optimizer.updates))
        optimizer = dataclasses.replace(preset.base.optimizer, updates=updates)
        config = dataclasses.replace(preset.base, network=network, optimizer=optimizer)
        agent = stages.base(name, config=config, demonstrations=data)
        row = {"axis": axis, "value": value, "parameters": _parameters(network)}
        added.append((row, config, data, agent, evaluated(stages, name, agent)))

    own = preset.base.network
    for size, (width, layers) in SIZES.items():
        network = dataclasses.replace(own, width=width, layers=layers, heads=width // 32)
        add("parameters", _parameters(network), f"base_size_{size}", network, people)
    width, layers = SIZES["medium"]
    reference = dataclasses.replace(own, width=width, layers=layers, heads=width // 32)
    for count in EPISODES:
        config = dataclasses.replace(preset.demonstrations, episodes=count)
        data = stages.demonstrations(f"demonstrations_{count}", config=config)
        add("episodes", count, f"base_episodes_{count}", reference, data)
    add("episodes", preset.demonstrations.episodes, "base_size_medium", reference, people)
    for context in CONTEXTS:
        network = dataclasses.replace(reference, context=context)
        add("context", context, f"base_context_{context}", network, people)
    add("context", reference.context, "base_size_medium", reference, people)
    yield
    outcome_of_people, rows = load_outcome(crowd), []
    for row, config, data, agent, evaluation in added:
        policy, outcome = Policy.from_pretrained(agent, choose_device()), evaluation.read()
        row |= {"episodes_seen": min(len(Dataset(data)), config.optimizer.updates * config.batch_episodes)}
        row |= {"held_out_loss": held_out_loss(policy, Dataset(held_out))}
        rows.append({**row, "total_variation_to_people": total_variation(outcome, outcome_of_people), **outcome})
    return rows


def _parameters(network: NetworkConfig) -> int:
    return sum(parameter.numel() for parameter in Policy.initialize(network, 0).network.parameters())


AXES = {"parameters": "parameters", "episodes": "episodes of people", "context": "context, steps of 0.1 s"}
MEASURES = {
    "held_out_loss": "held-out loss,\nnats per step",
    "total_variation_to_people": "total variation of\noutcomes to people",
}


def draw(rows: list[Row]) -> Figure:
    """Draws loss and distance to people against parameters, episodes and context."""
    found = group(rows, "axis")
    color = STAGE_COLORS["base"]
    with subplots(4.6, len(MEASURES), len(AXES), share_y="row", share_x="col") as (figure, grid):
        for column, (axis, name) in enumerate(AXES.items()):
            some = found.get(axis, [])
            for axes, measure_of in zip(grid[:, column], MEASURES, strict=True):
                draw_line(axes, some, "value", measure_of, color, share=measure_of != "held_out_loss")
                if some:
                    number_axis(axes, (row["value"] for row in some))
                else:
                    axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=MUTED)
            grid[-1, column].set_xlabel(name)
        loss, variation = MEASURES.values()
        grid[0, 0].set_ylabel(loss)
        percent_axis(grid[1, 0], variation, high=max(0.1, *(1.04 * axes.dataLim.y1 for axes in grid[1])))
        note(
            figure,
            f"{sizes(rows)}, {HELD_OUT} held-out episodes of people; {intervals(rows)}; "
            f"{100 * BUDGET:.0f}% of the preset's updates.",
        )
        return figure


LOSS = "held-out loss, nats per step"
UNITS = {"parameters": "parameters", "episodes": "episodes of people", "context": "steps of context"}


def table(rows: list[Row]) -> Table:
    """Tabulates every value of an axis against its smallest."""
    lines = []
    for axis, some in group(rows, "axis").items():
        by_value = sorted(group(some, "value").items())
        smallest = by_value[0][1]
        lines += [Line(f"{value:,.0f} {UNITS[axis]}", of, () if of is smallest else smallest) for value, of in by_value]
    columns = (
        Column(LOSS, "held_out_loss", share=False, digits=2),
        Column("total variation to people", "total_variation_to_people"),
    )
    return tabulate(lines, columns, "the smallest of its kind")


EXPERIMENT = Experiment(
    title="Scaling the base agent",
    question=(
        "Does a base agent imitate people better with more parameters, episodes or context? All train for "
        f"{BUDGET:.0%} of the preset's updates."
    ),
    paper="",
    measure=measure,
    own_seconds=10,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "More episodes of people lower the held-out loss",
            "us",
            Difference("2,000 episodes of people", LOSS, "lower"),
        ),
        Claim("More parameters lower the held-out loss", "us", Difference("3,554,360 parameters", LOSS, "lower")),
        Claim("A longer context lowers the held-out loss", "us", Difference("100 steps of context", LOSS, "lower")),
    ),
)
