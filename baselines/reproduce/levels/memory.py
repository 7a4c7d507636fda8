"""Question 4 on levels: how much context an agent needs to remember a flag that it sees only near its spawn."""

from __future__ import annotations

import dataclasses

from matplotlib.figure import Figure

from agents.targets import FLAG, Target
from baselines.artifact import load_manifest
from baselines.evaluate import load_outcome
from baselines.laboratory import Bound, Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_bar, draw_paper
from baselines.laboratory.statistics import group
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce.levels.ends import UNSEEN, WHERE, evaluations_of
from baselines.reproduce.levels.variants import align_variant, in_world
from baselines.stages import Stages

CONTEXTS = (8, 32, 100)
"""Steps that each layer sees, of 0.1 s; 100 are a whole episode."""
TARGET = Target((FLAG,))
PEOPLE = "people"


def measure(stages: Stages) -> Measuring:
    """Imitates people most of whom follow the flag, and aligns to following it, with each context."""
    preset = stages.preset
    followers = dataclasses.replace(in_world(preset.demonstrations, cue=True), population="followers")
    people = stages.demonstrations("demonstrations_flag", config=followers)
    curated = stages.curated("curated_flag", config=in_world(preset.curated, cue=True))
    reward_model = dataclasses.replace(preset.reward_model, token=None)  # the last step does not see the flag
    judging = dataclasses.replace(preset, reward_model=reward_model)
    made = {}
    for context in CONTEXTS:
        end, network = f"_flag_{context}", dataclasses.replace(preset.base.network, context=context)
        base = stages.base(
            f"base{end}", config=dataclasses.replace(preset.base, network=network), demonstrations=people
        )
        tuned = stages.finetuned(f"finetuned{end}", base=base, curated=curated)
        rollouts = stages.rollouts(f"rollouts{end}", agent=tuned)
        judge, aligned = align_variant(stages, FLAG, end, tuned, rollouts, judging)
        made[context] = (
            evaluations_of(stages, f"base{end}", base),
            evaluations_of(stages, f"{FLAG}_aligned{end}", aligned),
            judge,
        )
    known = stages.evaluation_of_dataset("demonstrations_flag", people)
    yield
    followed = _follows(load_outcome(known))
    rows = []
    for context, (imitates, succeeds, judge) in made.items():
        for where in WHERE:
            outcome = load_outcome(succeeds[where])
            row = {"context": context, "levels": where, "episodes": outcome["episodes"], PEOPLE: followed}
            row |= {"follows": _follows(load_outcome(imitates[where])), "success": TARGET.share(outcome)}
            rows.append({**row, "accuracy": load_manifest(judge, "reward_model")["metrics"]["accuracy"]})
    return rows


def _follows(outcome: dict) -> float:
    """Returns the share of episodes at the pad that the flag showed, of those that reach one."""
    return TARGET.share(outcome) / max(1.0 - outcome["none"], 1e-9)


def draw(rows: list[Row]) -> Figure:
    """Draws how often base and aligned agents follow the flag on unseen levels, by context."""
    contexts = group([row for row in rows if row["levels"] == UNSEEN], "context")
    with subplots(3.3, 1, 2) as (figure, grid):
        for axes, measured, title, color in (
            (grid[0, 0], "follows", "Base agent, of episodes that reach a pad", STAGE_COLORS["base"]),
            (grid[0, 1], "success", "Aligned to the flag", STAGE_COLORS["aligned"]),
        ):
            for place, some in enumerate(contexts.values()):
                draw_bar(axes, place, some, measured, color)
                if measured == "follows":
                    share = sum(row[PEOPLE] for row in some) / len(some)
                    draw_paper(axes, place, share, 0.8, "" if place else "people")
            axes.axhline(1 / 3, color="#1c2126", linewidth=0.8, linestyle=":")
            axes.set_title(title)
            named_axis(axes, [f"context {context}" for context in contexts])
            percent_axis(axes, "at the flag's pad", high=1.13)
        grid[0, 0].legend(loc="upper right", fontsize=8)
        note(figure, f"Unseen levels; dotted line: chance among three pads; {sizes(rows)}; {intervals(rows)}.")
        return figure


FOLLOWS, ACCURACY, SUCCESS = "base agent follows", "reward model's accuracy", "aligned agent follows"


def line_of(context: int, where: str = UNSEEN) -> str:
    """Returns the name of a line of the table."""
    return f"context {context}, {where} levels"


def table(rows: list[Row]) -> Table:
    """Tabulates each context, against the shortest."""
    found = group(rows, "context", "levels")
    lines = [
        Line(line_of(context, where), some, found.get((CONTEXTS[0], where), []) if context > CONTEXTS[0] else ())
        for (context, where), some in found.items()
    ]
    columns = (Column(FOLLOWS, "follows"), Column(ACCURACY, "accuracy"), Column(SUCCESS, "success"))
    return tabulate(lines, columns, f"context {CONTEXTS[0]}")


EXPERIMENT = Experiment(
    title="Memory: following a flag",
    question="A flag near the spawn shows the color of one pad. Do agents that imitate people who follow it, or that "
    "are aligned to follow it, remember it, by the number of steps that they see at once?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    presets=("islands",),
    remark="The base agent's share is of the episodes that reach a pad.",
    claims=(
        Claim("A context of 32 steps follows the flag more often than one of 8", "us",
              Difference(line_of(32), FOLLOWS, "higher")),
        Claim("A context of 100 steps aligned to the flag follows it in 90% of episodes on unseen levels", "us",
              Bound(line_of(100), SUCCESS, least=0.9)),
    ),
)  # fmt: skip
