"""Ablation 6: fine-tuned with and without pre-training, on few and on many demonstrations."""

from __future__ import annotations

import dataclasses

from baselines.artifact import load_manifest
from baselines.finetune import FinetuneConfig
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes, probe
from baselines.stages import Stages

COUNTS = (9, 30, 99, 300)
"""An equal number per pad."""
LONGER = 3
"""Times that training from scratch may be longer, for a second try."""


def measure(stages: Stages) -> list[Row]:
    """Fine-tunes on subsets of the curated demonstrations, from the base agent and from random weights."""
    rows = []
    own = stages.preset.curated.episodes
    for count in sorted({*(n for n in COUNTS if n < own), own}):
        data = stages.curated()
        if count != own:
            data = stages.curated(f"curated_{count}", config=dataclasses.replace(stages.preset.curated, episodes=count))
        for start, config in ways(stages.preset.finetuned).items():
            name = f"finetuned_{count}_{start.replace(' ', '_').replace(',', '')}"
            if start == "pre-trained" and count == own:
                name = "finetuned"
            agent = stages.finetuned(name, config=config, curated=data)
            measured = outcomes(stages, name, agent)
            for kind in ("forced_miss", "odd_start"):
                measured |= probe(stages, name, agent, kind, None)
            loss = load_manifest(agent, "policy")["metrics"]["loss"]
            rows.append({"demonstrations": count, "start": start, **measured, "loss": loss})
    return rows


def ways(config: FinetuneConfig) -> dict[str, FinetuneConfig]:
    """Returns how an agent may be fine-tuned, by name."""
    scratch = dataclasses.replace(config, initial="random")
    longer = dataclasses.replace(config.optimizer, updates=LONGER * config.optimizer.updates)
    return {
        "pre-trained": config,
        "from scratch": scratch,
        "from scratch, longer": dataclasses.replace(scratch, optimizer=longer),
    }
