"""Question 3 on levels: what a longer horizon costs imitation and alignment, on one, two and three islands in a row."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from agents.targets import Target
from baselines.evaluate import load_outcome
from baselines.laboratory import Bound, Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, tabulate
from baselines.laboratory.axes import handle, intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_bar, draw_paper
from baselines.laboratory.statistics import group
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce.levels.ends import TRAINING, WHERE, ends_of, evaluations_of, places_of
from baselines.reproduce.levels.variants import Variant, align_variant, in_world
from baselines.stages import Stages
from jumppad_env.rules import PADS

ISLANDS = (1, 2, 3)
WAY = ("left", "right", "left")
"""What is wanted, as far as there are islands."""
LOOSE = 0.01
"""A weak KL term, as on the classic island: its coefficient."""
FIRST = "left,any"
"""What is wanted of two islands where only the first counts."""


class Made(NamedTuple):
    """What is made on so many islands: evaluations by the levels that are played on."""

    target: Target
    people: Path
    base: dict[str, Path]
    tuned: dict[str, Path]
    preferred: dict[str, Path]
    """Of the agent that imitates preferred episodes, before it is reinforced."""
    aligned: dict[str, Path]
    loose: dict[str, Path]
    """Of the agent that is reinforced with a weak KL term."""
    first: dict[str, Path]
    """Of the agent that is aligned to the first pad alone; on two islands only."""


def measure(stages: Stages) -> Measuring:
    """Runs the procedure on so many islands, and on two also with preferences about the first one alone."""
    everything = {islands: _procedure(stages, islands) for islands in ISLANDS}
    yield
    rows = []
    for islands, made in everything.items():
        for where in WHERE:
            imitates, succeeds = (ends_of(one[where], made.people, made.target) for one in (made.base, made.aligned))
            row = {"islands": islands, "levels": where, "episodes": succeeds["episodes"], "apart": imitates["apart"]}
            row |= {"bits": bits_of(places_of(load_outcome(made.base[where])))}
            row |= {"people_bits": bits_of(places_of(load_outcome(made.people)))}
            row |= {"preferred": made.target.share(load_outcome(made.preferred[where])), "success": succeeds["success"]}
            row |= {"loose": made.target.share(load_outcome(made.loose[where]))}
            moved = None
            if made.first:
                moved = second_moved(*(load_outcome(one[where]) for one in (made.tuned, made.first)))
            rows.append({**row, "moved": moved})
    return rows


def _procedure(stages: Stages, islands: int) -> Made:
    """Names what is made on so many islands."""
    preset = stages.preset
    end = "" if islands == preset.demonstrations.world.islands else f"_{islands}"
    people = stages.demonstrations(f"demonstrations{end}", config=in_world(preset.demonstrations, islands=islands))
    curated = stages.curated(f"curated{end}", config=in_world(preset.curated, islands=islands))
    base = stages.base(f"base{end}", demonstrations=people)
    tuned = stages.finetuned(f"finetuned{end}", base=base, curated=curated)
    rollouts = stages.rollouts(f"rollouts{end}", agent=tuned)

    def align(target: str, pads: int) -> Variant:
        share = round(0.65 / len(PADS) ** pads, 2)  # fewer go as wanted, unless the agent has little taste for it
        config = dataclasses.replace(preset.preference_finetuned, share=share)
        asked = dataclasses.replace(preset, preference_finetuned=config)
        return align_variant(stages, target, end, tuned, rollouts, asked)

    target = ",".join(WAY[:islands])
    whole, first = align(target, islands), align(FIRST, 1) if islands == 2 else None
    config = dataclasses.replace(preset.aligned, kl_coefficient=LOOSE)
    loose = stages.aligned(target, f"loose{end}", config=config, agent=whole.preferred, reward_model=whole.judge)
    return Made(
        Target.parse(target),
        stages.evaluation_of_dataset(f"demonstrations{end}", people),
        evaluations_of(stages, f"base{end}", base),
        evaluations_of(stages, f"finetuned{end}", tuned),
        evaluations_of(stages, f"{target}_preference_finetuned{end}", whole.preferred),
        evaluations_of(stages, f"{target}_aligned{end}", whole.aligned),
        evaluations_of(stages, f"{target}_loose{end}", loose),
        {} if first is None else evaluations_of(stages, f"{FIRST}_aligned{end}", first.aligned),
    )


def bits_of(shares: dict[str, float]) -> float:
    """Returns the entropy of shares, in bits."""
    return -sum(share * math.log2(share) for share in shares.values() if share > 0)


def second_moved(before: dict, after: dict) -> float:
    """Returns the total variation distance between the second choices of two agents, of episodes that come to one."""
    found = []
    for outcome in (before, after):
        shares: dict[str, float] = dict.fromkeys((*PADS, "..."), 0.0)
        for way, share in places_of(outcome).items():
            first, comma, second = way.partition(", ")
            if comma and first != "...":
                shares[second] += share
        total = sum(shares.values())
        found.append({name: share / total if total else 0.0 for name, share in shares.items()})
    return 0.5 * sum(abs(found[0][name] - found[1][name]) for name in found[0])


BARS = {
    "preferred": ("imitates preferred episodes", STAGE_COLORS["preference_finetuned"]),
    "success": ("then reinforced", STAGE_COLORS["aligned"]),
    "loose": ("reinforced with a weak KL term", "#9aa3ad"),
}


def draw(rows: list[Row]) -> Figure:
    """Draws the base agent's distance from people and success before and after reinforcement, by number of islands."""
    found = group(rows, "islands", "levels")
    islands = list(group(rows, "islands"))
    with subplots(3.3, 1, 2) as (figure, grid):
        apart, success = grid[0]
        alone = found.get((1, TRAINING), [])
        for place, count in enumerate(islands):
            some = found.get((count, TRAINING), [])
            draw_bar(apart, place, some, "apart", STAGE_COLORS["base"])
            for shift, (measured, (_, color)) in zip((-0.27, 0.0, 0.27), BARS.items(), strict=True):
                draw_bar(success, place + shift, some, measured, color, width=0.24, fontsize=8)
            if count > 1 and alone:
                share = sum(row["preferred"] for row in alone) / len(alone)
                draw_paper(success, place, share**count, 0.8, "one island's, to the power" if count == 2 else "")
        apart.set_title("Base agent: distance from people")
        success.set_title("Agents aligned to the wanted way")
        for axes in (apart, success):
            named_axis(axes, [f"{count} island{'s' * (count > 1)}" for count in islands])
        percent_axis(apart, "total variation over ways", high=0.6)
        percent_axis(success, "episodes on the wanted way", high=1.65)
        success.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
        handles = [handle(color, text, "") for text, color in BARS.values()]
        success.legend(handles=[*handles, *success.get_legend_handles_labels()[0]], loc="upper right", fontsize=8)
        note(figure, f"Levels of training; {sizes(rows)}; {intervals(rows)}.")
        return figure


APART, BITS, MOVED = "base agent from people", "its entropy, bits", "second moved"
PREFERRED, SUCCESS, WEAK = "imitates preferred, on the way", "reinforced, on the way", "with a weak KL term"


def line_of(islands: int, where: str) -> str:
    """Returns the name of a line of the table."""
    return f"{islands} island{'s' * (islands > 1)}, {where} levels"


def table(rows: list[Row]) -> Table:
    """Tabulates each number of islands, against one."""
    found = group(rows, "islands", "levels")
    lines = [
        Line(line_of(islands, where), some, found.get((1, where), []) if islands > 1 else ())
        for (islands, where), some in found.items()
    ]
    columns = (
        Column(APART, "apart"),
        Column("people's entropy, bits", "people_bits", share=False, digits=2, compared=False),
        Column(BITS, "bits", share=False, digits=2, compared=False),
        Column(PREFERRED, "preferred"),
        Column(SUCCESS, "success"),
        Column(WEAK, "loose", compared=False),
        Column(MOVED, "moved", compared=False),
    )
    return tabulate(lines, columns, "one island")


EXPERIMENT = Experiment(
    title="Horizon: one, two and three islands",
    question="Do the modes of people survive imitation on longer ways? What does alignment to a whole way cost? Does "
    "alignment to the first pad move what the agent does on the second island?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    presets=("chain",),
    remark="All reward models read the mean over all steps, for the last one does not show which way the first island "
    "was left. Such a score can be had without arriving: with a weak KL term (0.01 instead of 0.2) agents may learn to "
    "stand before the lanes and to look where views score well. “Second moved”: total variation between where the "
    "fine-tuned agent and the one aligned to the first pad alone go on the second island, of episodes that get there.",
    claims=(
        Claim("On three islands the base agent is farther from people than on one", "us",
              Difference(line_of(3, TRAINING), APART, "higher")),
        Claim("An agent that imitates preferred episodes takes a way over three islands less often than one pad", "us",
              Difference(line_of(3, TRAINING), PREFERRED, "lower")),
        Claim("On one island the reinforced agent goes left in 90% of episodes", "us",
              Bound(line_of(1, TRAINING), SUCCESS, least=0.9)),
        Claim("On two islands it takes the wanted way in 90% of episodes", "us",
              Bound(line_of(2, TRAINING), SUCCESS, least=0.9)),
        Claim("On three islands it takes the wanted way in 90% of episodes", "us",
              Bound(line_of(3, TRAINING), SUCCESS, least=0.9)),
        Claim("With a weak KL term the reinforced agent still goes left in 90% on one island", "us",
              Bound(line_of(1, TRAINING), WEAK, least=0.9)),
        Claim("Alignment to the first pad moves the second choice by at most 10 points", "us",
              Bound(line_of(2, TRAINING), MOVED, most=0.1)),
    ),
)  # fmt: skip
