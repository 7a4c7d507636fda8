"""Stage 2, fine-tuning: imitation of curated demonstrations that go straight to a pad.

    python -m baselines.finetune --base runs/quick/base --curated runs/quick/curated --out runs/quick/finetuned

Source: paper, section 3, step 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro

from agents.dataset import Dataset
from baselines import artifact
from baselines.models.policy import Policy
from baselines.models.precision import choose_device
from baselines.training.imitation import imitate
from baselines.training.loop import OptimizerConfig
from jumppad_env.command_line import command_line
from jumppad_env.streams import integer_seed


@dataclass(frozen=True)
class FinetuneConfig:
    """Training on curated demonstrations."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig("muon", updates=240, learning_rate=1e-3, warmup_updates=10)
    )
    """Optimizer and schedule."""
    batch_episodes: int = 16
    """Whole episodes per update."""
    mixed_episodes: int = 4
    """Of the demonstrations mixed in, per update beside them, where there are any."""
    initial: Literal["base", "random"] = "base"
    """Whether it starts from the base agent or, for comparison, from random weights."""


def finetune(
    config: FinetuneConfig, base: Path, curated: Path, out: Path, seed: int, mixed: Path | None = None
) -> None:
    """Fine-tunes the base agent and saves the policy.

    Args:
        config: see `FinetuneConfig`.
        base: the base agent.
        curated: a dataset with frames.
        out: artifact directory.
        seed: of the order of episodes, and of the weights if they start at random.
        mixed: a dataset with frames, mixed in against forgetting.
    """
    inputs = {"base": base, "curated": curated} | ({} if mixed is None else {"mixed": mixed})
    with artifact.begin(out, kind="policy", config=config, seed=seed, inputs=inputs) as work:
        if work.finished:
            return
        policy = Policy.from_pretrained(base, choose_device())
        if config.initial == "random":
            policy = Policy.initialize(policy.config, integer_seed(seed, "fine-tune from scratch"), policy.metadata)
            policy.network.to(choose_device())
        policy.metadata["stage"] = "finetuned"
        last = imitate(
            policy,
            Dataset(curated),
            config.optimizer,
            config.batch_episodes,
            seed,
            work.directory,
            "fine-tune",
            mixed=None if mixed is None else (Dataset(mixed), config.mixed_episodes),
        )
        policy.save_pretrained(work.directory)
        work.metrics.update(last)


@dataclass(frozen=True)
class Arguments:
    """Fine-tune the base agent on curated demonstrations."""

    base: Path
    """The base agent."""
    curated: Path
    """Dataset to imitate."""
    out: Path
    """Directory of the fine-tuned agent."""
    seed: int = 0
    """Of the order of episodes."""
    mixed: Path | None = None
    """Dataset mixed in against forgetting."""
    config: FinetuneConfig = field(default_factory=FinetuneConfig)


def main() -> None:
    """Runs the command line."""
    with command_line():
        options = tyro.cli(Arguments)
        finetune(options.config, options.base, options.curated, options.out, options.seed, options.mixed)


if __name__ == "__main__":
    main()
