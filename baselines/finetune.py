"""Stage 2, fine-tuning: imitation of curated demonstrations that go straight to a pad.

    python -m baselines.finetune --base runs/quick/base --curated runs/quick/curated --out runs/quick/finetuned

Source: paper, section 3, step 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from agents.dataset import Dataset
from baselines import artifact
from baselines.imitation import imitate
from baselines.policy import Policy
from baselines.precision import choose_device
from baselines.training import OptimizerConfig
from jumppad_env.command_line import command_line


@dataclass(frozen=True)
class FinetuneConfig:
    """Training on curated demonstrations."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig("muon", updates=240, learning_rate=1e-3, warmup_updates=10)
    )
    """Optimizer and schedule."""
    batch_episodes: int = 16
    """Whole episodes per update."""


def finetune(config: FinetuneConfig, base: Path, curated: Path, out: Path, seed: int) -> None:
    """Fine-tunes the base agent and saves the policy.

    Args:
        config: see `FinetuneConfig`.
        base: the base agent.
        curated: a dataset with frames.
        out: artifact directory.
        seed: of the order of episodes.
    """
    inputs = {"base": base, "curated": curated}
    with artifact.begin(out, kind="policy", config=config, seed=seed, inputs=inputs) as work:
        if work.finished:
            return
        policy = Policy.from_pretrained(base, choose_device())
        policy.metadata["stage"] = "finetuned"
        dataset = Dataset(curated)
        last = imitate(policy, dataset, config.optimizer, config.batch_episodes, seed, work.directory, "fine-tune")
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
    config: FinetuneConfig = field(default_factory=FinetuneConfig)


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        finetune(arguments.config, arguments.base, arguments.curated, arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
