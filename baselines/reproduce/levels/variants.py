"""Variants of a preset on levels: in another world, and aligned by comparisons of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

from agents.collect import CollectConfig
from baselines.presets import Preset
from baselines.stages import Stages


def in_world(config: CollectConfig, **changes: Any) -> CollectConfig:
    """Returns what to collect in another world, given what differs."""
    return dataclasses.replace(config, world=dataclasses.replace(config.world, **changes))


class Variant(NamedTuple):
    """What comparisons lead to."""

    judge: Path
    """The reward model."""
    preferred: Path
    """The agent that imitates the episodes it prefers."""
    aligned: Path
    """The same, reinforced."""


def align_variant(
    stages: Stages, target: str, end: str, tuned: Path, rollouts: Path, preset: Preset | None = None
) -> Variant:
    """Names all stages from comparisons to the aligned agent.

    Args:
        stages: The run.
        target: What is preferred.
        end: Of the names of the artifacts.
        tuned: Fine-tuned agent.
        rollouts: Its episodes.
        preset: How to learn and fine-tune; by default that of the run.
    """
    asked = preset or stages.preset
    pairs = stages.preferences(target, f"preferences{end}", rollouts=rollouts)
    judge = stages.reward_model(
        target, f"reward_model{end}", config=asked.reward_model, agent=tuned, rollouts=rollouts, preferences=pairs
    )
    preferred = stages.preference_finetuned(
        target,
        f"preference_finetuned{end}",
        config=asked.preference_finetuned,
        agent=tuned,
        rollouts=rollouts,
        reward_model=judge,
    )
    aligned = stages.aligned(target, f"aligned{end}", agent=preferred, reward_model=judge)
    return Variant(judge, preferred, aligned)
