"""Figure 4: success during alignment, by reward model and by where it starts."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import GRID, INK, MUTED
from baselines.artifact import load_manifest
from baselines.laboratory.experiment import Experiment, Row
from baselines.laboratory.marks import WINDOW, draw_curve, episode_curves, shade
from baselines.laboratory.measuring import outcomes
from baselines.laboratory.panels import counting_axis, note, panels, percent_axis
from baselines.laboratory.statistics import estimate, group, over_seeds, percent, significance
from baselines.laboratory.words import beside_paper, counted, difference, intervals, sizes
from baselines.report.paper import paper_success
from baselines.stages import Stages, Target
from baselines.training.loop import read_metrics

COMPARISONS = (20, 100)
"""Of the smaller reward models, beside the preset's own number."""
LEVELS = (0.9, 0.95, 0.98)
"""Of success; how long they take is counted."""
STARTS = {"preference_finetuned": "with preference fine-tuning", "finetuned": "without"}
"""Where alignment starts, in words."""
LINES = {"preference_finetuned": "-", "finetuned": "--"}


def measure(stages: Stages) -> list[Row]:
    """Aligns with reward models of different size, with preference fine-tuning first and without."""
    preset = stages.preset
    rows: list[Row] = []

    def follow(target: Target, comparisons: int, start: str, name: str, agent: Path, reward_model: Path) -> None:
        aligned = stages.aligned(target, name, agent=agent, reward_model=reward_model)
        manifest = load_manifest(aligned, "policy")
        accuracy = load_manifest(reward_model, "reward_model")["metrics"]["accuracy"]
        lines = read_metrics(aligned)
        evaluation = f"{target}_{name}"
        config = preset.final_evaluation if name == "aligned" else preset.evaluation
        final = outcomes(stages, evaluation, aligned, config)[target]
        for line in lines:
            rows.append(
                {
                    "target": target,
                    "comparisons": comparisons,
                    "start": start,
                    "accuracy": accuracy,
                    "episodes": line["episodes"],
                    "success": line["success"],
                    "reward": line["reward"],
                    "seconds": manifest["seconds"] * (line["update"] + 1) / len(lines),
                    "final": final,
                }
            )

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
    return rows


class Reached(NamedTuple):
    """When a training's mean over `WINDOW` updates in a row reached a level."""

    episodes: float
    seconds: float


def reached(training: list[Row], level: float) -> Reached | None:
    """Returns when a level of success was reached, None if it never was.

    Args:
        training: the rows of one seed and condition, in their order.
        level: share.
    """
    for end in range(WINDOW, len(training) + 1):
        if sum(row["success"] for row in training[end - WINDOW : end]) >= level * WINDOW - 1e-9:
            return Reached(training[end - 1]["episodes"], training[end - 1]["seconds"])
    return None


def times(rows: list[Row], level: float) -> dict[int, Reached]:
    """Returns when each seed of a condition reached a level, without those that never did."""
    found = {seed: reached(training, level) for seed, training in group(rows, "seed").items()}
    return {seed: time for seed, time in found.items() if time is not None}


def ends(rows: list[Row]) -> list[Row]:
    """Returns the last row of every training."""
    return [training[-1] for training in group(rows, "seed", "target", "comparisons", "start").values()]


def draw(rows: list[Row]) -> Figure:
    """Draws success against episodes, and a table of how many episodes it took."""
    conditions = group(rows, "target", "comparisons", "start")
    full = max(row["comparisons"] for row in rows)
    heights = (3.2, 0.7 + 0.22 * len(conditions))
    with panels(sum(heights) + 0.3, 2, 2, heights=heights) as (figure, grid):
        (sized, started), (table, unused) = grid
        unused.remove()
        table.set_subplotspec(table.get_gridspec()[1, :])
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
        _draw_table(table, conditions)
        size = sizes(ends(rows), "episodes", "training episode")
        paper = ", ".join(f"{paper_success(target):.1%} {target}" for target in ("left", "right"))
        note(figure, f"{size}; running means over {WINDOW} updates; {intervals(rows)}.\n"
             f"(1/n): only one seed of n got there. The paper ends at {paper}.")  # fmt: skip
        return figure


def _draw_table(axes: Axes, conditions: dict[tuple[str, int, str], list[Row]]) -> None:
    """Writes how long every condition took to every level, and where it ended."""
    axes.set_axis_off()
    places = (0.0, 0.07, 0.17, 0.41, 0.51, 0.61, 0.71, 0.79, 0.87, 1.01)
    levels = [f"{100 * level:.0f}%" for level in LEVELS]
    head = ("target", "comparisons", "preference fine-tuning", *levels, *levels, "at the end")
    lines: list[tuple[str, ...]] = [head]
    for (target, comparisons, start), some in conditions.items():
        cells = [target, f"{comparisons:,}", "first" if start == "preference_finetuned" else "none"]
        for field in Reached._fields:
            cells += [_cell(some, level, field) for level in LEVELS]
        lines.append((*cells, percent(over_seeds(ends(some), "final"))))
    bottom, top = len(lines) + 0.4, -1.5
    axes.set(xlim=(0, 1.02), ylim=(bottom, top))
    for x, words in ((places[5], "episodes until so many go there:"), (places[8], "seconds")):
        axes.text(x, -1, words, ha="right", va="center", color=MUTED, fontsize=8)
    for row, line in enumerate(lines):
        for column, (x, text) in enumerate(zip(places, line, strict=False)):
            color = MUTED if row == 0 else OUTCOME_COLORS[line[0]] if column == 0 else INK
            align = "left" if column < 3 else "right"
            axes.text(x, row, text, ha=align, va="center", fontsize=8, color=color)
    axes.axhline(0.5, color=GRID, linewidth=1)


def _cell(rows: list[Row], level: float, field: str) -> str:
    """Returns the mean time to a level, and of how many seeds if not all reached it."""
    found, seeds = times(rows, level), len(group(rows, "seed"))
    if not found:
        return "never"
    few = "" if len(found) == seeds else f" ({len(found)}/{seeds})"
    return f"{estimate(getattr(time, field) for time in found.values()).mean:,.0f}{few}"


def find(rows: list[Row]) -> str:
    """Says how good alignment gets, how fast, and what preference fine-tuning saves."""
    conditions = group(rows, "target", "comparisons", "start")
    full = max(row["comparisons"] for row in rows)
    found = [f"Measured on {sizes(ends(rows), 'episodes', 'training episode')}."]
    for target in ("left", "right"):
        both = {start: conditions[target, full, start] for start in STARTS if (target, full, start) in conditions}
        if some := both.get("preference_finetuned"):
            found.append(
                f"Aligned {target}, the agent ends at **{percent(over_seeds(ends(some), 'final'))}**, "
                f"{beside_paper(over_seeds(ends(some), 'final'), paper_success(target))}."
            )
        if len(both) == 2:
            found.append(_saving(target, *both.values()))
    found.append(_sizes_compared(conditions, full))
    return " ".join(part for part in found if part)


def _saving(target: str, first: list[Row], plain: list[Row]) -> str:
    """Says what preference fine-tuning saves on the way to `LEVELS[0]`, and whether the paper's claim holds."""
    level = LEVELS[0]
    one, other, seeds = times(first, level), times(plain, level), len(group(first + plain, "seed"))
    shared = sorted(one.keys() & other.keys())
    words = f"{100 * level:.0f}% to the {target} was reached"
    parts = []
    for found, how in ((one, "with preference fine-tuning"), (other, "without it")):
        mean = f" after {_cell_of(found)}" if found else ""
        parts.append(f"{how} by {len(found)} of {counted(seeds, 'seed')}{mean}")
    text = f"{words} {', '.join(parts)}"
    if not shared:
        return f"{text}; how much it saves can't be compared."
    pairs = [{"seed": seed, "episodes": found[seed].episodes} for found in (one, other) for seed in shared]
    change = difference(pairs[: len(shared)], pairs[len(shared) :], "episodes")
    assert change is not None
    verdict = change.judged(
        "it costs episodes, against the paper's claim",
        "as the paper claims, it makes alignment cheaper",
        "that it makes alignment cheaper, as the paper claims, can't be told",
    )
    return f"{text}, a change of {change.value.mean:+,.0f} episodes where both did ({significance(change.p)}){verdict}."


def _cell_of(found: dict[int, Reached]) -> str:
    """Returns mean episodes and seconds."""
    episodes = estimate(time.episodes for time in found.values())
    half = "" if math.isnan(episodes.low) else f" ± {episodes.high - episodes.mean:,.0f}"
    return f"{episodes.mean:,.0f}{half} episodes ({estimate(t.seconds for t in found.values()).mean:,.0f} s)"


def _sizes_compared(conditions: dict[tuple[str, int, str], list[Row]], full: int) -> str:
    """Says what smaller reward models lose."""
    largest, parts = conditions.get(("left", full, "preference_finetuned")), []
    for (target, comparisons, start), some in sorted(conditions.items(), key=lambda item: item[0][1]):
        if (target, start) != ("left", "preference_finetuned") or comparisons == full:
            continue
        text = (
            f"of {comparisons:,} comparisons ({percent(over_seeds(ends(some), 'accuracy'))} accurate) "
            f"{percent(over_seeds(ends(some), 'final'))}"
        )
        change = None if largest is None else difference(ends(some), ends(largest), "final")
        if change is not None:
            text += f" (against {full:,}: {change.said('better', 'worse')})"
        parts.append(text)
    return f"To the left, a reward model {'; '.join(parts)}." if parts else ""


EXPERIMENT = Experiment(
    name="alignment_curves",
    title="Alignment curves",
    question=(
        "How many episodes does alignment take, by the number of comparisons that the reward model was trained on, and "
        "with or without preference fine-tuning first?"
    ),
    paper=(
        "both targets are reached by nearly all episodes (98.7% left, 99.8% right), and preference fine-tuning first "
        "makes online alignment much cheaper."
    ),
    measure=measure,
    draw=draw,
    find=find,
)
