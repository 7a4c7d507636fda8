"""Figure 4: success during alignment, by reward model and by where it starts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from matplotlib.figure import Figure

from agents.figures.palette import OUTCOME_COLORS
from baselines.artifact import load_manifest
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
from baselines.laboratory.axes import counting_axis, intervals, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import WINDOW, draw_curve, episode_curves, shade
from baselines.laboratory.measuring import Evaluated, evaluated
from baselines.laboratory.statistics import over_seeds
from baselines.report.paper import paper_success
from baselines.stages import Stages
from baselines.training.loop import read_metrics
from jumppad_env.rules import Pad

COMPARISONS = (20, 100)
"""Comparisons of the smaller reward models; the preset's own number is added."""
LEVELS = (0.9, 0.95, 0.98)
"""Of success; how long they take is counted."""
STARTS = {"preference_finetuned": "with preference fine-tuning", "finetuned": "without"}
"""Where alignment starts, in words."""
LINES = {"preference_finetuned": "-", "finetuned": "--"}


def measure(stages: Stages) -> Measuring:
    """Aligns with reward models of different size, with preference fine-tuning first and without."""
    preset = stages.preset
    followed: list[tuple[Pad, int, str, Path, Path, Evaluated]] = []

    def follow(target: Pad, comparisons: int, start: str, name: str, agent: Path, reward_model: Path) -> None:
        aligned = stages.aligned(target, name, agent=agent, reward_model=reward_model)
        evaluation = evaluated(stages, f"{target}_{name}", aligned)
        followed.append((target, comparisons, start, reward_model, aligned, evaluation))

    for target in ("left", "right"):
        own, judge = preset.preferences.comparisons, stages.reward_model(target)
        follow(target, own, "preference_finetuned", "aligned", stages.preference_finetuned(target), judge)
        follow(target, own, "finetuned", "aligned_from_finetuned", stages.finetuned(), judge)
    for count in COMPARISONS:
        wanted = dataclasses.replace(preset.preferences, comparisons=count)
        labels = stages.preferences("left", f"preferences_{count}", config=wanted)
        judge = stages.reward_model("left", f"reward_model_{count}", preferences=labels)
        preferred = stages.preference_finetuned("left", f"preference_finetuned_{count}", reward_model=judge)
        follow("left", count, "preference_finetuned", f"aligned_{count}", preferred, judge)
    yield
    rows: list[Row] = []
    for target, comparisons, start, judge, aligned, evaluation in followed:
        seconds = load_manifest(aligned, "policy")["seconds"]
        accuracy = load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        lines = read_metrics(aligned)
        final = evaluation.read()[target]
        for line in lines:
            row = {"target": target, "comparisons": comparisons, "start": start, "accuracy": accuracy}
            row |= {key: line[key] for key in ("episodes", "success", "reward")}
            rows.append({**row, "seconds": seconds * (line["update"] + 1) / len(lines), "final": final})
    return rows


def reached(training: list[Row], level: float) -> float | None:
    """Returns after how many episodes of a training the mean over `WINDOW` updates reached a share, None if never."""
    for end in range(WINDOW, len(training) + 1):
        if sum(row["success"] for row in training[end - WINDOW : end]) >= level * WINDOW - 1e-9:
            return training[end - 1]["episodes"]
    return None


def times(rows: list[Row], level: float) -> dict[int, float]:
    """Returns after how many episodes each seed of a condition reached a level, without those that never did."""
    found = {seed: reached(training, level) for seed, training in group(rows, "seed").items()}
    return {seed: time for seed, time in found.items() if time is not None}


def ends(rows: list[Row]) -> list[Row]:
    """Returns the last row of every training."""
    return [training[-1] for training in group(rows, "seed", "target", "comparisons", "start").values()]


def draw(rows: list[Row]) -> Figure:
    """Draws success against episodes."""
    conditions = group(rows, "target", "comparisons", "start")
    full = max(row["comparisons"] for row in rows)
    with subplots(3.5, 1, 2) as (figure, grid):
        sized, started = grid.flat
        sized.set_title("To the left, by comparisons of the reward model")
        left = [row for row in rows if (row["target"], row["start"]) == ("left", "preference_finetuned")]
        by_size = dict(sorted(group(left, "comparisons").items()))
        for index, (comparisons, some) in enumerate(by_size.items()):
            color = shade(OUTCOME_COLORS["left"], 0.6 * (1 - (index + 1) / len(by_size)))
            accuracy = f"{100 * over_seeds(some, 'accuracy').mean:.0f}% accurate"
            draw_curve(sized, episode_curves(some, "success"), color, f"{comparisons:,} comparisons ({accuracy})")
        started.set_title(f"By where it starts ({full:,} comparisons)")
        for (target, comparisons, start), some in conditions.items():
            if comparisons == full:
                label = f"{target}, {STARTS[start]}"
                series = episode_curves(some, "success")
                draw_curve(started, series, OUTCOME_COLORS[target], label, LINES[start])
        for axes in (sized, started):
            percent_axis(axes, "episodes at the target")
            counting_axis(axes, "training episodes")
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="lower right", fontsize=8)
        size = sizes(ends(rows), "episodes", "training episode")
        paper = ", ".join(f"{paper_success(target):.1%} {target}" for target in ("left", "right"))
        note(figure, f"{size}; running means over {WINDOW} updates; {intervals(rows)}.\n"
             f"The paper ends at {paper}.")  # fmt: skip
        return figure


FINAL = "at the target in the end"
EPISODES = "episodes until {:.0%} go there"
FEW, ENOUGH = COMPARISONS[0], 0.95
"""Comparisons of the smallest reward model, and the success that we call enough."""


def table(rows: list[Row]) -> Table:
    """Tabulates success and how long it takes."""
    found = {key: once(some) for key, some in group(rows, "target", "comparisons", "start").items()}
    full = max(row["comparisons"] for row in rows)
    lines = []
    for (target, comparisons, start), some in found.items():
        reference, paper = (), {}
        if start == "preference_finetuned":
            reference = found.get((target, full, "finetuned" if comparisons == full else start), ())
            paper = {FINAL: paper_success(target)} if comparisons == full else {}
        lines.append(Line(condition(target, comparisons, start), some, reference, paper))
    columns = (
        Column(FINAL, "final"),
        *(
            Column(EPISODES.format(level), f"reached {level}", share=False, digits=0, compared=level == LEVELS[0])
            for level in LEVELS
        ),
        Column("reward model's accuracy", "accuracy", compared=False),
    )
    return tabulate(lines, columns, "without preference fine-tuning; of fewer comparisons, to all of them")


def condition(target: str, comparisons: int, start: str) -> str:
    """Names a condition of the table."""
    return f"{target}, {comparisons} comparisons, {STARTS[start]}{' preference fine-tuning' * (start == 'finetuned')}"


def once(rows: list[Row]) -> list[Row]:
    """Returns a row per seed of a condition: success and accuracy, and when each level was reached, if it was."""
    when = {f"reached {level}": times(rows, level) for level in LEVELS}
    return [{**row, **{name: found.get(row["seed"]) for name, found in when.items()}} for row in ends(rows)]


EXPERIMENT = Experiment(
    title="Alignment curves",
    question=(
        "How many episodes does alignment take, by the number of comparisons, and with or without preference "
        "fine-tuning first?"
    ),
    paper="Preference fine-tuning first makes online alignment much cheaper.",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        *(
            Claim(
                f"Preference fine-tuning makes alignment to the {target} cheaper",
                "paper",
                Difference(condition(target, 500, "preference_finetuned"), EPISODES.format(LEVELS[0]), "lower"),
            )
            for target in ("left", "right")
        ),
        Claim(
            f"{FEW} comparisons are enough to succeed in {ENOUGH:.0%}",
            "us",
            Bound(condition("left", FEW, "preference_finetuned"), FINAL, least=ENOUGH),
        ),
    ),
)
