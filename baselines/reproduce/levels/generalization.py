"""Question 1 on levels: how many levels imitation, reward model and alignment need to work on unseen ones, each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from agents.dataset import Dataset
from agents.targets import Target
from baselines.artifact import load_manifest
from baselines.laboratory import Bound, Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, tabulate
from baselines.laboratory.axes import intervals, note, number_axis, percent_axis, seeds_of, subplots
from baselines.laboratory.marks import draw_line
from baselines.laboratory.statistics import group
from baselines.models.precision import choose_device
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes
from baselines.preferences.comparisons import compare
from baselines.preferences.labels import label
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce.levels.ends import TRAINING, UNSEEN, WHERE, ends_of, evaluations_of
from baselines.reproduce.levels.variants import align_variant, in_world
from baselines.rollouts import RolloutsConfig
from baselines.stages import UNSEEN_LEVELS, Stages
from jumppad_env.streams import stream

LEVELS = (10, 50, 200, 1000)
TARGET = Target.parse("red")
UNSEEN_ROLLOUTS = RolloutsConfig(episodes=500, levels=UNSEEN_LEVELS)
"""Episodes that reward models are judged on, on levels that none has seen."""
PAIRS = 1000


def measure(stages: Stages) -> Measuring:
    """Runs the whole procedure on so many levels, and evaluates it on these and on unseen ones."""
    made = {count: _procedure(stages, count) for count in LEVELS}
    yield
    rows = []
    for count, (people, base, aligned, judge, unseen) in made.items():
        accuracy = {
            TRAINING: load_manifest(judge, "reward_model")["metrics"]["accuracy"],
            UNSEEN: accuracy_of(judge, Dataset(unseen), stages.seed),
        }
        for where in WHERE:
            imitates, succeeds = (ends_of(each[where], people, TARGET) for each in (base, aligned))
            row = {"count": count, "levels": where, "apart": imitates["apart"], "accuracy": accuracy[where]}
            rows.append({**row, "success": succeeds["success"], "episodes": succeeds["episodes"]})
    return rows


def _procedure(stages: Stages, count: int) -> tuple[Path, dict[str, Path], dict[str, Path], Path, Path]:
    """Names what is made on so many levels.

    Returns:
        The evaluation of people, those of base and aligned agent, the reward model, and rollouts on unseen levels.
    """
    preset, target = stages.preset, str(TARGET)
    own = count == preset.demonstrations.world.num_levels
    end = "" if own else f"_{count}"
    people = stages.demonstrations(f"demonstrations{end}", config=in_world(preset.demonstrations, num_levels=count))
    curated = stages.curated(f"curated{end}", config=in_world(preset.curated, num_levels=count))
    base = stages.base(f"base{end}", demonstrations=people)
    tuned = stages.finetuned(f"finetuned{end}", base=base, curated=curated)
    rollouts = stages.rollouts(f"rollouts{end}", agent=tuned)
    judge, _, aligned = align_variant(stages, target, end, tuned, rollouts)
    return (
        stages.evaluation_of_dataset(f"demonstrations{end}", people),
        evaluations_of(stages, f"base{end}", base),
        evaluations_of(stages, f"{target}_aligned{end}", aligned),
        judge,
        stages.rollouts(f"rollouts_unseen{end}", config=UNSEEN_ROLLOUTS, agent=tuned),
    )


def accuracy_of(judge: Path, dataset: Dataset, seed: int) -> float:
    """Returns the share of comparisons between episodes that a reward model ranks rightly."""
    pairs = compare(label(dataset, "pad", TARGET), PAIRS, stream(seed, "unseen comparisons"))
    model = RewardModel.from_pretrained(judge, choose_device())
    scores = score_episodes(model, dataset, np.arange(len(dataset)), "unseen comparisons")
    return float((scores[pairs.chosen] > scores[pairs.rejected]).mean())


PANELS = {
    "apart": ("Base agent: distance from people", "total variation", STAGE_COLORS["base"]),
    "accuracy": ("Reward model", "held-out comparisons right", "#69737d"),
    "success": ("Aligned agent", "episodes at the red pad", STAGE_COLORS["aligned"]),
}


def draw(rows: list[Row]) -> Figure:
    """Draws each measure against the number of levels, on levels of training and unseen ones."""
    where = group(rows, "levels")
    with subplots(3.3, 1, 3) as (figure, grid):
        for axes, (measured, (title, words, color)) in zip(grid.flat, PANELS.items(), strict=True):
            for levels, style, shift in ((TRAINING, ":", 0.96), (UNSEEN, "-", 1.04)):
                draw_line(axes, where.get(levels, []), "count", measured, color, style, shift)
            number_axis(axes, (row["count"] for row in rows))
            axes.set(title=title, xlabel="levels of training")
            low = 0.0 if measured == "apart" else 0.4
            percent_axis(axes, words, low, 0.4 if measured == "apart" else 1.03)
        note(figure, f"Solid: unseen levels, dotted: those of training; {seeds_of(rows)}; {intervals(rows)}.")
        return figure


APART, ACCURACY, SUCCESS = "base agent from people", "reward model's accuracy", "aligned agent at the red pad"


def line_of(count: int, where: str) -> str:
    """Returns the name of a line of the table."""
    return f"{count:,} levels, {where}"


def table(rows: list[Row]) -> Table:
    """Tabulates each number of levels, unseen ones against those of training."""
    found = group(rows, "count", "levels")
    lines = [
        Line(line_of(count, where), some, found.get((count, TRAINING), []) if where == UNSEEN else ())
        for (count, where), some in found.items()
    ]
    columns = (Column(APART, "apart"), Column(ACCURACY, "accuracy"), Column(SUCCESS, "success"))
    return tabulate(lines, columns, "the levels of training")


EXPERIMENT = Experiment(
    title="Generalization to unseen levels",
    question="Trained on 10, 50, 200 or 1,000 levels: where does the gap between these and unseen levels arise, in "
    "imitation, in the reward model, or in alignment?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    presets=("islands",),
    own_seconds=40.0,
    claims=(
        Claim(
            "From 10 levels, imitation is farther from people on unseen levels than on its own",
            "us",
            Difference(line_of(10, UNSEEN), APART, "higher"),
        ),
        Claim(
            "From 10 levels, the reward model is less accurate on unseen levels than on its own",
            "us",
            Difference(line_of(10, UNSEEN), ACCURACY, "lower"),
        ),
        Claim(
            "From 10 levels, the aligned agent succeeds less often on unseen levels than on its own",
            "us",
            Difference(line_of(10, UNSEEN), SUCCESS, "lower"),
        ),
        Claim(
            "From 1,000 levels, the aligned agent reaches the red pad in 85% of episodes on unseen ones",
            "us",
            Bound(line_of(1000, UNSEEN), SUCCESS, least=0.85),
        ),
    ),
)
