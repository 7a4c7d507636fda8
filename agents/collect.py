"""Collects demonstrations into a dataset.

python -m agents.collect runs/demonstrations --episodes 2000 --population human --seed 0
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from tqdm import tqdm

from agents.dataset import write_dataset
from agents.demonstrator import Crowd, Demonstrator
from agents.population import POPULATIONS
from agents.rollout import make_envs, rollout
from agents.trajectory import Trajectory
from jumppad_env.command_line import command_line
from jumppad_env.rules import PADS
from jumppad_env.streams import integer_seed

PARALLEL = 64
"""Episodes played at a time; the result does not depend on it."""


@dataclass(frozen=True)
class CollectConfig:
    """What to collect."""

    episodes: int = 1000
    """Number of episodes; for "curated", of successful ones, an equal number per pad."""
    population: str = "human"
    """"human", "curated", or one mode of behavior."""
    seed: int = 0
    """The same seed collects the same bytes."""
    image_size: tuple[int, int] | None = (64, 64)
    """Height and width of the frames; None collects states only."""
    character: str = "rider"
    """One of five looks, or "random": another one in every episode."""
    variety: str = "none"
    """What the frames look like: "none", "paper", "high", or the name of a kind; play is the same in all."""

    def __post_init__(self) -> None:
        """Refuses what cannot be collected."""
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
        if self.population not in POPULATIONS:
            raise ValueError(f"population {self.population!r} is unknown; choose one of {', '.join(POPULATIONS)}")
        if self.population == "curated" and self.episodes % len(PADS):
            raise ValueError(
                f"episodes of the curated population must be a multiple of {len(PADS)}, got {self.episodes}"
            )


def collect(config: CollectConfig, directory: Path | str) -> int:
    """Collects a dataset; it appears at `directory` only when finished.

    Returns:
        The number of steps.

    Raises:
        ValueError: the directory exists.
        OSError: it cannot be written; nothing is left behind.
    """
    if Path(directory).exists():  # before the work, not after it
        raise ValueError(f"{directory} exists; choose another place or delete it")
    envs = make_envs(
        min(PARALLEL, config.episodes), config.image_size, character=config.character, variety=config.variety
    )
    try:
        actor = Crowd(POPULATIONS[config.population], envs.num_envs)
        if config.population == "curated":
            played = _curated(envs, actor, config)
        else:
            name = f"collect {config.population}"
            played = rollout(envs, actor, [integer_seed(config.seed, name, index) for index in range(config.episodes)])
        names = ("observation", "image_size", "character", "variety")
        keywords = {name: getattr(envs.unwrapped.options, name) for name in names}
        description = {
            "population": config.population,
            "shares": POPULATIONS[config.population].shares,
            "environment": {"id": "Jumppad-v0", **keywords},
        }
        return write_dataset(directory, _progress(played, config), seed=config.seed, description=description)
    finally:
        envs.close()


def _curated(envs: Any, actor: Crowd, config: CollectConfig) -> Iterator[Trajectory]:
    """Plays direct runs until every pad has its number of successful ones."""
    missing = {f"direct_{pad}": config.episodes // len(PADS) for pad in PADS}
    candidates = (integer_seed(config.seed, "collect curated", index) for index in itertools.count())
    while any(missing.values()):
        planned = dict(missing)
        seeds: list[int] = []
        while any(planned.values()):
            seed = next(candidates)
            mode = Demonstrator(actor.population, seed).mode  # what a person intends is known before playing
            if planned[mode] > 0:
                planned[mode] -= 1
                seeds.append(seed)
        for trajectory in rollout(envs, actor, seeds):
            if trajectory.pad == PADS.index(trajectory.mode.removeprefix("direct_")):
                missing[trajectory.mode] -= 1
                yield trajectory


def _progress(played: Iterable[Trajectory], config: CollectConfig) -> Iterator[Trajectory]:
    with tqdm(total=config.episodes, desc=f"collect {config.population}", unit="episode", dynamic_ncols=True) as bar:
        steps = 0
        for trajectory in played:
            yield trajectory
            steps += len(trajectory)
            bar.update()
            bar.set_postfix(frames=steps, refresh=False)


@dataclass(frozen=True)
class Arguments:
    """Collect demonstrations into a dataset."""

    out: Annotated[Path, tyro.conf.Positional]
    """Directory to make."""
    config: Annotated[CollectConfig, tyro.conf.arg(name="")]


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        options = tyro.cli(Arguments, args=arguments, description=__doc__)
        steps = collect(options.config, options.out)
        print(f"{options.out}: {options.config.episodes} episodes, {steps} steps")


if __name__ == "__main__":
    main()
