"""How learning rates were chosen: the same small grid for all that is compared, on a seed that no other figure reports.

Of the rates whose success lies within one standard error of the best, the smallest is taken: it moves the agent least
(the rule of Breiman and others, Classification and Regression Trees, 1984, section 3.4.3).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from baselines.laboratory import Column, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import (
    AIR,
    RANDOM,
    handle,
    listed,
    note,
    number_axis,
    percent_axis,
    span,
    subplots,
)
from baselines.laboratory.marks import draw_line
from baselines.laboratory.measuring import Evaluated, evaluated
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce import rates
from baselines.reproduce.imitation.demonstrations_needed import INITIAL
from baselines.reproduce.rewards import reward_tuning
from baselines.reproduce.rewards.reward_accuracy import JUDGED, agents_of
from baselines.stages import Stages
from baselines.training.loop import OptimizerConfig

FINETUNING = (0.3, 1.0, 3.0, 10.0)
"""Grid of fine-tuning, as factors on the preset's learning rate."""
DEMONSTRATIONS = (30, None)
"""Numbers of demonstrations that count alike in the choice for fine-tuning; None are all of the preset's."""
REWARDING = (0.1, 0.3, 1.0, 3.0)
"""Grid of reward models tuned as a whole."""
COMPARISONS = 100
"""Of each label, for the choice for reward models; both labels count alike."""
ALIGNMENT = (0.43, 1.0, 2.1, 4.3, 10.0, 21.0)
"""Grid of alignment: 3e-4 to 1.5e-2 for `quick`."""


def measure(stages: Stages) -> Measuring:
    """Fine-tunes, trains reward models and aligns once at every rate."""
    finetuned, aligned = list(_finetuning(stages)), list(_alignment(stages))
    drawn = agents_of(stages, reward_tuning.VARIETY)
    yield
    rows = []
    for tried, evaluation in finetuned:
        ends = evaluation.read()
        rows.append(_row(*tried, 1 - ends["none"], ends["episodes"]))
    rows += _rewarding(stages, *drawn)
    for tried, evaluation in aligned:
        ends = evaluation.read()
        rows.append(_row(*tried, ends["left"], ends["episodes"]))
    return rows


Tried = tuple[str, str, OptimizerConfig, float]
"""What is trained, on what, how, and the factor on its learning rate."""


def _finetuning(stages: Stages) -> Iterator[tuple[Tried, Evaluated]]:
    """Names agents of which episodes that reach a pad will be counted."""
    preset = stages.preset
    for count in DEMONSTRATIONS:
        curated = dataclasses.replace(preset.curated, episodes=count or preset.curated.episodes)
        data = stages.curated() if curated == preset.curated else stages.curated(f"curated_{count}", config=curated)
        for start in INITIAL:
            for factor in FINETUNING:
                config = rates.at_rate(preset.finetuned, start, factor, initial=INITIAL[start])
                name = f"finetuned_{curated.episodes}_{start.replace(' ', '_')}_rate_{factor:g}"
                agent = stages.finetuned(name, config=config, curated=data)
                on = f"{curated.episodes} demonstrations"
                yield (start, on, config.optimizer, factor), evaluated(stages, name, agent)


def _rewarding(stages: Stages, rollouts: Path, agents: dict[str, Path]) -> Iterator[Row]:
    """Measures validation accuracy after the best number of updates."""
    for what, _, start, trial in reward_tuning.trials(stages, rollouts, agents, (COMPARISONS,)):
        if start == "base":  # takes the fine-tuned agent's
            continue
        for factor in REWARDING:
            config = rates.at_rate(stages.preset.reward_model, start, factor)
            accuracy = max(validation for validation, _ in trial(config, reward_tuning.longest(start)).values())
            yield _row(start, what, config.optimizer, factor, accuracy, JUDGED)


def _alignment(stages: Stages) -> Iterator[tuple[Tried, Evaluated]]:
    """Names agents of which episodes that go left will be counted."""
    for trained in rates.PARTS:
        for factor in ALIGNMENT:
            config = rates.at_rate(stages.preset.aligned, trained, factor, trained=trained)
            name = f"aligned_{trained}_rate_{factor:g}"
            agent = stages.aligned("left", name, config=config)
            yield (trained, "", config.optimizer, factor), evaluated(stages, f"left_{name}", agent)


def _row(what: str, on: str, optimizer: OptimizerConfig, factor: float, success: float, judged: int) -> Row:
    rate = optimizer.learning_rate
    return {"what": what, "on": on, "learning_rate": rate, "factor": factor, "success": success, "judged": judged}


def choose(rows: Iterable[Row]) -> dict[str, float]:
    """Returns the factor that is taken for everything that was tried."""
    chosen = {}
    for what, some in group(rows, "what").items():
        success = _means(some, "factor")
        best = max(success.values())
        judged = sum(row["judged"] for row in some) / len(success)
        near = (best * judged + 2) / (judged + 4)  # Agresti and Coull's: a share of 100% is not certain either
        error = math.sqrt(near * (1 - near) / (judged + 4))
        chosen[what] = min(factor for factor, share in success.items() if share >= best - error)
    return chosen


def _means(rows: list[Row], key: str) -> dict[float, float]:
    """Returns the mean success by value of a key."""
    return {value: float(np.mean([row["success"] for row in some])) for value, some in group(rows, key).items()}


COLORS = {
    "pre-trained": STAGE_COLORS["finetuned"],
    "from scratch": RANDOM,
    "agent": STAGE_COLORS["finetuned"],
    "random": RANDOM,
    "all": STAGE_COLORS["aligned"],
    "adapters": "#2a9d8f",
    "head": "#7b6fb0",
}
WORDS = {
    "pre-trained": "fine-tuning the pre-trained agent",
    "from scratch": "fine-tuning from random weights",
    "agent": "tuning a reward model from the agent's weights",
    "random": "tuning a reward model from random weights",
    "all": "aligning all weights",
    "adapters": "aligning low-rank adapters",
    "head": "aligning the action head",
}
PANELS = {
    "fine-tuned: reaches a pad": ("pre-trained", "from scratch"),
    "reward model: tells comparisons": ("agent", "random"),
    "aligned: goes left": rates.PARTS,
}


def draw(rows: list[Row]) -> Figure:
    """Draws success against the learning rate, a ring around what is taken."""
    found, chosen = group(rows, "what"), choose(rows)
    with subplots(3.4, 1, len(PANELS), share_y="all") as (figure, grid):
        for axes, (title, shown) in zip(grid.flat, PANELS.items(), strict=True):
            some = {what: found[what] for what in shown if what in found}
            for what, tried in some.items():
                draw_line(axes, tried, "learning_rate", "success", COLORS[what])
                rate = next(row["learning_rate"] for row in tried if row["factor"] == chosen[what])
                success = _means(tried, "factor")[chosen[what]]
                ring = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": COLORS[what]}
                axes.plot(rate, success, "o", clip_on=False, **ring)
            axes.set(title=title, xlabel="learning rate")
            if some:
                number_axis(axes, (row["learning_rate"] for tried in some.values() for row in tried))
        percent_axis(grid[0, 0], "validation", -AIR)
        names = {"agent's weights": STAGE_COLORS["finetuned"], "random weights": RANDOM}
        names |= {"all weights" if part == "all" else part: COLORS[part] for part in rates.PARTS}
        figure.legend(handles=[handle(color, name) for name, color in names.items()], loc="outside upper left", ncols=5)
        judged = span(row["judged"] for row in rows)
        seeds = listed(str(seed) for seed in group(rows, "seed"))
        note(figure, f"validation seed {seeds}, {judged} episodes or comparisons per point; rings: taken. Means over "
             "two numbers of demonstrations, and over two labels.")  # fmt: skip
        return figure


def table(rows: list[Row]) -> Table:
    """Tabulates the rate that is chosen, and what it and the best of the grid reach."""
    chosen, lines = choose(rows), []
    for what, some in group(rows, "what").items():
        success = _means(some, "learning_rate")
        rate = next(row["learning_rate"] for row in some if row["factor"] == chosen[what])
        found = {"rate": rate, "success": success[rate], "best": max(success.values())}
        lines.append(Line(WORDS[what], [{"seed": some[0]["seed"], **found}]))
    columns = (
        Column("chosen rate", "rate", share=False, digits=5),
        Column("success with it", "success"),
        Column("best success in the grid", "best"),
    )
    return tabulate(lines, columns)


EXPERIMENT = Experiment(
    title="Learning rates",
    question=(
        "Which learning rate suits what other experiments compare? Of the rates within a standard error of "
        "the best, the smallest is chosen."
    ),
    paper="",
    measure=measure,
    own_seconds=440,
    draw=draw,
    table=table,
    remark="One validation seed, which no other experiment reports; success alone decides, not what is forgotten.",
    validation=True,
)
