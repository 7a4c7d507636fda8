"""What is measured of an agent: where it goes, and what it does away from its demonstrations."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from agents.dataset import Dataset
from agents.outcomes import NAMES
from baselines.evaluate import EvaluateConfig, load_outcome
from baselines.models.batches import make_batch
from baselines.models.policy import Policy
from baselines.models.precision import autocast
from baselines.stages import Stages
from baselines.training.imitation import imitation_loss
from jumppad_env.rules import Pad
from jumppad_env.streams import integer_seed

PROBED = 256
"""Episodes of a probe."""
HELD_OUT = 200
"""Episodes of people for the likelihood."""


def evaluated(stages: Stages, name: str, agent: Path, config: EvaluateConfig | None = None) -> dict[str, Any]:
    """Returns how an agent's episodes end: `episodes`, the share of each outcome, `mean_seconds`."""
    outcome = load_outcome(stages.evaluation(name, agent, config))
    return {key: outcome[key] for key in ("episodes", *NAMES, "mean_seconds")}


def probe(
    stages: Stages, name: str, agent: Path, target: Pad | None, *kinds: Literal["forced_miss", "odd_start"]
) -> dict[str, Any]:
    """Returns what an agent does when it is disturbed.

    Returns:
        `<kind>`: the share that reaches a pad all the same; `<kind>_at_target`: the target pad; `<kind>_probed`: of how
        many. The shares are None where no episode came to be probed.
    """
    found, episodes = {}, min(PROBED, stages.preset.evaluation.episodes)
    for kind in kinds:
        config = dataclasses.replace(stages.preset.evaluation, episodes=episodes, probe=kind)
        outcome = load_outcome(stages.evaluation(f"{name}_{kind}", agent, config))
        known = outcome["probed"] > 0
        found[kind] = outcome["recovered"] if known else None
        found[f"{kind}_at_target"] = outcome["recovered_at"][target] if known and target is not None else None
        found[f"{kind}_probed"] = outcome["probed"]
    return found


def held_out_people(stages: Stages) -> Dataset:
    """Returns episodes of the same people that no agent has seen."""
    config = dataclasses.replace(stages.preset.demonstrations, episodes=HELD_OUT)
    return Dataset(stages.demonstrations("held_out", config=config, seed=integer_seed(stages.seed, "held out")))


def held_out_loss(policy: Policy, dataset: Dataset) -> float:
    """Returns the mean negative log-likelihood of people's actions, nats per step."""
    policy.network.eval()
    total, steps = 0.0, 0
    order = np.argsort(dataset.episodes["length"], kind="stable")
    for start in range(0, len(order), 16):
        batch = make_batch([dataset.trajectory(int(row)) for row in order[start : start + 16]], policy.device)
        count = int(batch.lengths.sum())
        with torch.inference_mode(), autocast(policy.device):
            total += float(imitation_loss(policy.network(batch.frames), batch, policy.config.hold)) * count
        steps += count
    return total / steps
