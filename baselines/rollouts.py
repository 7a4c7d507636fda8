"""Stage 3a, rollouts: an agent plays, and its episodes are kept as a dataset.

    python -m baselines.rollouts --agent runs/quick/finetuned --out runs/quick/rollouts --episodes 1200
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tyro
from tqdm import tqdm

from agents.dataset import write_dataset
from agents.rollout import make_envs, rollout
from agents.trajectory import Trajectory
from baselines.policy import Policy, PolicyActor
from baselines.precision import choose_device
from jumppad_env.command_line import command_line
from jumppad_env.streams import integer_seed

PARALLEL = 64
"""Episodes played at a time."""


def play(
    policy: Policy, episodes: int, seed: int, name: str, *, temperature: float = 1.0, keep_frames: bool = True
) -> Iterator[Trajectory]:
    """Plays episodes with a policy, with a progress bar.

    Args:
        policy: who plays.
        episodes: how many.
        seed: their seeds come from the stream of this seed and `name`.
        name: also the bar's label.
        temperature: divides the logits.
        keep_frames: whether trajectories hold the pixels.
    """
    envs = make_envs(min(PARALLEL, episodes), policy.config.image_size)
    try:
        seeds = [integer_seed(seed, name, index) for index in range(episodes)]
        actor = PolicyActor(policy, temperature)
        played = rollout(envs, actor, seeds, keep_frames=keep_frames)
        yield from tqdm(played, total=episodes, desc=name, unit="episode", dynamic_ncols=True)
    finally:
        envs.close()


@dataclass(frozen=True)
class RolloutsConfig:
    """How the agent plays."""

    episodes: int = 1200
    """Number of episodes."""
    temperature: float = 1.0
    """Divides the logits; 1.0 is the policy itself."""


def rollouts(config: RolloutsConfig, agent: Path, out: Path, seed: int) -> None:
    """Plays episodes and keeps them as a dataset with frames, which appears at `out` when finished."""
    policy = Policy.from_pretrained(agent, choose_device())
    policy.network.eval()
    played = play(policy, config.episodes, seed, "rollouts", temperature=config.temperature)
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
