"""Episodes of people on levels that are given, and people who are sent to pads that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from agents.population import CURATED
from agents.population.demonstrator import Crowd, Demonstrator
from agents.population.modes import Direct
from agents.population.ways import mirror_island
from jumppad_env.island import Places
from jumppad_env.levels import LevelSettings
from jumppad_env.streams import stream


class Ended(NamedTuple):
    """How episodes ended."""

    pads: np.ndarray
    """(N, K) taken on each island, -1 none."""
    islands: np.ndarray
    """(N,) the last island that was reached."""
    steps: np.ndarray
    """(N,) control steps."""


def play(crowd: Crowd, seeds: Sequence[int], settings: LevelSettings | None, threads: int, **options: Any) -> Ended:
    """Plays one episode per row to its end.

    Args:
        crowd: people, already reset.
        seeds: of the environments' episodes.
        settings: what levels are like; None: the classic island.
        threads: for physics.
        **options: reset options.
    """
    count = len(seeds)
    keywords: dict[str, Any] = {"observation": "state", "threads": threads, "autoreset_mode": "Disabled"}
    if settings is None:
        envs: Any = gymnasium.make_vec("Jumppad-v0", count, **keywords)
    else:
        envs = gymnasium.make_vec("JumppadIslands-v0", count, num_levels=0, **keywords, **vars(settings))
    _, infos = envs.reset(seed=list(seeds), options=options)
    playing = np.ones(count, bool)
    found = Ended(np.full((count, settings.islands if settings else 1), -1), np.zeros(count, int), np.zeros(count, int))
    while playing.any():
        _, _, terminated, truncated, infos = envs.step(crowd.act(None, infos))
        found.steps[playing] += 1
        ended = playing & (terminated | truncated)
        found.pads[ended] = (infos["pads"] if settings else infos["pad"][:, None])[ended]
        found.islands[ended] = infos["island"][ended] if settings else 0
        envs.retire(ended)
        playing &= ~ended
    envs.close()
    return found


class Runner(Demonstrator):
    """A person of the curated population who runs to given pads.

    Args:
        seed: of the episode.
        plan: the pad on each island, from the left.
    """

    def __init__(self, seed: int, plan: Sequence[int]) -> None:
        super().__init__(CURATED, seed)
        self._plan = plan

    def arrive(self, island: Places, step: int = 0) -> None:
        """Sets out for the island's pad in the plan, whatever the person would have chosen."""
        super().arrive(island, step)
        number = len(self.modes) - 1
        pad, generator = self._plan[number], stream(self._seed, "runner", number)
        if self.person.mirrored:
            island, pad = mirror_island(island), len(island.pads) - 1 - pad
        self._strategy = Direct(island, self.person, generator, pad)


class Runners(Crowd):
    """Runners in the rows of a vector environment."""

    def __init__(self, runners: Sequence[Runner], settings: LevelSettings) -> None:
        super().__init__(CURATED, len(runners), settings)
        self._demonstrators = list(runners)

    @property
    def favorites(self) -> list[str]:
        """Their favorite characters."""
        return [runner.person.favorite for runner in self._demonstrators if runner is not None]
