"""The alignment tax: who comes back after a forced miss, at every stage, and what keeps it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from agents.collect import CollectConfig
from agents.dataset.selection import merge
from baselines.align import AlignConfig
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes, probe
from baselines.reproduce.trained_weights import configured
from baselines.stages import Stages
from jumppad_env.rules import PADS

RECOVERIES = 100
"""Demonstrations per pad of people who miss it and come back."""
IMITATION = 0.02
"""Weight of imitating demonstrations during alignment."""
FORCED = 0.5
"""Share of alignment's episodes in which a miss is forced."""


def measure(stages: Stages) -> list[Row]:
    """Probes every stage, and agents aligned to the left in ways that may forget less."""
    rows: list[Row] = []

    def add(method: str, stage: str, name: str, agent: Path) -> None:
        config = stages.preset.final_evaluation if name == "left_aligned" else stages.preset.evaluation
        target = "left" if name.startswith("left") else None
        measured = outcomes(stages, name, agent, config)
        for kind in ("forced_miss", "odd_start"):
            measured |= probe(stages, name, agent, kind, target)
        rows.append({"method": method, "stage": stage, **measured})

    add("as the paper", "base", "base", stages.base())
    add("as the paper", "finetuned", "finetuned", stages.finetuned())
    add("as the paper", "preference_finetuned", "left_preference_finetuned", stages.preference_finetuned("left"))
    add("as the paper", "aligned", "left_aligned", stages.aligned("left"))

    config = stages.preset.aligned
    early = dataclasses.replace(config.optimizer, updates=max(1, config.optimizer.updates * 2 // 5))
    variants: dict[str, tuple[str, AlignConfig]] = {
        "KL x 10": ("kl", dataclasses.replace(config, kl_coefficient=10 * config.kl_coefficient)),
        "stopped early": ("early", dataclasses.replace(config, optimizer=early)),
        "adapters": ("adapters", configured(config, "adapters")),
        "misses forced": ("misses", dataclasses.replace(config, forced_misses=FORCED)),
    }
    for method, (suffix, changed) in variants.items():
        agent = stages.aligned("left", f"aligned_{suffix}", config=changed)
        add(method, "aligned", f"left_aligned_{suffix}", agent)

    mixes = {
        "pre-training mixed in": ("mixed", stages.demonstrations()),
        "returns mixed in": ("returns", returns(stages)),
    }
    for method, (suffix, data) in mixes.items():
        tuned = stages.finetuned(f"finetuned_{suffix}", mixed=data)
        preferred = stages.preference_finetuned("left", f"preference_finetuned_{suffix}", agent=tuned, mixed=data)
        mixing = dataclasses.replace(config, imitation_coefficient=IMITATION)
        agent = stages.aligned("left", f"aligned_{suffix}", config=mixing, agent=preferred, demonstrations=data)
        add(method, "finetuned", f"finetuned_{suffix}", tuned)
        add(method, "preference_finetuned", f"left_preference_finetuned_{suffix}", preferred)
        add(method, "aligned", f"left_aligned_{suffix}", agent)
    return rows


def returns(stages: Stages) -> Path:
    """Returns a dataset of people who miss a pad, turn round and come back."""
    parts = [
        stages.demonstrations(
            f"returns_{pad}",
            config=CollectConfig(
                episodes=RECOVERIES, population=f"miss_{pad}", image_size=stages.preset.curated.image_size
            ),
        )
        for pad in PADS
    ]
    return stages.make("returns", lambda out: merge(out, parts))
