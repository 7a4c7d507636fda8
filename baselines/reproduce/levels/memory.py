"""Question 4 on levels: how much context an agent needs to remember a flag that it sees only near its spawn."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from matplotlib.figure import Figure

from agents.dataset import Dataset
from agents.figures.palette import WAY_COLORS
from agents.figures.style import INK
from agents.targets import FLAG, Target
from baselines.artifact import load_manifest
from baselines.evaluate import load_outcome
from baselines.laboratory import Bound, Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_bar, draw_line, draw_paper
from baselines.laboratory.statistics import group
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce.levels.ends import TRAINING, UNSEEN, WHERE, evaluations_of
from baselines.reproduce.levels.reading import flag_read
from baselines.reproduce.levels.variants import align_variant, in_world
from baselines.stages import Stages

TARGET = Target((FLAG,))
PEOPLE = "people"
READ_AT = (0, 5, 10, 20)
"""Control steps at which the flag's color is read off the hidden state. Later, where people run tells of it too."""


class Arm(NamedTuple):
    """An agent, and the people that it imitates."""

    context: int = 100
    """Steps that each layer sees, of 0.1 s; 100 are a whole episode."""
    population: str = "direct_flag"
    """All of "direct_flag" follow the flag, and run straight to its pad; most of "followers" do."""
    tied: bool = True
    """Whether the colors of pads follow their places, so that the flag names a place."""
    aligned: bool = False

    def __str__(self) -> str:
        changed = [] if self.population == "direct_flag" else ["most follow"]
        return ", ".join([*changed, *([] if self.tied else ["colors shuffled"])]) or f"context {self.context}"


ARMS = (
    Arm(8),
    Arm(32),
    Arm(aligned=True),
    Arm(population="followers"),
    Arm(tied=False),
    Arm(population="followers", tied=False),
)
WHOLE = ARMS[2]
"""What the others are compared with."""
LINES = (*WAY_COLORS, "#69737d")
"""Colors of the agents, of no meaning."""


def measure(stages: Stages) -> Measuring:
    """Imitates people who follow the flag, reads it off the agents' states, and aligns one to following it."""
    preset = stages.preset
    reward_model = dataclasses.replace(preset.reward_model, token=None)  # the last step does not see the flag
    judging = dataclasses.replace(preset, reward_model=reward_model)
    made = {}
    for arm in ARMS:
        world = {"cue": True, "color_tie": float(arm.tied)}
        sort = f"{'tied' if arm.tied else 'shuffled'}_{arm.population}"
        name, end = f"demonstrations_{sort}", f"_{sort}_{arm.context}"
        shown = dataclasses.replace(in_world(preset.demonstrations, **world), population=arm.population)
        people = stages.demonstrations(name, config=shown)
        network = dataclasses.replace(preset.base.network, context=arm.context)
        config = dataclasses.replace(preset.base, network=network)
        base = stages.base(f"base{end}", config=config, demonstrations=people)
        judge, succeeds = None, {}
        if arm.aligned:
            curated = stages.curated(f"curated_{sort}", config=in_world(preset.curated, **world))
            tuned = stages.finetuned(f"finetuned{end}", base=base, curated=curated)
            rollouts = stages.rollouts(f"rollouts{end}", agent=tuned)
            variant = align_variant(stages, FLAG, end, tuned, rollouts, judging)
            judge, succeeds = variant.judge, evaluations_of(stages, f"{FLAG}_aligned{end}", variant.aligned)
        known = stages.evaluation_of_dataset(name, people)
        made[arm] = (people, known, base, evaluations_of(stages, f"base{end}", base), judge, succeeds)
    yield
    rows = []
    for arm, (people, known, base, imitates, judge, succeeds) in made.items():
        read = flag_read(base, Dataset(people), READ_AT)
        accuracy = None if judge is None else load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        for where in WHERE:
            outcome = load_outcome(imitates[where])
            row = {"arm": str(arm), "levels": where, "episodes": outcome["episodes"]}
            row |= {PEOPLE: _follows(load_outcome(known)), "follows": _follows(outcome), "accuracy": accuracy}
            row |= {"kept": row["follows"] / row[PEOPLE] if row[PEOPLE] else None}
            shown = read if where == TRAINING else [None] * len(read)  # off episodes of people on levels of training
            row |= {f"read_{step}": share for step, share in zip(READ_AT, shown, strict=True)}
            rows.append({**row, "success": TARGET.share(load_outcome(succeeds[where])) if succeeds else None})
    return rows


def _follows(outcome: dict) -> float:
    """Returns the share of episodes at the pad that the flag showed, of those that reach one."""
    return TARGET.share(outcome) / max(1.0 - outcome["none"], 1e-9)


def draw(rows: list[Row]) -> Figure:
    """Draws how often agents follow the flag on unseen levels, and for how long their states tell its color."""
    arms, training = (group([row for row in rows if row["levels"] == where], "arm") for where in (UNSEEN, TRAINING))
    with subplots(3.3, 1, 2) as (figure, grid):
        follow, read = grid[0]
        for place, some in enumerate(arms.values()):
            draw_bar(follow, place, some, "follows", STAGE_COLORS["base"])
            draw_paper(follow, place, sum(row[PEOPLE] for row in some) / len(some), 0.8, "" if place else PEOPLE)
        aligned = [row for row in rows if row["levels"] == UNSEEN and row["success"] is not None]
        draw_bar(follow, len(arms), aligned, "success", STAGE_COLORS["aligned"])
        follow.set_title("Who follows the flag")
        names = [*arms, f"aligned, {WHOLE}"]
        named_axis(follow, [name.replace(", ", ",\n").replace(" ", "\n") for name in names])
        percent_axis(follow, "at the flag's pad", high=1.3)
        follow.legend(loc="upper left", fontsize=8)
        for color, (arm, some) in zip(LINES, training.items(), strict=True):
            steps = [{**row, "second": step / 10, "read": row[f"read_{step}"]} for row in some for step in READ_AT]
            draw_line(read, steps, "second", "read", color)
            read.plot([], [], color=color, label=arm)
        read.set_title("The flag's color, read off the state")
        read.set_xlabel("s after the start")
        percent_axis(read, "held-out episodes", high=1.75)
        read.legend(loc="upper right", fontsize=8, ncols=2)
        for axes in (follow, read):
            axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
            axes.axhline(1 / 3, color=INK, linewidth=0.8, linestyle=":")
        note(figure, f"Left: unseen levels. Dotted lines: chance among three; {sizes(rows)}; {intervals(rows)}.")
        return figure


FOLLOWS, KEPT = "base agent follows", "of people's share"
ACCURACY, SUCCESS = "reward model's accuracy", "aligned agent follows"
READ = {step: f"flag read after {step / 10:g} s" for step in READ_AT}


def line_of(arm: Arm | str, where: str = UNSEEN) -> str:
    """Returns the name of a line of the table."""
    return f"{arm}, {where} levels"


def table(rows: list[Row]) -> Table:
    """Tabulates each agent, against the one that sees everything."""
    found = group(rows, "arm", "levels")
    whole = str(WHOLE)
    lines = [
        Line(line_of(arm, where), some, found.get((whole, where), []) if arm != whole else ())
        for (arm, where), some in found.items()
    ]
    columns = [Column(FOLLOWS, "follows"), Column(KEPT, "kept")]
    columns += [*(Column(READ[step], f"read_{step}", compared=False) for step in READ_AT)]
    columns += [Column(ACCURACY, "accuracy", compared=False), Column(SUCCESS, "success", compared=False)]
    return tabulate(lines, columns, whole)


EXPERIMENT = Experiment(
    title="Memory: following a flag",
    question="A flag near the spawn shows the color of one pad. Do agents that imitate people who follow it, or that "
    "are aligned to follow it, remember it, by the number of steps that they see at once, and for how long do their "
    "hidden states tell its color?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    presets=("islands",),
    remark="All people follow the flag, and each color has its place, so that the flag names a place, unless said "
    "otherwise; a context of 100 steps is a whole episode. The base agent's share is of the episodes that reach a pad. "
    "The flag is read by a linear classifier off the agent's states in 1,000 of the episodes that it imitated; "
    "a quarter of them count, to which it was not fitted.",
    claims=(
        Claim("An agent that sees the whole episode follows the flag in 90% of episodes on unseen levels", "us",
              Bound(line_of(WHOLE), FOLLOWS, least=0.9)),
        Claim("A context of 8 steps follows it less often", "us", Difference(line_of(ARMS[0]), FOLLOWS, "lower")),
        Claim("Where only most people follow it, the agent keeps less of their share", "us",
              Difference(line_of(ARMS[3]), KEPT, "lower")),
        Claim("Where it names a color that may be anywhere, the agent follows it less often", "us",
              Difference(line_of(ARMS[4]), FOLLOWS, "lower")),
        Claim("Aligned to the flag, the agent follows it in 90% of episodes on unseen levels", "us",
              Bound(line_of(WHOLE), SUCCESS, least=0.9)),
    ),
)  # fmt: skip
