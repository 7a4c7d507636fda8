"""What is measured of an agent: where it goes, and what it does away from its demonstrations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
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


Probe = Literal["forced_miss", "odd_start"]


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """Evaluations of an agent, to be read once they are there."""

    usual: Path
    probes: dict[Probe, Path]
    """Disturbed ones."""
    target: Pad | None
    """The agent's own pad."""

    def read(self) -> dict[str, Any]:
        """Returns how the agent's episodes end, and what it does when it is disturbed.

        Returns:
            `episodes`, the share of each outcome, `mean_seconds`. Of each probe, `<probe>`: the share that reaches a
            pad all the same; `<probe>_at_target`: the target pad; `<probe>_probed`: of how many. These shares are None
            where no episode came to be probed.
        """
        outcome = load_outcome(self.usual)
        found = {key: outcome[key] for key in ("episodes", *NAMES, "mean_seconds")}
        for probe, evaluation in self.probes.items():
            outcome = load_outcome(evaluation)
            known = outcome["probed"] > 0
            at_target = known and self.target is not None
            found[probe] = outcome["recovered"] if known else None
            found[f"{probe}_at_target"] = outcome["recovered_at"][self.target] if at_target else None
            found[f"{probe}_probed"] = outcome["probed"]
        return found


def evaluated(
    stages: Stages,
    name: str,
    agent: Path,
    config: EvaluateConfig | None = None,
    *,
    target: Pad | None = None,
    probes: Sequence[Probe] = (),
) -> Evaluated:
    """Names the evaluations of an agent, see `Stages.evaluation`."""
    own = stages.preset.evaluation
    disturbed = dataclasses.replace(own, episodes=min(PROBED, own.episodes))
    usual, found = stages.evaluation(name, agent, config), {}
    for probe in probes:
        found[probe] = stages.evaluation(f"{name}_{probe}", agent, dataclasses.replace(disturbed, probe=probe))
    return Evaluated(usual, found, target)


def held_out_people(stages: Stages) -> Path:
    """Names a dataset of the same people that no agent has seen."""
    config = dataclasses.replace(stages.preset.demonstrations, episodes=HELD_OUT)
    return stages.demonstrations("held_out", config=config, seed=integer_seed(stages.seed, "held out"))


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
