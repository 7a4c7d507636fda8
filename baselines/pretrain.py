"""Stage 1, pre-training: imitation of diverse human play. Makes the base agent.

    python -m baselines.pretrain --demonstrations runs/quick/demonstrations --out runs/quick/base

Source: paper, section 3, step 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from agents.dataset import Dataset
from baselines import artifact
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy
from baselines.models.precision import choose_device
from baselines.training.imitation import imitate
from baselines.training.loop import OptimizerConfig
from jumppad_env.command_line import command_line


@dataclass(frozen=True)
class PretrainConfig:
    """Network and training of the base agent."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Size of the network."""
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            "muon", updates=2000, learning_rate=2e-3, weight_decay=0.1, final_fraction=0.0
        )
    )
    """Optimizer and schedule."""
    batch_episodes: int = 8
    """Whole episodes per update."""
    shift: int = 0
    """Augmentation: pixels by which the frames of an episode are moved at most, at random each time; 0 leaves them."""

    def __post_init__(self) -> None:
        """Refuse a shift that leaves nothing to see."""
        if not 0 <= self.shift < min(self.network.image_size):
            raise ValueError(f"shift must be from 0 to less than the side of a frame {self.network.image_size}: {self}")


def pretrain(config: PretrainConfig, demonstrations: Path, out: Path, seed: int) -> None:
    """Trains a network from random weights on all demonstrations and saves the policy.

    Args:
        config: see `PretrainConfig`.
        demonstrations: a dataset with frames of the network's image size.
        out: artifact directory.
        seed: of the weights and of the order of episodes.
    """
    with artifact.begin(
        out, kind="policy", config=config, seed=seed, inputs={"demonstrations": demonstrations}
    ) as work:
        if work.finished:
            return
        dataset = Dataset(demonstrations)
        policy = Policy.initialize(config.network, seed, {"stage": "base"})
        policy.network.to(choose_device())
        last = imitate(
            policy,
            dataset,
            config.optimizer,
            config.batch_episodes,
            seed,
            work.directory,
            "pre-train",
            shift=config.shift,
        )
        policy.save_pretrained(work.directory)
        work.metrics.update(last)


@dataclass(frozen=True)
class Arguments:
    """Pre-train the base agent on diverse demonstrations."""

    demonstrations: Path
    """Dataset to imitate."""
    out: Path
    """Directory of the base agent."""
    seed: int = 0
    """Of the weights and of the order of episodes."""
    config: PretrainConfig = field(default_factory=PretrainConfig)


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        pretrain(arguments.config, arguments.demonstrations, arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
