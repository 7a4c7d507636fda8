"""Beyond the paper: an agent aligned to the left is aligned anew, to the right."""

from __future__ import annotations

from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes
from baselines.stages import Stages
from baselines.training import read_metrics


def measure(stages: Stages) -> list[Row]:
    """Aligns to the right from three starts with the same reward model."""
    starts = {
        "preference_finetuned": ("aligned", stages.preference_finetuned("right")),
        "finetuned": ("aligned_from_finetuned", stages.finetuned()),
        "aligned left": ("aligned_from_left", stages.aligned("left")),
    }
    rows = []
    for label, (name, start) in starts.items():
        agent = stages.aligned("right", name, agent=start)
        config = stages.preset.final_evaluation if name == "aligned" else stages.preset.evaluation
        curve = [line["success"] for line in read_metrics(agent)]
        rows.append({"start": label, **outcomes(stages, f"right_{name}", agent, config), "curve": curve})
    return rows
