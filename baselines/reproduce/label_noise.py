"""Beyond the paper: reward models from comparisons of which some are labeled the wrong way round."""

from __future__ import annotations

import dataclasses

from baselines.artifact import load_manifest
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes
from baselines.stages import Stages

NOISE = (0.0, 0.1, 0.2, 0.3, 0.4)
ALIGNED = (0.0, 0.2, 0.4)
"""Noise for which an agent is aligned too."""


def measure(stages: Stages) -> list[Row]:
    """Trains reward models for the left pad, and aligns with some."""
    rows = []
    for noise in NOISE:
        suffix = f"_noise_{round(100 * noise)}" if noise else ""
        config = dataclasses.replace(stages.preset.preferences, noise=noise)
        labels = stages.preferences("left", f"preferences{suffix}", config=config)
        judge = stages.reward_model("left", f"reward_model{suffix}", preferences=labels)
        success = None
        if noise in ALIGNED:
            start = stages.preference_finetuned("left", f"preference_finetuned{suffix}", reward_model=judge)
            agent = stages.aligned("left", f"aligned{suffix}", agent=start, reward_model=judge)
            evaluation = stages.preset.evaluation if suffix else stages.preset.final_evaluation
            success = outcomes(stages, f"left_aligned{suffix}", agent, evaluation)["left"]
        accuracy = load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        rows.append({"noise": noise, "accuracy": accuracy, "success": success})
    return rows
