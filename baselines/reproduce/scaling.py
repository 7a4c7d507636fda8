"""Beyond the paper: the base agent by parameters, episodes and context."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch

from agents.dataset import Dataset
from agents.outcomes import total_variation
from baselines.batches import make_batch
from baselines.imitation import imitation_loss
from baselines.network import NetworkConfig
from baselines.policy import Policy
from baselines.precision import autocast, choose_device
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes, read_outcome
from baselines.stages import Stages
from jumppad_env.streams import integer_seed

BUDGET = 0.3
"""Share of the preset's updates: what is compared is trained alike, shorter than the preset's own agent."""
SIZES = {"small": (64, 2), "medium": (128, 3), "large": (256, 4)}
"""Width and layers."""
EPISODES = (250, 500, 1000)
CONTEXTS = (8, 100)
HELD_OUT = 200
"""Episodes of people for the likelihood."""


def measure(stages: Stages) -> list[Row]:
    """Pre-trains agents that differ from the preset's in one respect each."""
    preset, people = stages.preset, stages.demonstrations()
    crowd = read_outcome(stages.evaluation_of_dataset("demonstrations", people))
    unseen = dataclasses.replace(preset.demonstrations, episodes=HELD_OUT)
    held_out = stages.demonstrations("held_out", config=unseen, seed=integer_seed(stages.seed, "held out"))
    rows: list[Row] = []

    def add(axis: str, value: float, name: str, network: NetworkConfig, data: Path) -> None:
        updates = max(2, round(BUDGET * preset.base.optimizer.updates))
        optimizer = dataclasses.replace(preset.base.optimizer, updates=updates)
        config = dataclasses.replace(preset.base, network=network, optimizer=optimizer)
        agent = stages.base(name, config=config, demonstrations=data)
        policy = Policy.from_pretrained(agent, choose_device())
        outcome = outcomes(stages, name, agent)
        rows.append(
            {
                "axis": axis,
                "value": value,
                "parameters": sum(parameter.numel() for parameter in policy.network.parameters()),
                "episodes_seen": min(len(Dataset(data)), updates * config.batch_episodes),
                "held_out_loss": held_out_loss(policy, Dataset(held_out)),
                "total_variation_to_people": total_variation(outcome, crowd),
                **outcome,
            }
        )

    own = preset.base.network
    for size, (width, layers) in SIZES.items():
        network = dataclasses.replace(own, width=width, layers=layers)
        add("parameters", _parameters(network), f"base_size_{size}", network, people)
    reference = dataclasses.replace(own, width=SIZES["medium"][0], layers=SIZES["medium"][1])
    for count in EPISODES:
        data = stages.demonstrations(
            f"demonstrations_{count}", config=dataclasses.replace(preset.demonstrations, episodes=count)
        )
        add("episodes", count, f"base_episodes_{count}", reference, data)
    add("episodes", preset.demonstrations.episodes, "base_size_medium", reference, people)
    for context in CONTEXTS:
        network = dataclasses.replace(reference, context=context)
        add("context", context, f"base_context_{context}", network, people)
    add("context", reference.context, "base_size_medium", reference, people)
    return rows


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


def _parameters(network: NetworkConfig) -> int:
    return sum(parameter.numel() for parameter in Policy.initialize(network, 0).network.parameters())
