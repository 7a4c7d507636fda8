"""Stage 3a, rollouts: an agent plays episodes, which are saved as a dataset.

python -m baselines.rollouts --agent runs/quick/finetuned --out runs/quick/rollouts --episodes 1200
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.dataset.drawing import draw_frames
from agents.workers import open_workers
from agents.worlds import Elsewhere
from baselines import artifact
from baselines.models.cast import Agent, play_agent
from baselines.models.playing import make_actor
from baselines.models.precision import use_device
from jumppad_env.command_line import command_line
from jumppad_env.dataset.writing import EpisodeLog, Unfinished
from jumppad_env.drawing import RENDERER
from jumppad_env.files import content_digest
from jumppad_env.machine.cores import count_cores
from jumppad_env.streams import integer_seed


@dataclass(frozen=True)
class RolloutsConfig(Elsewhere):
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
    cluster: str | None = None,
) -> None:
    """Play episodes with an agent and save them as a dataset with frames; the same command resumes.

    Args:
        config: How the agent plays.
        agent: Policy that plays.
        out: Directory of the dataset.
        seed: Seed for the episodes.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
        cluster: Ray cluster that plays and renders instead: auto, HOST:PORT or ray://HOST:PORT.
    """
    use_device(device)
    _, image_size, known = make_actor(agent, 1)
    world = config.of(known)
    keywords = {"observation": "state"} if image_size is None else {"observation": "pixels", "image_size": image_size}
    asked: dict[str, Any] = {
        "seed": seed,
        "population": f"agent {agent.name}",
        "temperature": config.temperature,
        "episodes": config.episodes,
        "environment": {**world.entry, **keywords, "character": "rider", "variety": "none"},
        "states": {"columns": list(world.state_columns)},
        "renderer": None if image_size is None else RENDERER,
    }
    if artifact.is_finished(agent):  # otherwise somebody's own weights
        asked["agent"] = content_digest(artifact.read_manifest(agent))
    seeds = [integer_seed(seed, "rollouts", index) for index in range(config.episodes)]
    with Unfinished(out, asked) as work:
        if work.manifest is not None:
            return
        with open_workers(count_cores(), cluster, jobs=1) as workers:
            with EpisodeLog(work.path, (), world.state_columns, world.settings) as log:
                cast = Agent(str(agent), config.temperature, levels=config.levels, color_tie=config.color_tie)
                for trajectory in play_agent(cast, seeds, workers, "rollouts", done=len(log.seeds)):
                    log.append(trajectory)
                found = log.finish()
            # The agent saw the same frames: they depend on nothing but states and characters.
            drawn = {}
            if image_size is not None:
                drawn["frames.npy"] = draw_frames(work.path, world.options(image_size=image_size), None, workers)
        work.finish(found, drawn)


if __name__ == "__main__":
    with command_line():
        tyro.cli(rollouts, prog="python -m baselines.rollouts")
