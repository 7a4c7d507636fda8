"""Records videos of an agent's episodes.

python -m baselines.record runs/quick/left/aligned --episodes 9 --out videos --grid
python -m baselines.record human --episodes 9 --out videos --grid --gif
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from agents.figures.palette import outcome_name
from agents.figures.video import write_episode, write_gif, write_grid
from agents.outcomes import NAMES
from agents.population import POPULATIONS
from agents.progress import Progress
from agents.worlds import WorldConfig
from baselines import artifact
from baselines.models import playing
from baselines.models.precision import use_device
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Trajectory
from jumppad_env.files import BEGUN, MANIFEST
from jumppad_env.streams import integer_seed

KIND = "videos"
GRID, PREVIEW = "grid.mp4", "preview.gif"
FILM = re.compile(r"episode_\d{3,}\.mp4")


@dataclass(frozen=True)
class RecordConfig:
    """What to record."""

    agent: tyro.conf.Positional[str]
    """Directory of a policy, or a scripted population: "human", "curated", or one mode such as "direct_left"."""
    out: Path
    """Directory for the videos, of its own; an interrupted recording resumes."""
    episodes: int = 9
    """Number of episodes."""
    seed: int = 0
    """Seed for the episodes."""
    grid: bool = False
    """Also record all episodes side by side, in grid.mp4."""
    gif: bool = False
    """Also write preview.gif, a small animation of the grid or else of the first episode."""
    overwrite: bool = False
    """Remove the videos that are there, and record anew."""
    device: str = "auto"
    """Where a policy runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one."""

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")

    def paths(self) -> list[Path]:
        """Returns all files that will be written: the episodes first, then grid and preview."""
        extras = [name for name, asked in ((GRID, self.grid), (PREVIEW, self.gif)) if asked]
        return [self.out / name for name in (*(f"episode_{i:03d}.mp4" for i in range(self.episodes)), *extras)]


def play(agent: str, seeds: Sequence[int], world: WorldConfig | None = None) -> list[Trajectory]:
    """Plays one episode per seed, without keeping its frames.

    Args:
        agent: See `RecordConfig.agent`.
        seeds: Seeds of the episodes.
        world: Where a scripted population plays; by default on the classic island.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
    """
    return list(playing.play(agent, seeds, f"play {agent}", keep_frames=False, world=world))


def record(config: RecordConfig) -> dict[str, int]:
    """Plays episodes and records them; after an interruption, the same call goes on with the next film.

    Returns:
        How many episodes ended with each outcome.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged, the directory holds other videos, or there is no such device.
        OSError: A video cannot be written.
    """
    use_device(config.device)
    playing.make_actor(config.agent, 1)  # refuses a wrong name or a damaged policy before anything is written
    if config.overwrite:
        _discard(config.out)
    inputs = {"agent": Path(config.agent)} if artifact.is_finished(config.agent) else {}
    asked = Recorded(agent_title(config.agent), config.episodes, config.grid, config.gif)
    with artifact.begin(config.out, kind=KIND, config=asked, seed=config.seed, inputs=inputs) as work:
        if not work.finished:
            trajectories = play(config.agent, episode_seeds(config.seed, config.episodes))
            for index, trajectory in enumerate(Progress(trajectories, description="record", unit="episode")):
                if not (path := config.paths()[index]).exists():
                    write_episode(path, trajectory, asked.agent, index)
            if config.grid:
                write_grid(config.out / GRID, trajectories, asked.agent)
            if config.gif:
                write_gif(config.out / PREVIEW, config.out / GRID if config.grid else config.paths()[0])
            outcomes = [outcome_name(trajectory.place) for trajectory in trajectories]
            work.metrics.update({name: outcomes.count(name) for name in NAMES})
    return work.metrics


@dataclass(frozen=True)
class Recorded:
    """What a directory of videos holds."""

    agent: str
    """As the captions name it."""
    episodes: int
    grid: bool
    gif: bool


def _discard(out: Path) -> None:
    """Removes the videos of a directory, and nothing else."""
    for name in (MANIFEST, BEGUN):  # first, so that nothing that is finished lacks a video
        (out / name).unlink(missing_ok=True)
    for path in out.glob("*"):
        if path.name in (GRID, PREVIEW) or FILM.fullmatch(path.name):
            path.unlink()


def record_grid(agent: str, episodes: int, path: Path, seed: int, world: WorldConfig | None = None) -> None:
    """Plays episodes and records them side by side in one video.

    Args:
        agent: See `RecordConfig.agent`.
        episodes: Number of episodes.
        path: The mp4 file.
        seed: Seed for the episodes; `record` plays the same ones with the same seed.
        world: Where a scripted population plays; by default on the classic island.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
        OSError: The video cannot be written.
    """
    write_grid(path, play(agent, episode_seeds(seed, episodes), world), agent_title(agent))


def episode_seeds(seed: int, episodes: int) -> list[int]:
    """Returns the seeds of the recorded episodes."""
    return [integer_seed(seed, "record", index) for index in range(episodes)]


def agent_title(agent: str) -> str:
    """Returns an agent's name for captions: "human", "base" or "left / aligned" in a run, whatever the run's name."""
    if agent in POPULATIONS:
        return agent.replace("_", " ")
    path = Path(agent).resolve()
    run = next((parent for parent in path.parents if (parent / artifact.RUN).is_file()), None)
    parts = path.parts[-2:] if run is None else path.relative_to(run).parts
    return " ".join(" / ".join(parts).replace("_", " ").split())  # on one line, whatever the path


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        config = tyro.cli(RecordConfig, prog="python -m baselines.record", args=arguments, description=__doc__)
        counts = ", ".join(f"{name} {count}" for name, count in record(config).items())
        print(f"{config.out}: {len(config.paths())} files of {config.episodes} episodes ({counts})")


if __name__ == "__main__":
    main()
