"""Ablation 8: what alignment trains: the action head as in the paper, low-rank adapters, or everything."""

from __future__ import annotations

import dataclasses

from baselines.align import AlignConfig
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes, probe
from baselines.stages import Stages
from baselines.training import read_metrics

LEARNING_RATES = {"all": 7e-4, "adapters": 3e-3, "head": 7e-3}
"""Each the best of 7e-4, 3e-3, 7e-3 on a seed that is not reported."""


def configured(config: AlignConfig, trained: str) -> AlignConfig:
    """Returns the configuration that trains this part at its own learning rate."""
    scale = LEARNING_RATES[trained] / LEARNING_RATES["all"]
    optimizer = dataclasses.replace(config.optimizer, learning_rate=scale * config.optimizer.learning_rate)
    return dataclasses.replace(config, trained=trained, optimizer=optimizer)


def measure(stages: Stages) -> list[Row]:
    """Aligns to the left in each way from the same start."""
    rows = []
    for trained in LEARNING_RATES:
        suffix = "" if trained == "all" else f"_{trained}"
        config = None if trained == "all" else configured(stages.preset.aligned, trained)
        agent = stages.aligned("left", f"aligned{suffix}", config=config)
        name = f"left_aligned{suffix}"
        evaluation = stages.preset.evaluation if suffix else stages.preset.final_evaluation
        lines = read_metrics(agent)
        rows.append(
            {
                "trained": trained,
                **outcomes(stages, name, agent, evaluation),
                **probe(stages, name, agent, "forced_miss", "left"),
                "kl": lines[-1].get("kl"),
                "curve": [line["success"] for line in lines],
            }
        )
    return rows
