"""Playing episodes with a policy, or with scripted people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from agents.rollout import Actor, make_envs, rollout
from baselines.models.policy import Policy, PolicyActor
from baselines.models.precision import choose_device
from jumppad_env.dataset import Trajectory

T = TypeVar("T")

PARALLEL = 64
"""Episodes played at a time; what is played does not depend on it."""


def make_actor(agent: str | Path, count: int, temperature: float = 1.0) -> tuple[Actor, tuple[int, int] | None]:
    """Makes the actor of a demonstrator's name or of a policy's directory.

    Args:
        agent: directory of a policy, or a name in `agents.population.POPULATIONS`.
        count: of episodes played at a time.
        temperature: divides a policy's logits; people have none.

    Returns:
        The actor, and the size of the images it wants, None if it wants none.

    Raises:
        FileNotFoundError: it is neither.
        ValueError: the policy is damaged.
    """
    if str(agent) in POPULATIONS:
        return Crowd(POPULATIONS[str(agent)], count), None
    if not Path(agent).is_dir():
        names = ", ".join(POPULATIONS)
        raise FileNotFoundError(f"{agent} is neither a directory nor a scripted population; populations are {names}")
    policy = Policy.from_pretrained(agent, choose_device())
    policy.network.eval()
    return PolicyActor(policy, temperature), policy.config.image_size


@contextmanager
def seats(agent: str | Path, episodes: int, temperature: float = 1.0, **keywords: Any) -> Iterator[tuple[Any, Actor]]:
    """Makes environments with an agent in them, and closes them in the end.

    Args:
        agent: see `make_actor`.
        episodes: how many will be played, of which up to `PARALLEL` at a time.
        temperature: divides a policy's logits.
        **keywords: of `agents.rollout.make_envs`.

    Yields:
        environments, actor.

    Raises:
        FileNotFoundError: there is no such agent.
        ValueError: the policy is damaged.
    """
    count = min(PARALLEL, episodes)
    actor, image_size = make_actor(agent, count, temperature)
    envs = make_envs(count, image_size, **keywords)
    try:
        yield envs, actor
    finally:
        envs.close()


def play(
    agent: str | Path, seeds: Sequence[int], label: str, *, temperature: float = 1.0, keep_frames: bool = True
) -> Iterator[Trajectory]:
    """Plays one episode per seed, with a progress bar.

    Args:
        agent: see `make_actor`.
        seeds: of the episodes.
        label: of the bar.
        temperature: divides a policy's logits.
        keep_frames: whether trajectories hold the pixels that a policy sees.

    Raises:
        FileNotFoundError: there is no such agent.
        ValueError: the policy is damaged.
    """
    with seats(agent, len(seeds), temperature) as (envs, actor):
        yield from progress(rollout(envs, actor, seeds, keep_frames=keep_frames), len(seeds), label)


def progress(episodes: Iterator[T], total: int, label: str) -> Iterator[T]:
    """Yields the episodes with a progress bar."""
    yield from tqdm(episodes, total=total, desc=label, unit="episode", dynamic_ncols=True)
