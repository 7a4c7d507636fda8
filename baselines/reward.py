r"""Stage 4, reward model: learns to score whole episodes from comparisons.

    python -m baselines.reward --agent runs/quick/finetuned --rollouts runs/quick/rollouts \
        --preferences runs/quick/left/preferences --out runs/quick/left/reward_model

Source: paper, section 3, step 4 (the agent's network with a scalar head, Bradley-Terry loss).
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from torch import Tensor
from torch.nn.functional import logsigmoid

from agents.dataset import Dataset
from baselines.models.policy import Policy
from baselines.models.precision import choose_device, use_device
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes, score_pairs
from baselines.preferences.comparisons import load_comparisons, pair_batch, ranking
from baselines.training import distributed
from baselines.training.loop import OptimizerConfig, train
from jumppad_env.command_line import command_line
from jumppad_env.streams import integer_seed, stream


@dataclass(frozen=True)
class RewardConfig:
    """Training of a reward model."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(updates=50, learning_rate=3e-4, warmup_updates=5)
    )
    """Optimizer and schedule."""
    batch_comparisons: int = 12
    """Comparisons per batch."""
    initial: Literal["agent", "random"] = "agent"
    """Initial weights of the trunk: those of the agent, or random ones (the paper's ablation)."""
    trained: Literal["all", "head"] = "all"
    """Weights to train: all, or the scalar head alone."""
    token: int | None = -1
    """Step whose hidden state the head reads, counted from the end (-1 is the last); None reads the mean of all."""


def bradley_terry_loss(chosen: Tensor, rejected: Tensor, probability: Tensor | None = None) -> Tensor:
    """Returns the mean of -log sigmoid(chosen - rejected) over pairs of scores (C,).

    Args:
        chosen: (C,) scores of the preferred episodes.
        rejected: (C,) scores of the others.
        probability: (C,) that the preferred one is better, 0.5 for a tie; None: 1.

    Source: Bradley and Terry (1952); paper, section 3, step 4. A tie counts half either way, as in Christiano et al.
    (arXiv 1706.03741), section 2.2.3.
    """
    margin = chosen - rejected
    if probability is None:
        return -logsigmoid(margin).mean()
    return -(probability * logsigmoid(margin) + (1 - probability) * logsigmoid(-margin)).mean()


def reward(
    config: RewardConfig, agent: Path, rollouts: Path, preferences: Path, out: Path, seed: int = 0, device: str = "auto"
) -> None:
    """Train a reward model on comparisons and measure its accuracy on held-out ones.

    Args:
        config: Training of a reward model.
        agent: Policy whose trunk the reward model starts from.
        rollouts: Dataset of the compared episodes.
        preferences: Comparisons to learn from.
        out: Directory of the reward model.
        seed: Seed for the head's weights and the order of comparisons.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
    """
    use_device(device)
    inputs = {"agent": agent, "rollouts": rollouts, "preferences": preferences}
    with distributed.begin(
        out, kind="reward_model", config=config, seed=seed, inputs=inputs, batch=config.batch_comparisons
    ) as work:
        if work.finished:
            return
        dataset = Dataset(rollouts)
        pairs = load_comparisons(preferences, "train", dataset)
        policy = Policy.from_pretrained(agent)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer_seed(seed, "reward head"))
            if config.initial == "random":
                model = RewardModel(policy.config, config.token)
            else:
                model = RewardModel.from_policy(policy.network, config.token)
        place = choose_device()
        model.to(place).train()

        def compute_loss(update: int) -> tuple[Tensor, dict[str, float]]:
            rows = stream(seed, "comparisons", update).integers(len(pairs), size=config.batch_comparisons)
            part = distributed.share(rows)
            weight = len(part) / len(rows)
            chosen, rejected = model.score_batch(pair_batch(dataset, pairs, part, place)).chunk(2)
            margin = (chosen - rejected).detach()
            metrics = {
                "accuracy": float((margin > 0).float().mean()) * weight,
                "margin": float(margin.mean()) * weight,
            }
            known = None if pairs.probability is None else torch.from_numpy(pairs.probability[part]).to(place).float()
            return bradley_terry_loss(chosen, rejected, known) * weight, metrics

        parameters = model.head.parameters() if config.trained == "head" else None
        train(model, compute_loss, config.optimizer, work.directory, description="reward model", parameters=parameters)
        if distributed.rank() > 0:
            return
        held_out = load_comparisons(preferences, "held_out", dataset)
        score = partial(score_episodes, model, dataset, description="held-out comparisons")
        chosen, rejected = score_pairs(score, held_out.chosen, held_out.rejected)
        model.standardize(torch.from_numpy(np.concatenate([chosen, rejected])))
        model.save_pretrained(work.directory)
        # The margin is that before standardizing, like those logged in training.
        work.metrics.update(ranking(held_out, chosen, rejected), comparisons=len(pairs))


if __name__ == "__main__":
    with command_line(), distributed.processes():
        tyro.cli(reward, prog="python -m baselines.reward")
