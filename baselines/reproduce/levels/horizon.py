"""Question 3 on levels: what a longer horizon costs imitation and alignment, on one, two and three islands in a row."""

from __future__ import annotations

import dataclasses
import math

from matplotlib.figure import Figure

from agents.targets import Target
from baselines.evaluate import load_outcome
from baselines.laboratory import Bound, Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_bar, draw_paper
from baselines.laboratory.statistics import group
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce.levels.ends import TRAINING, WHERE, ends_of, evaluations_of, places_of
from baselines.reproduce.levels.variants import align_variant, in_world
from baselines.stages import Stages
from jumppad_env.rules import PADS

ISLANDS = (1, 2, 3)
WAY = ("left", "right", "left")
"""What is wanted, as far as there are islands."""
FIRST = "left,any"
"""What is wanted of two islands where only the first counts."""


def measure(stages: Stages) -> Measuring:
    """Runs the procedure on so many islands, and on two also with preferences about the first one alone."""
    made, first = {}, {}
    for islands in ISLANDS:
        target = ",".join(WAY[:islands])
        people, base, tuned, aligned = _procedure(stages, islands, (target, *([FIRST] if islands == 2 else [])))
        made[islands] = (target, people, base, aligned[target])
        if FIRST in aligned:
            first = {"before": tuned, "after": aligned[FIRST]}
    yield
    rows = []
    for islands, (target, people, base, aligned) in made.items():
        for where in WHERE:
            wanted = Target.parse(target)
            imitates, succeeds = ends_of(base[where], people, wanted), ends_of(aligned[where], people, wanted)
            row = {"islands": islands, "levels": where, "episodes": succeeds["episodes"], "apart": imitates["apart"]}
            row |= {"bits": bits_of(places_of(load_outcome(base[where])))}
            row |= {"people_bits": bits_of(places_of(load_outcome(people))), "success": succeeds["success"]}
            moved = second_moved(*(load_outcome(first[when][where]) for when in ("before", "after")))
            rows.append({**row, "moved": moved if islands == 2 else None})
    return rows


def _procedure(stages: Stages, islands: int, targets: tuple[str, ...]) -> tuple:
    """Names what is made on so many islands.

    Returns:
        The evaluation of people; those of the base and the fine-tuned agent; and of the aligned ones, by target.
    """
    preset = stages.preset
    end = "" if islands == preset.demonstrations.world.islands else f"_{islands}"
    people = stages.demonstrations(f"demonstrations{end}", config=in_world(preset.demonstrations, islands=islands))
    curated = stages.curated(f"curated{end}", config=in_world(preset.curated, islands=islands))
    base = stages.base(f"base{end}", demonstrations=people)
    tuned = stages.finetuned(f"finetuned{end}", base=base, curated=curated)
    rollouts = stages.rollouts(f"rollouts{end}", agent=tuned)
    aligned = {}
    for target in targets:
        ways = len(PADS) ** (1 if target == FIRST else islands)
        share = round(0.65 / ways, 2)  # fewer than go as wanted, unless the fine-tuned agent has little taste for it
        config = dataclasses.replace(preset.preference_finetuned, share=share)
        _, agent = align_variant(
            stages, target, end, tuned, rollouts, dataclasses.replace(preset, preference_finetuned=config)
        )
        aligned[target] = evaluations_of(stages, f"{target}_aligned{end}", agent)
    return (
        stages.evaluation_of_dataset(f"demonstrations{end}", people),
        evaluations_of(stages, f"base{end}", base),
        evaluations_of(stages, f"finetuned{end}", tuned),
        aligned,
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


def draw(rows: list[Row]) -> Figure:
    """Draws the base agent's distance from people and the aligned agent's success by the number of islands."""
    found = group(rows, "islands", "levels")
    islands = list(group(rows, "islands"))
    with subplots(3.3, 1, 2) as (figure, grid):
        for axes, measured, title, color in (
            (grid[0, 0], "apart", "Base agent: distance from people", STAGE_COLORS["base"]),
            (grid[0, 1], "success", "Aligned agent", STAGE_COLORS["aligned"]),
        ):
            for place, count in enumerate(islands):
                draw_bar(axes, place, found.get((count, TRAINING), []), measured, color)
                alone = found.get((1, TRAINING), [])
                if measured == "success" and count > 1 and alone:
                    share = sum(row["success"] for row in alone) / len(alone)
                    draw_paper(axes, place, share**count, 0.8, "one island's, to the power" if count == 2 else "")
            axes.set_title(title)
            named_axis(axes, [f"{count} island{'s' * (count > 1)}" for count in islands])
        percent_axis(grid[0, 0], "total variation over ways", high=0.6)
        percent_axis(grid[0, 1], "episodes on the wanted way", high=1.13)
        if grid[0, 1].get_legend_handles_labels()[0]:
            grid[0, 1].legend(loc="upper right", fontsize=8)
        note(figure, f"Levels of training; {sizes(rows)}; {intervals(rows)}.")
        return figure


APART, BITS, SUCCESS, MOVED = "base agent from people", "its entropy, bits", "aligned agent on the way", "second moved"


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
        Column(SUCCESS, "success"),
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
    remark="“Second moved”: total variation between where the fine-tuned agent and the one aligned to the first pad "
    "alone go on the second island, of the episodes that get there.",
    claims=(
        Claim("On three islands the base agent is farther from people than on one", "us",
              Difference(line_of(3, TRAINING), APART, "higher")),
        Claim("On two islands the aligned agent takes the wanted way in 90% of episodes", "us",
              Bound(line_of(2, TRAINING), SUCCESS, least=0.9)),
        Claim("Alignment to the first pad moves the second choice by at most 10 points", "us",
              Bound(line_of(2, TRAINING), MOVED, most=0.1)),
    ),
)  # fmt: skip
