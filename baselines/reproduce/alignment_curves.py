"""Figure 4: success during alignment, by reward model and by where it starts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from baselines.artifact import load_manifest
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes
from baselines.stages import Stages, Target
from baselines.training import read_metrics

COMPARISONS = (20, 100)
"""Of the smaller reward models, beside the preset's own number."""


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
