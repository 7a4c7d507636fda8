"""The alignment tax: how often agents return after a forced miss, by stage and method."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from agents.collect import CollectConfig
from agents.figures.style import MUTED
from baselines.align import AlignConfig
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
from baselines.laboratory.axes import intervals, note, probed, sizes, subplots
from baselines.laboratory.marks import ends
from baselines.laboratory.measuring import Evaluated, Probe, evaluated
from baselines.laboratory.statistics import estimate, is_split, over_seeds, per_seed
from baselines.report.palette import KIND_TITLES, STAGE_COLORS
from baselines.reproduce import rates
from baselines.stages import Stages
from jumppad_env.rules import PADS

PLAIN = "all weights"
"""The method that the others are compared with: the preset's, which trains all weights in alignment."""
RECOVERIES = 100
"""Demonstrations per pad in which people miss it and return."""
IMITATION = 0.02
"""Weight of imitating demonstrations during alignment."""
FORCED = 0.5
"""Share of alignment's episodes in which a miss is forced."""


def measure(stages: Stages) -> Measuring:
    """Probes every stage, and agents aligned to the left in ways that may forget less."""
    evaluations: dict[tuple[str, str], Evaluated] = {}

    def add(method: str, stage: str, name: str, agent: Path) -> None:
        target = "left" if name.startswith("left") else None
        probes: tuple[Probe, ...] = ("forced_miss", "odd_start")
        evaluations[method, stage] = evaluated(stages, name, agent, target=target, probes=probes)

    add(PLAIN, "base", "base", stages.base())
    add(PLAIN, "finetuned", "finetuned", stages.finetuned())
    add(PLAIN, "preference_finetuned", "left_preference_finetuned", stages.preference_finetuned("left"))
    add(PLAIN, "aligned", "left_aligned", stages.aligned("left"))

    config = stages.preset.aligned
    early = dataclasses.replace(config.optimizer, updates=max(1, config.optimizer.updates * 2 // 5))
    variants: dict[str, tuple[str, AlignConfig]] = {
        "KL x 10": ("kl", dataclasses.replace(config, kl_coefficient=10 * config.kl_coefficient)),
        "fewer updates": ("early", dataclasses.replace(config, optimizer=early)),
        "head alone, as the paper": ("head", rates.at_rate(config, "head", trained="head")),
        "adapters": ("adapters", rates.at_rate(config, "adapters", trained="adapters")),
        "misses forced": ("misses", dataclasses.replace(config, forced_misses=FORCED)),
    }
    for method, (suffix, changed) in variants.items():
        agent = stages.aligned("left", f"aligned_{suffix}", config=changed)
        add(method, "aligned", f"left_aligned_{suffix}", agent)

    mixes = (("pre-training", "mixed", stages.demonstrations()), ("returns", "returns", returns(stages)))
    for what, suffix, data in mixes:
        method = f"{what} mixed in"
        tuned = stages.finetuned(f"finetuned_{suffix}", mixed=data)
        preferred = stages.preference_finetuned("left", f"preference_finetuned_{suffix}", agent=tuned, mixed=data)
        mixing = dataclasses.replace(config, imitation_coefficient=IMITATION)
        agent = stages.aligned("left", f"aligned_{suffix}", config=mixing, agent=preferred, demonstrations=data)
        add(method, "finetuned", f"finetuned_{suffix}", tuned)
        add(method, "preference_finetuned", f"left_preference_finetuned_{suffix}", preferred)
        add(method, "aligned", f"left_aligned_{suffix}", agent)
    yield
    return [
        {"method": method, "stage": stage, **evaluation.read()} for (method, stage), evaluation in evaluations.items()
    ]


def returns(stages: Stages) -> Path:
    """Returns a dataset of people who miss a pad, turn around and return."""
    parts, size = [], stages.preset.curated.image_size
    for pad in PADS:
        config = CollectConfig(episodes=RECOVERIES, population=f"miss_{pad}", image_size=size)
        parts.append(stages.demonstrations(f"returns_{pad}", config=config))
    return stages.merged("returns", *parts)


GOAL_SUCCESS, GOAL_RETURNS = 0.98, 0.6
"""Shares of episodes that go left, and of forced misses after which the agent returns to the left pad."""
SUCCESS, RETURNS, ANY = "goes left", "returns to the left pad", "returns to any pad"
ODD = "left pad from an odd start"


def conditions(rows: list[Row]) -> dict[str, list[Row]]:
    """Returns the rows of each condition: the stages of the plain method, then the aligned agent of every other."""
    found = {}
    for (method, stage), some in group(rows, "method", "stage").items():
        if method == PLAIN:
            found[KIND_TITLES[stage] + f", {PLAIN}" * (stage == "aligned")] = some
        elif stage == "aligned":
            found[method] = some
    return found


def table(rows: list[Row]) -> Table:
    """Tabulates success and returns, of other methods against the plain one, and of that against the stage before."""
    found = conditions(rows)
    plain = found.get(f"{KIND_TITLES['aligned']}, {PLAIN}", [])
    before = found.get(KIND_TITLES["preference_finetuned"], [])
    lines = [
        Line(name, some, () if name in COLORS else before if some is plain else plain) for name, some in found.items()
    ]
    columns = (
        Column(SUCCESS, "left"),
        Column(RETURNS, "forced_miss_at_target"),
        Column(ANY, "forced_miss", compared=False),
        Column(ODD, "odd_start_at_target", compared=False),
    )
    reference = "the agent aligned with all weights, and of that agent to the preference fine-tuned one"
    return tabulate(lines, columns, reference)


PANELS = {"left": (SUCCESS, GOAL_SUCCESS), "forced_miss_at_target": (RETURNS, GOAL_RETURNS)}
STRETCH = 1.02
"""The axis of success is logarithmic in how much is missing to this share, so that 95% and 98% lie apart."""


def draw(rows: list[Row]) -> Figure:
    """Draws success and returns side by side, a line for every condition and a dot for every seed."""
    found = conditions(rows)
    with subplots(1.5 + 0.3 * len(found), 1, 2, share_y="all") as (figure, grid):
        success, back = grid.flat
        success.set_xscale("function", functions=(_stretch, _shrink))
        success.set(xlim=(0, 1.004), xlabel="episodes (stretched towards 100%)")
        success.set_xticks([0, 0.5, 0.75, 0.9, 0.95, 0.98, 1.0], minor=False)
        success.set_yticks(range(len(found)), list(found))
        success.set_ylim(len(found) - 0.5, -0.5)
        back.set(xlim=(-0.03, 1.03), xlabel="forced misses")
        for axes, (key, (title, goal)) in zip(grid.flat, PANELS.items(), strict=True):
            axes.axvline(goal, color=MUTED, linewidth=1, linestyle="--", zorder=1)
            axes.set_title(f"{title} (goal: {goal:.0%})")
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            axes.grid(visible=False, axis="y")
            for y, (name, some) in enumerate(found.items()):
                color = COLORS.get(name, STAGE_COLORS["aligned"])
                if axes is back:
                    anywhere = over_seeds(some, "forced_miss").mean
                    axes.plot(anywhere, y, "o", markersize=6.5, markerfacecolor="white", markeredgecolor=color)
                _draw_seeds(axes, y, list(per_seed(some, key).values()), color)
        size = f"{sizes(rows)}; {probed(rows, 'forced_miss')}"
        note(figure, f"{size}; small dots: seeds, large: their mean; {intervals(rows)}.\n"
             "Rings: mean of returns to any pad; base and fine-tuned agents have no target of their own.")  # fmt: skip
        return figure


COLORS = {title: STAGE_COLORS[stage] for stage, title in KIND_TITLES.items() if stage != "aligned"}


def _draw_seeds(axes: Axes, y: float, shares: list[float], color: str) -> None:
    """Draws a dot per seed, and their mean with its interval where a mean describes them."""
    axes.plot(shares, [y] * len(shares), "o", color=color, alpha=0.45, markersize=3.5, markeredgewidth=0)
    if shares and not is_split(shares):
        mean = estimate(shares)
        axes.hlines(y, *ends(mean), colors=color, linewidth=1.3)
        axes.plot(mean.mean, y, "o", color=color, markersize=6.5, zorder=5)


def _stretch(share: np.ndarray) -> np.ndarray:
    return -np.log10(np.maximum(STRETCH - np.asarray(share, dtype=float), 1e-3))


def _shrink(place: np.ndarray) -> np.ndarray:
    return STRETCH - 10.0 ** -np.asarray(place, dtype=float)


REMEDIES = {
    "returns mixed in": "Imitating people who return, during alignment,",
    "misses forced": "Forcing misses during alignment",
}


EXPERIMENT = Experiment(
    title="The alignment tax",
    question=(
        "An agent about to reach a pad is made to miss it. Does it return to its own pad, and what preserves "
        f"that during alignment? The goal: {GOAL_SUCCESS:.0%} left, {GOAL_RETURNS:.0%} returns."
    ),
    paper="Gives no number; observes that a pre-trained agent turns around and comes back, before alignment.",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Alignment has a tax: fewer returns to the agent's own pad",
            "us",
            Difference(f"{KIND_TITLES['aligned']}, {PLAIN}", RETURNS, "lower"),
        ),
        *(
            Claim(f"{words} preserves those returns", "us", Difference(method, RETURNS, "higher"))
            for method, words in REMEDIES.items()
        ),
        *(
            Claim(
                f"{words} reaches the goal",
                "us",
                Bound(method, SUCCESS, least=GOAL_SUCCESS),
                also=Bound(method, RETURNS, least=GOAL_RETURNS),
            )
            for method, words in REMEDIES.items()
        ),
    ),
    remark="*Misses forced* trains on its own probe; no strength was tuned. Any pad includes sliding into another one.",
)
