"""How episodes on levels end, as numbers of rows: on the levels of training and on unseen ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.outcomes import NAMES
from agents.targets import Target
from baselines.evaluate import load_outcome
from baselines.laboratory import Row
from baselines.stages import Stages

TRAINING, UNSEEN = "training", "unseen"
WHERE = (TRAINING, UNSEEN)
"""Levels that the demonstrations were made on, and levels that no agent has seen."""


def evaluations_of(stages: Stages, name: str, agent: Path) -> dict[str, Path]:
    """Names the evaluations of an agent, by the levels that it plays on."""
    return {where: stages.evaluation(name, agent, unseen=where == UNSEEN) for where in WHERE}


def ends_of(evaluation: Path, people: Path, target: Target) -> Row:
    """Returns how an agent's episodes end.

    Returns:
        `episodes`, the share of each outcome on the last island, `success`, the share at the target, and `apart`, the
        total variation distance to people over the places taken on all islands.
    """
    outcome, known = load_outcome(evaluation), load_outcome(people)
    shares = {name: outcome[name] for name in ("episodes", *NAMES)}
    return {**shares, "success": target.share(outcome), "apart": places_apart(outcome, known)}


def places_apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    """Returns the total variation distance between two outcome objects over the places taken on all islands, 0 to 1."""
    one, other = places_of(first), places_of(second)
    return 0.5 * sum(abs(one.get(way, 0.0) - other.get(way, 0.0)) for way in one.keys() | other.keys())


def places_of(outcome: Mapping[str, Any]) -> dict[str, float]:
    """Returns the share of each way over the islands by its places alone, such as "left, right"."""
    shares: dict[str, float] = defaultdict(float)
    for way, share in outcome["by_way"].items():
        shares[", ".join(step.partition("-")[0] for step in way.split(", "))] += share
    return dict(shares)
