"""Collects demonstrations into a dataset; after an interruption, the same command resumes.

python -m agents.collect runs/demonstrations --episodes 2000 --population human --seed 0

Demonstrators observe states only, so several processes play all episodes first; frames are rendered afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.dataset.drawing import draw_frames
from agents.population import POPULATIONS
from agents.population.cast import FAVORITE, People, episode_seed
from agents.population.demonstrator import Demonstrator
from agents.population.modes import GOALS
from agents.population.populations import pads_of
from agents.progress import Progress
from agents.workers import Workers, count_workers, open_workers
from agents.workers.playing import BLOCK, play
from agents.worlds import WorldConfig
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Trajectory
from jumppad_env.dataset.writing import EpisodeLog, Unfinished
from jumppad_env.drawing import RENDERER
from jumppad_env.rules import PADS
from jumppad_env.world.state import TAKEN, taken_pads


@dataclass(frozen=True)
class CollectConfig:
    """What to collect."""

    episodes: int = 1000
    """Number of episodes; "curated" collects successful ones only, the same number per pad."""
    population: str = "human"
    """"human", "curated", or one mode of behavior."""
    seed: int = 0
    """Seed of the episodes; the same seed collects the same bytes."""
    image_size: tuple[int, int] | None = (64, 64)
    """Height and width of the frames; None collects states only."""
    character: str = "rider"
    """One of the five characters; "random": a new one in every episode; "favorite": each person's own favorite."""
    variety: str = "none"
    """Visual variety of the frames: "none", "paper", "high", or the name of a kind; play does not depend on it."""
    world: Annotated[WorldConfig, tyro.conf.arg(name="")] = WorldConfig()  # noqa: RUF009
    """Where episodes are played."""

    def __post_init__(self) -> None:
        """Validates the config."""
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
        if self.population not in POPULATIONS:
            raise ValueError(f"population {self.population!r} is unknown; choose one of {', '.join(POPULATIONS)}")
        if self.population == "curated" and self.episodes % len(PADS):
            raise ValueError(
                f"episodes of the curated population must be a multiple of {len(PADS)}, got {self.episodes}"
            )


def collect(
    config: CollectConfig, directory: Path | str, workers: int | None = None, cluster: str | None = None
) -> int:
    """Collects a dataset, which appears at `directory` only when finished; resumes an interrupted call.

    Args:
        config: what to collect.
        directory: must not exist.
        workers: number of processes that play and of threads that render; one per core by default. The result does not
            depend on it.
        cluster: address of a Ray cluster that plays and renders instead; see `agents.workers.cluster.Cluster`.

    Returns:
        The number of steps.

    Raises:
        ValueError: the directory exists, or an unfinished dataset there has other options.
        OSError: writing failed; what was collected is kept, and the same call resumes.
    """
    workers = count_workers(workers)
    with Unfinished(directory, _asked(config)) as work:
        if work.manifest is not None:
            return work.manifest["steps"]
        with EpisodeLog(work.path, GOALS, config.world.state_columns, config.world.settings) as log:
            missing = config.episodes - len(log.seeds)
            if missing:
                with open_workers(workers, cluster, jobs=math.ceil(missing / BLOCK)) as hands:
                    choose = _curated if config.population == "curated" else _all
                    for trajectory in _progress(choose(hands, config, list(log.seeds)), config, len(log.seeds)):
                        log.append(trajectory)
            found = log.finish()
        digests: dict[str, str] = {}
        if config.image_size is not None:
            with open_workers(workers, cluster, jobs=1) as hands:
                options = config.world.options(image_size=config.image_size, variety=config.variety)
                digests["frames.npy"] = draw_frames(work.path, options, None, hands)
        work.finish(found, digests)
    return log.steps


def _asked(config: CollectConfig) -> dict[str, Any]:
    """Returns the manifest entries that are known beforehand."""
    favorites = config.character == FAVORITE
    keywords: dict[str, Any] = {"character": "random" if favorites else config.character, "variety": config.variety}
    if config.image_size is None:
        keywords = {"observation": "state", **keywords}
    else:
        keywords = {"observation": "pixels", "image_size": config.image_size, **keywords}
    config.world.options(**keywords)  # validates the keywords
    return {
        "seed": config.seed,
        "population": config.population,
        "shares": POPULATIONS[config.population].shares,
        "environment": {**config.world.entry, **keywords},
        "states": {"columns": list(config.world.state_columns)},
        **({"favorites": True} if favorites else {}),
        "renderer": None if config.image_size is None else RENDERER,
        "episodes": config.episodes,
    }


def _all(workers: Workers, config: CollectConfig, done: list[int]) -> Iterator[Trajectory]:
    """Plays the requested number of episodes; those already done come first and are not played again."""
    indices = range(len(done), config.episodes)
    seeds = [episode_seed(config.seed, config.population, index) for index in indices]
    return play(People(config.population, config.character, config.world), seeds, workers)


def _curated(workers: Workers, config: CollectConfig, done: list[int]) -> Iterator[Trajectory]:
    """Plays direct runs until every pad has its number of successful ones.

    Args:
        workers: where they are played.
        config: what to collect.
        done: seeds of the successful runs so far, which are not played again.

    Raises:
        ValueError: the population hardly ever reaches some pad.
    """
    missing = {f"direct_{pad}": config.episodes // len(PADS) for pad in PADS}
    chosen = POPULATIONS["curated"].shares
    if chosen.keys() != missing.keys():
        raise ValueError(
            f"the curated population chooses {', '.join(chosen)}, but {', '.join(missing)} are needed; "
            "change its shares in agents/population/populations.py"
        )
    most = 1000 + 20 * config.episodes  # far more than needed
    candidates = (episode_seed(config.seed, "curated", index) for index in range(most))
    known = set(done)
    while any(missing.values()):
        planned = dict(missing)
        modes: dict[int, str] = {}  # by seed
        while any(planned.values()):
            seed = next(candidates, None)
            if seed is None:
                short = ", ".join(f"{count} of {mode}" for mode, count in missing.items() if count)
                raise ValueError(
                    f"{most} runs of the curated population were not enough, still missing: {short}; "
                    "check that its people choose and reach every pad"
                )
            mode = Demonstrator(POPULATIONS["curated"], seed).mode  # the intended mode is known before playing
            if planned[mode] > 0:
                planned[mode] -= 1
                modes[seed] = mode
        seeds = list(modes)
        successful = [index for index, seed in enumerate(seeds) if seed in known]
        for index in successful:
            missing[modes[seeds[index]]] -= 1
        # Results are kept in order: unknown seeds before the last known success have failed.
        unknown = seeds[successful[-1] + 1 if successful else 0 :]
        for trajectory in play(People("curated", config.character, config.world), unknown, workers):
            if _as_intended(trajectory, config.world):
                missing[trajectory.mode.split(", ")[0]] -= 1
                yield trajectory


def _as_intended(trajectory: Trajectory, world: WorldConfig) -> bool:
    """Returns whether a direct run reached the pad that it was meant to, on each island."""
    modes, pads = trajectory.mode.split(", "), [trajectory.pad]
    if world.settings is not None:
        pads = taken_pads(trajectory.states[-1, TAKEN], world.islands).tolist()
    if len(modes) < len(pads):
        return False
    meant = (pads_of(mode.removeprefix("direct_"), world.pads) for mode in modes)
    return all(pad in several for pad, several in zip(pads, meant, strict=True))


def _progress(played: Iterable[Trajectory], config: CollectConfig, done: int) -> Iterator[Trajectory]:
    label = f"play {config.population}"
    with Progress(played, label, config.episodes, initial=done, unit="episode") as bar:
        steps = 0
        for trajectory in bar:
            yield trajectory
            steps += len(trajectory)
            bar.set_postfix(steps=steps, refresh=False)


@dataclass(frozen=True)
class Arguments:
    """Collect demonstrations into a dataset."""

    out: Annotated[Path, tyro.conf.Positional]
    """Directory of the new dataset."""
    config: Annotated[CollectConfig, tyro.conf.arg(name="")]
    workers: int | None = None
    """Number of processes that play and of threads that render; one per core by default."""
    cluster: str | None = None
    """Ray cluster that plays and renders instead: auto for the one that this machine belongs to, HOST:PORT, or
    ray://HOST:PORT. The dataset is the same."""


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        options = tyro.cli(Arguments, prog="python -m agents.collect", args=arguments, description=__doc__)
        steps = collect(options.config, options.out, options.workers, options.cluster)
        print(f"{options.out}: {options.config.episodes} episodes, {steps} steps")


if __name__ == "__main__":
    main()
