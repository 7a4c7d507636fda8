"""Ablation 6: fine-tuned with and without pre-training, on few and on many demonstrations."""

from __future__ import annotations

import dataclasses
from functools import partial

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from baselines.artifact import load_manifest
from baselines.finetune import FinetuneConfig
from baselines.laboratory.experiment import Experiment, Row
from baselines.laboratory.marks import draw_line
from baselines.laboratory.measuring import outcomes, probe
from baselines.laboratory.panels import AIR, RANDOM, handle, note, number_axis, panels, percent_axis
from baselines.laboratory.statistics import estimate, group, per_seed, percent
from baselines.laboratory.words import PROBES, difference, intervals, listed, probed, seeds_in_words, sizes, versus
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce import rates
from baselines.stages import Stages

COUNTS = (9, 30, 99, 300)
"""An equal number per pad."""
LENGTHS = {"a third": 1 / 3, "": 1.0, "longer": 3.0}
"""Factors on the preset's updates, each length with a schedule of its own; only training from scratch may be longer."""


def measure(stages: Stages) -> list[Row]:
    """Fine-tunes on subsets of the curated demonstrations, from the base agent and from random weights."""
    rows = []
    own = stages.preset.curated.episodes
    for count in sorted({*(n for n in COUNTS if n < own), own}):
        data = stages.curated()
        if count != own:
            data = stages.curated(f"curated_{count}", config=dataclasses.replace(stages.preset.curated, episodes=count))
        for start, config in ways(stages.preset.finetuned).items():
            name = f"finetuned_{count}_{start.replace(' ', '_').replace(',', '')}"
            if config == stages.preset.finetuned and count == own:
                name = "finetuned"
            agent = stages.finetuned(name, config=config, curated=data)
            measured = outcomes(stages, name, agent)
            for kind in ("forced_miss", "odd_start"):
                measured |= probe(stages, name, agent, kind, None)
            loss = load_manifest(agent, "policy")["metrics"]["loss"]
            rows.append({"demonstrations": count, "start": start, **measured, "loss": loss})
    return rows


INITIAL = {"pre-trained": "base", "from scratch": "random"}
"""Starts of fine-tuning, and what its configuration calls them."""


def ways(config: FinetuneConfig) -> dict[str, FinetuneConfig]:
    """Returns how an agent may be fine-tuned, by name."""
    found = {}
    for start in INITIAL:
        own = rates.at_rate(config, start, initial=INITIAL[start])
        for length, factor in LENGTHS.items():
            if (start, length) != ("pre-trained", "longer"):
                updates = max(1, round(factor * own.optimizer.updates))
                optimizer = dataclasses.replace(own.optimizer, updates=updates)
                found[", ".join(filter(None, (start, length)))] = dataclasses.replace(own, optimizer=optimizer)
    return found


COLORS = {"pre-trained": STAGE_COLORS["finetuned"], "from scratch": RANDOM}
STYLES = {"a third": ":", "": "-", "longer": "--"}
NAMED = {
    "pre-trained, a third": "pre-trained, then fine-tuned: a third of the updates",
    "pre-trained": "... all updates",
    "from scratch, a third": "fine-tuned only: a third of the updates",
    "from scratch": "... all updates",
    "from scratch, longer": "... three times the updates",
}
PANELS: dict[str, str] = {
    "success": "reaches a pad",
    "odd_start": "... from an odd start",
    "forced_miss": "... after a forced miss",
}


def share(row: Row, what: str) -> float | None:
    """Returns the share of episodes that reach a pad; None where no episode came to be probed."""
    if what == "success":
        return 1 - row["none"]
    return row[what]


def draw(rows: list[Row]) -> Figure:
    """Draws success, and success when disturbed, against the number of demonstrations."""
    ways = group(rows, "start")
    with panels(3.3, 1, len(PANELS), share_y="all") as (figure, grid):
        for axes, (what, name) in zip(grid.flat, PANELS.items(), strict=True):
            for index, way in enumerate(NAMED):
                shift = 1 + 0.03 * (index - 2)
                draw_line(axes, ways.get(way, []), "demonstrations", partial(share, what=what), *_look(way), shift)
            axes.set(title=name, xlabel="demonstrations")
            axes.title.set_fontsize(9)
            number_axis(axes, (row["demonstrations"] for row in rows))
        percent_axis(grid[0, 0], "episodes", -AIR)
        handles = [handle(color, name, style) for name, (color, style) in ((NAMED[w], _look(w)) for w in NAMED)]
        handles.insert(2, Line2D([], [], linestyle="none"))  # the pre-trained one has no third length
        figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=8)
        note(figure, f"{sizes(rows)}; {probed(rows, *PROBES)}; {intervals(rows)}.")
        return figure


def _look(way: str) -> tuple[str, str]:
    """Returns color and style of a line."""
    start, _, length = way.partition(", ")
    return COLORS[start], STYLES[length]


def find(rows: list[Row]) -> str:
    """Says what pre-training is good for, with few demonstrations and with many."""
    counts = sorted(group(rows, "demonstrations").items())
    parts = []
    for count, some in [counts[0], *counts[1:][-1:]]:
        ways = group(some, "start")
        told = []
        for what in PANELS:
            reach = partial(share, what=what)
            numbers = []
            for way in ("pre-trained", "from scratch, longer"):
                known = per_seed(ways.get(way, []), reach)
                numbers.append(percent(estimate(known.values())) if known else "nothing known")
            words = versus(
                ways.get("pre-trained", []),
                ways.get("from scratch, longer", []),
                reach,
                "pre-training helps",
                "pre-training harms",
            )
            told.append(f"{WHEN[what]} {numbers[0]} against {numbers[1]}: {words}")
        parts.append(f"With {count} demonstrations {'; '.join(told)}.")
    text = f"On {seeds_in_words(rows)}, pre-trained against fine-tuned only with three times the updates. "
    return text + " ".join([*parts, _early(counts[-1][1]), _claim(rows)])


def _early(rows: list[Row]) -> str:
    """Says what pre-training is good for after a third of the updates."""
    ways = group(rows, "start")
    one, other = (ways.get(f"{start}, a third", []) for start in COLORS)
    reach = partial(share, what="success")
    known = [per_seed(some, reach) for some in (one, other)]
    if not all(known):
        return ""
    numbers = " against ".join(percent(estimate(some.values())) for some in known)
    words = versus(one, other, reach, "pre-training helps", "pre-training harms")
    return f"After a third of the updates, with all demonstrations, a pad is reached in {numbers}: {words}."


WHEN = {
    "success": "they reach a pad in",
    "odd_start": "from odd starts in",
    "forced_miss": "after a forced miss in",
}


def _claim(rows: list[Row]) -> str:
    """Says whether pre-training makes the agent robust, with all demonstrations, as the paper has it."""
    own = max(row["demonstrations"] for row in rows)
    ways = group([row for row in rows if row["demonstrations"] == own], "start")
    one, other = (ways.get(way, []) for way in ("pre-trained", "from scratch, longer"))
    found = {what: change for what in PROBES if (change := difference(one, other, what))}
    if not found or not all(change.is_tested for change in found.values()):
        return "Whether pre-training makes the agent robust, as the paper says, needs more seeds."
    verdicts = {1: "is seen after", -1: "the opposite is seen after", 0: "can't be told after"}
    by_sign = {sign: [PROBES[what] for what, change in found.items() if change.sign == sign] for sign in verdicts}
    told = "; ".join(f"{verdicts[sign]} {listed(what)}" for sign, what in by_sign.items() if what)
    return f"With all {own} demonstrations, that pre-training makes the agent robust, as the paper says, {told}."


EXPERIMENT = Experiment(
    name="demonstrations_needed",
    title="Fine-tuned with and without pre-training",
    question="How many clean demonstrations does an agent need that was pre-trained, and one that was not; and what do "
    "both do away from them?",
    paper="An agent that was only fine-tuned gets stuck where the pre-trained one turns round and comes back.",
    measure=measure,
    draw=draw,
    find=find,
)
