"""Stage 3a, rollouts: an agent plays, and its episodes are kept as a dataset.

python -m baselines.rollouts --agent runs/quick/finetuned --out runs/quick/rollouts --episodes 1200
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from agents.dataset import write_dataset
from baselines.models.playing import play
from jumppad_env.command_line import command_line
from jumppad_env.streams import integer_seed


@dataclass(frozen=True)
class RolloutsConfig:
    """How the agent plays."""

    episodes: int = 1000
    """Number of episodes."""
    temperature: float = 1.0
    """Divides the logits; 1.0 is the policy itself."""


def rollouts(config: RolloutsConfig, agent: Path, out: Path, seed: int) -> None:
    """Plays episodes and keeps them as a dataset with frames, which appears at `out` when finished."""
    seeds = [integer_seed(seed, "rollouts", index) for index in range(config.episodes)]
    played = play(agent, seeds, "rollouts", temperature=config.temperature)
    description = {"population": f"agent {agent.name}", "temperature": config.temperature}
    write_dataset(out, played, seed=seed, description=description)


@dataclass(frozen=True)
class Arguments(RolloutsConfig):
    """Play episodes with an agent and keep them as a dataset."""

    agent: Path = tyro.MISSING
    """Who plays."""
    out: Path = tyro.MISSING
    """Directory of the dataset."""
    seed: int = 0
    """Of the episodes."""


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        rollouts(arguments, arguments.agent, arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
