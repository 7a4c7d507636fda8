"""Ablation 7: alignment by a reward model that starts from random weights instead of the agent's."""

from __future__ import annotations

import dataclasses

from baselines.artifact import load_manifest
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes
from baselines.stages import Stages
from baselines.training import read_metrics


def measure(stages: Stages) -> list[Row]:
    """Aligns to the left by both, and by the random one trained five times longer."""
    config = stages.preset.reward_model
    fresh = dataclasses.replace(config, initial="random")
    longer = dataclasses.replace(
        fresh, optimizer=dataclasses.replace(config.optimizer, updates=5 * config.optimizer.updates)
    )
    judges = {
        "agent": ("", stages.reward_model("left")),
        "random": ("_random", stages.reward_model("left", "reward_model_random", config=fresh)),
        "random, five times longer": (
            "_random_longer",
            stages.reward_model("left", "reward_model_random_longer", config=longer),
        ),
    }
    rows = []
    for label, (suffix, judge) in judges.items():
        start = stages.preference_finetuned("left", f"preference_finetuned{suffix}", reward_model=judge)
        aligned = stages.aligned("left", f"aligned{suffix}", agent=start, reward_model=judge)
        evaluation = stages.preset.evaluation if suffix else stages.preset.final_evaluation
        rows.append(
            {
                "encoder": label,
                "accuracy": load_manifest(judge, "reward_model")["metrics"]["accuracy"],
                **outcomes(stages, f"left_aligned{suffix}", aligned, evaluation),
                "curve": [line["success"] for line in read_metrics(aligned)],
            }
        )
    return rows
