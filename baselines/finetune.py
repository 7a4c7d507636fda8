"""Stage 2, fine-tuning: the base agent imitates curated demonstrations, which go straight to a pad.

    python -m baselines.finetune --base runs/quick/base --curated runs/quick/curated --out runs/quick/finetuned

Source: paper, section 3, step 2.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro

from agents.dataset import Dataset
from baselines.models.playing import while_training
from baselines.models.policy import Policy
from baselines.models.precision import choose_device, use_device
from baselines.training import distributed
from baselines.training.imitation import imitate
from baselines.training.loop import OptimizerConfig
from jumppad_env.command_line import command_line
from jumppad_env.streams import integer_seed


@dataclass(frozen=True)
class FinetuneConfig:
    """Fine-tuning on curated demonstrations."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig("muon", updates=240, learning_rate=1e-3, warmup_updates=10)
    )
    """Optimizer and schedule."""
    batch_episodes: int = 16
    """Whole episodes per batch."""
    mixed_episodes: int = 4
    """Episodes of `--mixed` added to each batch."""
    shift: int = 0
    """Augmentation: largest random shift of an episode's frames, in pixels; 0 turns it off."""
    initial: Literal["base", "random"] = "base"
    """Initial weights: those of the base agent, or random ones for comparison."""
    evaluate_every: int = 0
    """Updates between evaluations during training, which `metrics.jsonl` gets; 0 for none."""


def finetune(
    config: FinetuneConfig,
    base: Path,
    curated: Path,
    out: Path,
    seed: int = 0,
    mixed: Path | None = None,
    device: str = "auto",
) -> None:
    """Fine-tune the base agent on curated demonstrations.

    Args:
        config: Fine-tuning on curated demonstrations.
        base: Base agent to start from.
        curated: Dataset to imitate, with frames.
        out: Directory of the fine-tuned agent.
        seed: Seed for the order of episodes, and for random initial weights.
        mixed: Dataset with frames to mix into each batch, against forgetting.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
    """
    use_device(device)
    inputs = {"base": base, "curated": curated, "mixed": mixed}
    with distributed.begin(
        out, kind="policy", config=config, seed=seed, inputs=inputs, batch=config.batch_episodes
    ) as work:
        if work.finished:
            return
        policy = Policy.from_pretrained(base, choose_device())
        if config.initial == "random":
            policy = Policy.initialize(policy.config, integer_seed(seed, "fine-tune from scratch"), policy.metadata)
            policy.network.to(choose_device())
        policy.metadata["stage"] = "finetuned"
        mixing = None if mixed is None else (Dataset(mixed), config.mixed_episodes)
        watch = while_training(policy, config.evaluate_every, config.optimizer.updates, seed)
        last = imitate(
            policy,
            Dataset(curated),
            config.optimizer,
            config.batch_episodes,
            seed,
            out,
            "fine-tune",
            mixed=mixing,
            shift=config.shift,
            after_update=watch,
        )
        if distributed.rank() > 0:
            return
        policy.save_pretrained(out)
        work.metrics.update(last)


if __name__ == "__main__":
    with command_line(), distributed.processes():
        tyro.cli(finetune, prog="python -m baselines.finetune")
