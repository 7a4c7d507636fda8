"""A cast: a population that plays some character in an environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.population.demonstrator import Crowd
from agents.population.populations import POPULATIONS
from agents.rollout import make_envs, rollout
from agents.worlds import WorldConfig
from jumppad_env.dataset import Trajectory
from jumppad_env.streams import integer_seed

FAVORITE = "favorite"
"""Name of the choice that each person plays their own favorite character."""


PARALLEL = 64
"""Most people who play at a time; their episodes do not depend on it."""


@dataclass(frozen=True)
class People:
    """A population that plays some character; see `agents.workers.playing.Cast`."""

    population: str
    """A name in `POPULATIONS`."""
    character: str
    """Keyword of the environment, or `FAVORITE`."""
    world: WorldConfig = WorldConfig()  # noqa: RUF009

    def __call__(self, episodes: int, threads: int) -> PeopleSeats:
        """Makes seats."""
        return PeopleSeats(self, min(PARALLEL, episodes), threads)


class PeopleSeats:
    """An environment and the people in it; see `agents.workers.playing.Seats`."""

    def __init__(self, people: People, parallel: int, threads: int) -> None:
        self._favorites = people.character == FAVORITE
        keywords = {} if self._favorites else {"character": people.character}
        self._envs = make_envs(parallel, None, people.world, threads=threads, **keywords)
        self._crowd = Crowd(POPULATIONS[people.population], parallel, people.world.settings)

    def play(self, seeds: list[int]) -> Iterator[Trajectory]:
        """Plays one episode per seed and yields them in the order of the seeds."""
        return rollout(self._envs, self._crowd, seeds, favorites=self._favorites)

    def close(self) -> None:
        """Closes the environment."""
        self._envs.close()


def episode_seed(seed: int, population: str, index: int) -> int:
    """Returns the seed of a population's episode, given the seed of the command."""
    return integer_seed(seed, f"collect {population}", index)
