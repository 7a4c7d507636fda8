"""Beyond the paper: the reward model's score beside the true success, far beyond the usual end of alignment."""

from __future__ import annotations

import dataclasses

from baselines.reproduce.experiment import Row
from baselines.stages import Stages
from baselines.training import read_metrics

LONGER = 2
"""Times the usual number of updates."""
WAYS = {"all comparisons": (None, 1.0), "20 comparisons": (20, 1.0), "20 comparisons, no KL": (20, 0.0)}
"""Comparisons of the reward model (None: the preset's), and what the KL coefficient is multiplied by."""


def measure(stages: Stages) -> list[Row]:
    """Aligns to the left at a constant learning rate, by a good and by a poor reward model."""
    preset, rows = stages.preset, []
    optimizer = preset.aligned.optimizer
    optimizer = dataclasses.replace(optimizer, updates=LONGER * optimizer.updates, schedule="constant")
    for label, (comparisons, kl) in WAYS.items():
        judge, start = stages.reward_model("left"), stages.preference_finetuned("left")
        if comparisons is not None:
            wanted = dataclasses.replace(preset.preferences, comparisons=comparisons)
            labels = stages.preferences("left", f"preferences_{comparisons}", config=wanted)
            judge = stages.reward_model("left", f"reward_model_{comparisons}", preferences=labels)
            start = stages.preference_finetuned("left", f"preference_finetuned_{comparisons}", reward_model=judge)
        config = dataclasses.replace(
            preset.aligned, optimizer=optimizer, kl_coefficient=kl * preset.aligned.kl_coefficient
        )
        name = f"aligned_long_{comparisons or 'all'}{'' if kl else '_free'}"
        for line in read_metrics(stages.aligned("left", name, config=config, agent=start, reward_model=judge)):
            kept = ("episodes", "reward", "success", "entropy")
            rows.append({"way": label, **{key: line[key] for key in kept}, "kl": line.get("kl")})
    return rows
