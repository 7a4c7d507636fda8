"""Stage 1, pre-training: the base agent imitates diverse human play.

    python -m baselines.pretrain --demonstrations runs/quick/demonstrations --out runs/quick/base

Source: paper, section 3, step 1.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from agents.dataset import Dataset
from agents.worlds import world_of
from baselines.models.network import NetworkConfig
from baselines.models.playing import while_training
from baselines.models.policy import Policy
from baselines.models.precision import choose_device, use_device
from baselines.training import distributed
from baselines.training.imitation import imitate
from baselines.training.loop import OptimizerConfig
from jumppad_env.command_line import command_line


@dataclass(frozen=True)
class PretrainConfig:
    """Network and training of the base agent."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Network architecture."""
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            "muon", updates=2000, learning_rate=2e-3, weight_decay=0.1, final_fraction=0.0
        )
    )
    """Optimizer and schedule."""
    batch_episodes: int = 8
    """Whole episodes per batch."""
    shift: int = 0
    """Augmentation: largest random shift of an episode's frames, in pixels; 0 turns it off."""
    evaluate_every: int = 0
    """Updates between evaluations during training, which `metrics.jsonl` gets; 0 for none."""

    def __post_init__(self) -> None:
        size = self.network.image_size
        if not 0 <= self.shift < min(size):
            raise ValueError(f"shift must be at least 0 and below the frame's sides {size}, got {self.shift}")


def pretrain(config: PretrainConfig, demonstrations: Path, out: Path, seed: int = 0, device: str = "auto") -> None:
    """Pre-train the base agent on diverse demonstrations, from random weights.

    Args:
        config: Network and training of the base agent.
        demonstrations: Dataset to imitate, with frames of the network's image size.
        out: Directory of the base agent.
        seed: Seed for the initial weights and the order of episodes.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
    """
    use_device(device)
    inputs = {"demonstrations": demonstrations}
    with distributed.begin(
        out, kind="policy", config=config, seed=seed, inputs=inputs, batch=config.batch_episodes
    ) as work:
        if work.finished:
            return
        dataset = Dataset(demonstrations)
        world = world_of(dataset.manifest["environment"])
        told = {"world": world.entry} if world.keywords else {}  # agents of the classic island need not say so
        policy = Policy.initialize(config.network, seed, {"stage": "base", **told})
        policy.network.to(choose_device())
        watch = while_training(policy, config.evaluate_every, config.optimizer.updates, seed)
        last = imitate(
            policy,
            dataset,
            config.optimizer,
            config.batch_episodes,
            seed,
            out,
            "pre-train",
            shift=config.shift,
            after_update=watch,
        )
        if distributed.rank() > 0:
            return
        policy.save_pretrained(out)
        work.metrics.update(last)


if __name__ == "__main__":
    with command_line(), distributed.processes():
        tyro.cli(pretrain, prog="python -m baselines.pretrain")
