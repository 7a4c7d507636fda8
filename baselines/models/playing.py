"""Playing episodes with a policy or a scripted population."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from agents.outcomes import NAMES
from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from agents.progress import Progress
from agents.rollout import Actor, make_envs, rollout
from agents.worlds import WorldConfig
from baselines.models.policy import Policy, PolicyActor
from baselines.models.precision import announce_device, choose_device
from jumppad_env.dataset import Trajectory
from jumppad_env.streams import integer_seed

T = TypeVar("T")

WHILE_TRAINING = 64
"""Episodes of an evaluation during training."""

PARALLEL = 64
"""Episodes played in parallel if their frames are kept; the episodes do not depend on this number."""
UNSEEN = 256
"""Episodes played in parallel if their frames are not kept: a step of many takes less time per episode."""


def make_actor(
    agent: str | Path | Policy, count: int, temperature: float = 1.0, world: WorldConfig | None = None
) -> tuple[Actor, tuple[int, int] | None, WorldConfig]:
    """Makes the actor of a policy, a policy's directory or a population's name.

    Args:
        agent: A policy, its directory, or a name in `agents.population.POPULATIONS`.
        count: Number of episodes played in parallel.
        temperature: Divides a policy's logits; a scripted population ignores it.
        world: Where a scripted population plays; by default on the classic island. A policy knows its own.

    Returns:
        The actor; the image size it needs, None if it needs no images; and the world it knows.

    Raises:
        FileNotFoundError: The agent is neither.
        ValueError: The policy is damaged.
    """
    if isinstance(agent, Policy):
        return PolicyActor(agent, temperature), agent.config.image_size, agent.world
    if str(agent) in POPULATIONS:
        place = world or WorldConfig()
        return Crowd(POPULATIONS[str(agent)], count, place.settings), None, place
    if not Path(agent).is_dir():
        names = ", ".join(POPULATIONS)
        raise FileNotFoundError(f"{agent} is neither a directory nor a scripted population; populations are {names}")
    policy = Policy.from_pretrained(agent, choose_device())
    policy.network.eval()
    announce_device(policy.device)
    return PolicyActor(policy, temperature), policy.config.image_size, policy.world


@contextmanager
def seats(
    agent: str | Path | Policy,
    episodes: int,
    temperature: float = 1.0,
    *,
    keep_frames: bool = False,
    world: WorldConfig | None = None,
    **keywords: Any,
) -> Iterator[tuple[Any, Actor]]:
    """Makes an agent's actor and environments for it, which are closed at the end of the block.

    Args:
        agent: See `make_actor`.
        episodes: Number of episodes to play, up to `UNSEEN` of them in parallel, or `PARALLEL`.
        temperature: Divides a policy's logits.
        keep_frames: Whether the rollout will keep the frames.
        world: See `make_actor`.
        **keywords: For `agents.rollout.make_envs`.

    Yields:
        Environments and actor.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
    """
    count = min(PARALLEL if keep_frames else UNSEEN, episodes)
    actor, image_size, place = make_actor(agent, count, temperature, world)
    envs = make_envs(count, image_size, place, **keywords)
    try:
        yield envs, actor
    finally:
        envs.close()


def play(
    agent: str | Path,
    seeds: Sequence[int],
    label: str,
    *,
    temperature: float = 1.0,
    keep_frames: bool = True,
    world: WorldConfig | None = None,
) -> Iterator[Trajectory]:
    """Plays one episode per seed, with a progress bar.

    Args:
        agent: See `make_actor`.
        seeds: Seeds of the episodes.
        label: Text of the progress bar.
        temperature: Divides a policy's logits.
        keep_frames: Whether trajectories keep the frames that a policy sees.
        world: See `seats`.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
    """
    with seats(agent, len(seeds), temperature, keep_frames=keep_frames, world=world) as (envs, actor):
        yield from progress(rollout(envs, actor, seeds, keep_frames=keep_frames), len(seeds), label)


def while_training(
    policy: Policy, every: int, updates: int, seed: int, episodes: int = WHILE_TRAINING
) -> Callable[[int], dict[str, float]] | None:
    """Returns what `baselines.training.loop.train` may call after each update to evaluate a policy while it learns.

    Args:
        policy: The policy that is trained.
        every: Updates between evaluations, of which the last is after the last update; 0 for none.
        updates: Number of updates.
        seed: Seed of the training; the same episodes are played every time.
        episodes: Number of episodes.

    Returns:
        A function that returns the shares `played_none`, `played_left`, `played_middle` and `played_right` after an
        update with evaluation, else {}; None for no evaluations.

    Raises:
        ValueError: `every` is negative.
    """
    if every < 0:
        raise ValueError(f"evaluate_every must be at least 0, got {every}")
    seeds = [integer_seed(seed, "evaluate while training", index) for index in range(episodes)]

    def after_update(update: int) -> dict[str, float]:
        if (update + 1) % every and update + 1 != updates:
            return {}
        with seats(policy, episodes) as (envs, actor):
            pads = [trajectory.place for trajectory in rollout(envs, actor, seeds, keep_frames=False)]
        return {f"played_{name}": pads.count(index - 1) / episodes for index, name in enumerate(NAMES)}

    return after_update if every else None


def progress(episodes: Iterator[T], total: int, label: str, done: int = 0) -> Iterator[T]:
    """Yields the episodes with a progress bar, on which some are done already."""
    yield from Progress(episodes, total=total, initial=done, description=label, unit="episode")
