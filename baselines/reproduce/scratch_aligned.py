"""Ablation 6, continued: alignment of an agent that was never pre-trained."""

from __future__ import annotations

from baselines.artifact import load_manifest
from baselines.reproduce.demonstrations_needed import ways
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes, probe
from baselines.stages import Stages
from baselines.training import read_metrics


def measure(stages: Stages) -> list[Row]:
    """Takes the fine-tuned-only agent through all further steps to the left, beside the pre-trained one."""
    count = stages.preset.curated.episodes
    config = ways(stages.preset.finetuned)["from scratch, longer"]
    tuned = stages.finetuned(f"finetuned_{count}_from_scratch_longer", config=config)
    played = stages.rollouts("rollouts_scratch", agent=tuned)
    labels = stages.preferences("left", "preferences_scratch", rollouts=played)
    judge = stages.reward_model("left", "reward_model_scratch", agent=tuned, rollouts=played, preferences=labels)
    preferred = stages.preference_finetuned(
        "left", "preference_finetuned_scratch", agent=tuned, rollouts=played, reward_model=judge
    )
    aligned = stages.aligned("left", "aligned_scratch", agent=preferred, reward_model=judge)
    rows = []
    for label, name, agent, reward_model in (
        ("pre-trained", "left_aligned", stages.aligned("left"), stages.reward_model("left")),
        ("from scratch", "left_aligned_scratch", aligned, judge),
    ):
        config = stages.preset.final_evaluation if name == "left_aligned" else stages.preset.evaluation
        measured = outcomes(stages, name, agent, config)
        for kind in ("forced_miss", "odd_start"):
            measured |= probe(stages, name, agent, kind, "left")
        accuracy = load_manifest(reward_model, "reward_model")["metrics"]["accuracy"]
        curve = [line["success"] for line in read_metrics(agent)]
        rows.append({"start": label, **measured, "accuracy": accuracy, "curve": curve})
    return rows
