"""Plays episodes with an agent and counts which pad it reaches.

python -m baselines.evaluate runs/quick/left/aligned --episodes 1000 --seed 1
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from agents.outcomes import paths, summarize, table
from baselines import artifact
from baselines.playing import play
from baselines.policy import Policy
from baselines.precision import choose_device
from jumppad_env.command_line import command_line
from jumppad_env.files import write_atomically
from jumppad_env.trajectory import Trajectory

OUTCOMES = "outcomes.json"
PATHS = "paths.npz"


@dataclass(frozen=True)
class EvaluateConfig:
    """How an agent is evaluated."""

    episodes: int = 500
    """Number of episodes."""
    temperature: float = 1.0
    """Divides the logits; 1.0 is the policy itself."""

    def __post_init__(self) -> None:
        """Refuses an evaluation of nothing."""
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")


def play_episodes(config: EvaluateConfig, agent: Path, seed: int) -> list[Trajectory]:
    """Returns the episodes of an evaluation, without frames."""
    policy = Policy.from_pretrained(agent, choose_device())
    policy.network.eval()
    name = f"evaluate {agent.name}"
    return list(play(policy, config.episodes, seed, name, temperature=config.temperature, keep_frames=False))


def save_evaluation(trajectories: Sequence[Trajectory], directory: Path) -> dict[str, object]:
    """Writes outcomes and paths into a directory and returns the outcome object."""
    outcome = summarize([t.pad for t in trajectories], [len(t) for t in trajectories])
    np.savez_compressed(directory / PATHS, **paths(trajectories))  # pyright: ignore[reportArgumentType]
    write_atomically(directory / OUTCOMES, json.dumps(outcome, indent=2).encode())
    return outcome


def evaluate(config: EvaluateConfig, agent: Path, out: Path, seed: int) -> None:
    """Evaluates an agent and keeps outcomes and paths as an artifact."""
    with artifact.begin(out, kind="evaluation", config=config, seed=seed, inputs={"agent": agent}) as work:
        if not work.finished:
            work.metrics.update(save_evaluation(play_episodes(config, agent, seed), work.directory))


@dataclass(frozen=True)
class Arguments(EvaluateConfig):
    """Count which pad an agent reaches."""

    agent: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Directory of the agent."""
    seed: int = 0
    """Of the episodes."""
    json: bool = False
    """Print the outcome object instead of a table."""


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        trajectories = play_episodes(arguments, arguments.agent, arguments.seed)
        outcome = summarize([t.pad for t in trajectories], [len(t) for t in trajectories])
        print(json.dumps(outcome) if arguments.json else table({str(arguments.agent): outcome}))


if __name__ == "__main__":
    main()
