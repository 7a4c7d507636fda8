"""The alignment tax: who comes back after a forced miss, at every stage, and what keeps it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from agents.collect import CollectConfig
from agents.dataset.selection import merge
from baselines.align import AlignConfig
from baselines.laboratory.experiment import Experiment, Row
from baselines.laboratory.measuring import outcomes, probe
from baselines.laboratory.statistics import FEWEST, group, over_seeds, per_seed, percent
from baselines.laboratory.words import difference, listed, probed, sizes
from baselines.report.palette import KIND_TITLES
from baselines.reproduce import rates
from baselines.reproduce.drawing.recovery import GOAL, PLAIN, Point, agents, draw_recovery
from baselines.stages import Stages
from jumppad_env.rules import PADS

RECOVERIES = 100
"""Demonstrations per pad of people who miss it and come back."""
IMITATION = 0.02
"""Weight of imitating demonstrations during alignment."""
FORCED = 0.5
"""Share of alignment's episodes in which a miss is forced."""


def measure(stages: Stages) -> list[Row]:
    """Probes every stage, and agents aligned to the left in ways that may forget less."""
    rows: list[Row] = []

    def add(method: str, stage: str, name: str, agent: Path) -> None:
        config = stages.preset.final_evaluation if name == "left_aligned" else stages.preset.evaluation
        target = "left" if name.startswith("left") else None
        measured = outcomes(stages, name, agent, config)
        for kind in ("forced_miss", "odd_start"):
            measured |= probe(stages, name, agent, kind, target)
        rows.append({"method": method, "stage": stage, **measured})

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

    mixes = {
        "pre-training mixed in": ("mixed", stages.demonstrations()),
        "returns mixed in": ("returns", returns(stages)),
    }
    for method, (suffix, data) in mixes.items():
        tuned = stages.finetuned(f"finetuned_{suffix}", mixed=data)
        preferred = stages.preference_finetuned("left", f"preference_finetuned_{suffix}", agent=tuned, mixed=data)
        mixing = dataclasses.replace(config, imitation_coefficient=IMITATION)
        agent = stages.aligned("left", f"aligned_{suffix}", config=mixing, agent=preferred, demonstrations=data)
        add(method, "finetuned", f"finetuned_{suffix}", tuned)
        add(method, "preference_finetuned", f"left_preference_finetuned_{suffix}", preferred)
        add(method, "aligned", f"left_aligned_{suffix}", agent)
    return rows


def returns(stages: Stages) -> Path:
    """Returns a dataset of people who miss a pad, turn round and come back."""
    parts = [
        stages.demonstrations(
            f"returns_{pad}",
            config=CollectConfig(
                episodes=RECOVERIES, population=f"miss_{pad}", image_size=stages.preset.curated.image_size
            ),
        )
        for pad in PADS
    ]
    return stages.make("returns", lambda out: merge(out, parts))


def find(rows: list[Row]) -> str:
    """Says how large the tax is, what each method pays back, and whether any reaches the goal."""
    found = [f"Measured on {sizes(rows)} and {probed(rows, 'forced_miss')}.", _fall(rows)]
    found += [_methods(rows), _goal([point for point in agents(rows) if point.stage == "aligned"])]
    return " ".join(part for part in found if part)


def _methods(rows: list[Row]) -> str:
    """Says what each method keeps and costs, against training all weights."""
    by_agent = group(rows, "method", "stage")
    plain = by_agent.get((PLAIN, "aligned"), [])
    parts: list[str] = []
    verdicts: dict[str, list[str]] = {"more": [], "less": [], "alike": [], "costs": []}
    for point in agents(rows):
        some = by_agent[point.method, point.stage]
        back, success = difference(some, plain, "forced_miss"), difference(some, plain, "left")
        if point.method == PLAIN or point.stage != "aligned" or back is None or success is None:
            continue
        parts.append(f"*{point.method}* {_both(point)} ({back.said()} and {success.said()} of success)")
        verdicts[("alike", "more", "less")[back.sign]].append(point.method)
        if success.sign < 0:
            verdicts["costs"].append(point.method)
    if not parts:
        return ""
    text = f"Against aligning all weights: {'; '.join(parts)}."
    text += f" {_odd_starts(by_agent)}"
    if len({row["seed"] for row in rows}) < FEWEST:
        return text
    sentences = {
        "more": "Significantly more is kept by",
        "less": "Significantly less is kept by",
        "alike": "No difference in coming back can be told for",
        "costs": "Success is significantly lower with",
    }
    return " ".join([text, *(f"{words} {_named(verdicts[key])}." for key, words in sentences.items())])


def _odd_starts(by_agent: dict[tuple[str, str], list[Row]]) -> str:
    """Says who reaches the left pad from odd starts, a disturbance that no method was trained with."""
    shares = {
        method: over_seeds(some, "odd_start_at_target")
        for (method, stage), some in by_agent.items()
        if stage == "aligned" and per_seed(some, "odd_start_at_target")
    }
    if not shares:
        return ""
    said = listed(f"*{method}* {percent(share)}" for method, share in shares.items())
    return f"From odd starts, which none was trained with, the left pad is reached by {said}."


def _named(methods: list[str]) -> str:
    return listed(f"*{method}*" for method in methods)


def _both(point: Point) -> str:
    home = "" if point.home is None else f" ({percent(point.home)} to the left)"
    return f"{percent(point.back)} come back{home}, {percent(point.success)} go left"


def _fall(rows: list[Row]) -> str:
    """Says how coming back changes from stage to stage."""
    stages = {stage: some for (method, stage), some in group(rows, "method", "stage").items() if method == PLAIN}
    points = {point.stage: point for point in agents(rows) if point.method == PLAIN}
    if not stages:
        return ""
    shares = ", ".join(f"{percent(points[stage].back)} ({KIND_TITLES[stage].lower()})" for stage in stages)
    text = f"Aligning all weights, the share that comes back after a forced miss is {shares}"
    change = difference(stages.get("aligned", []), stages.get("base", []), "forced_miss")
    if change is None:
        return f"{text}."
    said = change.said(
        "alignment pays no tax here",
        "**the alignment tax** is real",
        "an alignment tax can't be told",
    )
    return f"{text}: from base to aligned {said}."


def _goal(aligned: list[Point]) -> str:
    """Says who reaches the goal, or how near the best come."""
    goal = f"The goal, {GOAL[0]:.0%} to the left and {GOAL[1]:.0%} back,"
    reached = [point for point in aligned if point.success.mean >= GOAL[0] and point.back.mean >= GOAL[1]]
    if reached:
        parts = []
        for point in reached:
            sure = point.success.low >= GOAL[0] and point.back.low >= GOAL[1]  # false where there is no interval
            few = point.success.count < FEWEST
            unsure = "on average of few seeds" if few else "on average, with an interval that reaches out of it"
            how = "both intervals lie in it" if sure else unsure
            parts.append(f"*{point.method}* ({_both(point)}; {how})")
        return f"{goal} is **reached** by {' and '.join(parts)}."
    text = [f"{goal} is reached by **none**."]
    if able := [point for point in aligned if point.success.mean >= GOAL[0]]:
        best = max(able, key=lambda point: point.back.mean)
        text.append(f"Of those that go left often enough, *{best.method}* keeps most ({_both(best)}).")
    else:
        best = max(aligned, key=lambda point: point.success.mean, default=None)
        text += [f"None goes left often enough; *{best.method}* does most ({_both(best)})."] if best else []
    if able := [point for point in aligned if point.back.mean >= GOAL[1]]:
        best = max(able, key=lambda point: point.success.mean)
        text.append(f"Of those that come back often enough, *{best.method}* goes left most ({_both(best)}).")
    return " ".join(text)


EXPERIMENT = Experiment(
    name="recovery",
    title="The alignment tax",
    question=(
        "An agent about to reach a pad is made to miss it. Does it turn round and come back, at every stage, and what "
        f"keeps that ability during alignment? The goal: an agent that goes left in {GOAL[0]:.0%} of episodes and "
        f"comes back after {GOAL[1]:.0%} of forced misses. *Misses forced* learns amid the very disturbance that "
        "it is then probed with; no strength of any method was tuned."
    ),
    paper=(
        "gives no number; it observes that a pre-trained agent that misses a pad turns round and comes back, where one "
        "that was only fine-tuned gets stuck. What alignment does to this it does not measure."
    ),
    measure=measure,
    draw=draw_recovery,
    find=find,
)
