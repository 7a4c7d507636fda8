"""A cast of a learned agent, or of a scripted population, that plays wherever it is sent."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.population import POPULATIONS
from agents.probes import Probe, longer, play_probe
from agents.rollout import make_envs, rollout
from agents.workers import Here, Workers
from agents.workers.packing import Packed, pack
from agents.workers.playing import play
from agents.worlds import Elsewhere, WorldConfig
from baselines.models.playing import make_actor, progress


@dataclass(frozen=True)
class Agent(Elsewhere):
    """See `agents.workers.playing.Cast`."""

    agent: str
    """Directory of a policy, or the name of a scripted population."""
    temperature: float = 1.0
    """Divides a policy's logits."""
    probe: Probe | None = None
    """Disturbance of the agent; episodes then come as `agents.probes.Probed`."""
    world: WorldConfig | None = None
    """Where a scripted population plays; by default on the classic island."""
    files: Packed | None = None
    """Of the directory, for machines that may not see it."""

    def __call__(self, episodes: int, threads: int) -> AgentSeats:
        """Makes seats.

        Raises:
            FileNotFoundError: There is no such agent.
            ValueError: The policy is damaged.
        """
        if self.files is None:
            return AgentSeats(self, self.agent, episodes, threads)
        with tempfile.TemporaryDirectory(prefix="jumppad-") as folder:
            return AgentSeats(self, str(self.files.unpack(Path(folder) / Path(self.agent).name)), episodes, threads)


class AgentSeats:
    """An environment and the agent in its rows; see `agents.workers.playing.Seats`."""

    def __init__(self, cast: Agent, agent: str, episodes: int, threads: int) -> None:
        self._probe: Probe | None = cast.probe
        self._actor, image_size, world = make_actor(agent, episodes, cast.temperature, cast.world)
        world = cast.of(world)
        keywords = {} if cast.probe is None else longer(world)
        self._envs = make_envs(episodes, image_size, world, threads=threads, **keywords)

    def play(self, seeds: list[int]) -> Iterator[Any]:
        """Plays one episode per seed, without frames, and yields them in the order of the seeds."""
        if self._probe is not None:
            return play_probe(self._probe, self._envs, self._actor, seeds)
        return rollout(self._envs, self._actor, seeds, keep_frames=False)

    def close(self) -> None:
        """Closes the environment."""
        self._envs.close()


def play_agent(cast: Agent, seeds: Sequence[int], workers: Workers, label: str, done: int = 0) -> Iterator[Any]:
    """Plays one episode per seed, without frames, with a progress bar.

    Args:
        cast: The agent.
        seeds: Seeds of the episodes.
        workers: Where they are played.
        label: Text of the progress bar.
        done: Number of episodes that are known already.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
    """
    if not isinstance(workers, Here) and cast.agent not in POPULATIONS:
        make_actor(cast.agent, 1)  # a damaged agent is refused here
        cast = dataclasses.replace(cast, files=pack(Path(cast.agent)))
    return progress(play(cast, seeds, workers, done), len(seeds), label, done)
