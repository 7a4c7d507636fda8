"""Stage 3a, rollouts: an agent plays episodes, which are saved as a dataset.

python -m baselines.rollouts --agent runs/quick/finetuned --out runs/quick/rollouts --episodes 1200
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.dataset import write_dataset
from baselines import artifact
from baselines.models.playing import play
from baselines.models.precision import use_device
from jumppad_env.command_line import command_line
from jumppad_env.files import content_digest
from jumppad_env.streams import integer_seed


@dataclass(frozen=True)
class RolloutsConfig:
    """How the agent plays."""

    episodes: int = 1000
    """Number of episodes."""
    temperature: float = 1.0
    """Sampling temperature: divides the logits."""


def rollouts(
    config: Annotated[RolloutsConfig, tyro.conf.arg(name="")],
    agent: Path,
    out: Path,
    seed: int = 0,
    device: str = "auto",
) -> None:
    """Play episodes with an agent and save them as a dataset with frames.

    Args:
        config: How the agent plays.
        agent: Policy that plays.
        out: Directory of the dataset; it appears once all episodes are played.
        seed: Seed for the episodes.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
    """
    use_device(device)
    seeds = [integer_seed(seed, "rollouts", index) for index in range(config.episodes)]
    played = play(agent, seeds, "rollouts", temperature=config.temperature)
    description: dict[str, Any] = {
        "population": f"agent {agent.name}",
        "temperature": config.temperature,
        "episodes": config.episodes,
    }
    if artifact.is_finished(agent):  # otherwise somebody's own weights
        description["agent"] = content_digest(artifact.read_manifest(agent))
    write_dataset(out, played, seed=seed, description=description)


if __name__ == "__main__":
    with command_line():
        tyro.cli(rollouts, prog="python -m baselines.rollouts")
