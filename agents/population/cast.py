"""A cast: a population that plays some character in an environment."""

from __future__ import annotations

from collections.abc import Iterator

from agents.population.demonstrator import Crowd
from agents.population.populations import POPULATIONS
from agents.rollout import make_envs, rollout
from jumppad_env.dataset import Trajectory
from jumppad_env.streams import integer_seed

FAVORITE = "favorite"
"""Name of the choice that each person plays their own favorite character."""


class PeopleSeats:
    """An environment and the people in it; see `agents.workers.processes.Seats`.

    Args:
        population: a name in `POPULATIONS`.
        character: keyword of the environment, or `FAVORITE`.
        parallel: number of people who play at a time.
        threads: threads of the environment.
    """

    def __init__(self, population: str, character: str, parallel: int, threads: int) -> None:
        self._favorites = character == FAVORITE
        keywords = {} if self._favorites else {"character": character}
        self._envs = make_envs(parallel, None, threads=threads, **keywords)
        self._crowd = Crowd(POPULATIONS[population], parallel)

    def play(self, seeds: list[int]) -> Iterator[Trajectory]:
        """Plays one episode per seed and yields them in the order of the seeds."""
        return rollout(self._envs, self._crowd, seeds, favorites=self._favorites)

    def close(self) -> None:
        """Closes the environment."""
        self._envs.close()


def episode_seed(seed: int, population: str, index: int) -> int:
    """Returns the seed of a population's episode, given the seed of the command."""
    return integer_seed(seed, f"collect {population}", index)
