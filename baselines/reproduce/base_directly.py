"""Ablation 5: the base agent aligned directly, without fine-tuning."""

from __future__ import annotations

from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes, probe
from baselines.stages import Stages
from baselines.training import read_metrics


def measure(stages: Stages) -> list[Row]:
    """Aligns the base agent to the left with the same reward model, beside the usual way."""
    judge = stages.reward_model("left")
    agents = {
        "base": ("base", stages.base(), None),
        "base, aligned": (
            "left_aligned_from_base",
            stages.aligned("left", "aligned_from_base", agent=stages.base(), reward_model=judge),
            stages.out / "left" / "aligned_from_base",
        ),
        "all steps": ("left_aligned", stages.aligned("left"), stages.aligned("left")),
    }
    rows = []
    for label, (name, agent, training) in agents.items():
        config = stages.preset.final_evaluation if name == "left_aligned" else stages.preset.evaluation
        curve = [] if training is None else [line["success"] for line in read_metrics(training)]
        measured = {**outcomes(stages, name, agent, config), **probe(stages, name, agent, "forced_miss", "left")}
        rows.append({"agent": label, **measured, "curve": curve})
    return rows
