r"""Stage 4, reward model: learns from comparisons to score whole episodes.

    python -m baselines.reward --agent runs/quick/finetuned --rollouts runs/quick/rollouts \
        --preferences runs/quick/left/preferences --out runs/quick/left/reward_model

Source: paper, section 3, step 4 (the agent's network with a scalar head, Bradley-Terry loss).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from torch import Tensor
from torch.nn.functional import logsigmoid

from agents.dataset import Dataset
from baselines import artifact
from baselines.models.batches import make_batch
from baselines.models.policy import Policy
from baselines.models.precision import autocast, choose_device
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes
from baselines.preferences.comparisons import Comparisons, load_comparisons
from baselines.training.loop import OptimizerConfig, train
from jumppad_env.command_line import command_line
from jumppad_env.streams import integer_seed, stream


@dataclass(frozen=True)
class RewardConfig:
    """Training of the reward model."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(updates=50, learning_rate=3e-4, warmup_updates=5)
    )
    """Optimizer and schedule."""
    batch_comparisons: int = 12
    """Per update."""
    initial: Literal["agent", "random"] = "agent"
    """Whether the trunk starts as the agent's or at random (the paper's ablation)."""
    trained: Literal["all", "head"] = "all"
    """What is trained: everything, or the scalar head alone."""
    token: int | None = -1
    """Step whose hidden state is scored, from the end; -1 is the last, None the mean over all."""


def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Returns the mean of -log sigmoid(chosen - rejected) of scores (C,).

    Source: Bradley and Terry (1952); paper, section 3, step 4.
    """
    return -logsigmoid(chosen - rejected).mean()


def compare(model: RewardModel, dataset: Dataset, comparisons: Comparisons) -> tuple[np.ndarray, np.ndarray]:
    """Returns the scores (C,) of chosen and rejected episodes."""
    episodes, where = np.unique(np.concatenate([comparisons.chosen, comparisons.rejected]), return_inverse=True)
    scores = score_episodes(model, dataset, episodes, "held-out comparisons")[where]
    return scores[: len(comparisons.chosen)], scores[len(comparisons.chosen) :]


def reward(config: RewardConfig, agent: Path, rollouts: Path, preferences: Path, out: Path, seed: int) -> None:
    """Trains a reward model on comparisons and measures it on the held-out ones.

    Args:
        config: see `RewardConfig`.
        agent: the fine-tuned agent, whose trunk it starts from.
        rollouts: dataset that the comparisons speak of.
        preferences: artifact of comparisons.
        out: artifact directory.
        seed: of the head's weights and of the order of comparisons.
    """
    inputs = {"agent": agent, "rollouts": rollouts, "preferences": preferences}
    with artifact.begin(out, kind="reward_model", config=config, seed=seed, inputs=inputs) as work:
        if work.finished:
            return
        device = choose_device()
        dataset = Dataset(rollouts)
        pairs = load_comparisons(preferences, "train")
        policy = Policy.from_pretrained(agent)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer_seed(seed, "reward head"))
            fresh = config.initial == "random"
            model = (
                RewardModel(policy.config, config.token)
                if fresh
                else RewardModel.from_policy(policy.network, config.token)
            )
        model.to(device)
        model.train()

        def compute_loss(update: int) -> tuple[Tensor, dict[str, float]]:
            rows = stream(seed, "comparisons", update).integers(len(pairs.chosen), size=config.batch_comparisons)
            both = np.concatenate([pairs.chosen[rows], pairs.rejected[rows]])
            batch = make_batch([dataset.trajectory(int(row)) for row in both], device)
            with autocast(device):
                scores = model.score(batch.frames, batch.lengths)
            chosen, rejected = scores.float().chunk(2)
            margin = (chosen - rejected).detach()
            metrics = {"accuracy": float((margin > 0).float().mean()), "margin": float(margin.mean())}
            return bradley_terry_loss(chosen, rejected), metrics

        parameters = model.head.parameters() if config.trained == "head" else None
        train(model, compute_loss, config.optimizer, work.directory, description="reward model", parameters=parameters)
        chosen, rejected = compare(model, dataset, load_comparisons(preferences, "held_out"))
        model.standardize(torch.from_numpy(np.concatenate([chosen, rejected])))
        model.save_pretrained(work.directory)
        margins = chosen - rejected  # in the unit of training's margins, before standardizing
        work.metrics.update(
            accuracy=float((margins > 0).mean()), margin=float(margins.mean()), comparisons=len(pairs.chosen)
        )


@dataclass(frozen=True)
class Arguments:
    """Train a reward model on comparisons."""

    agent: Path
    """The fine-tuned agent, whose trunk it starts from."""
    rollouts: Path
    """Dataset that the comparisons speak of."""
    preferences: Path
    """Artifact of comparisons."""
    out: Path
    """Directory of the reward model."""
    seed: int = 0
    """Of the head's weights and of the order of comparisons."""
    config: RewardConfig = field(default_factory=RewardConfig)


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        reward(
            arguments.config, arguments.agent, arguments.rollouts, arguments.preferences, arguments.out, arguments.seed
        )


if __name__ == "__main__":
    main()
