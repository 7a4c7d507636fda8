"""Actors: they play the episodes of an update, in this process or on the machines of a cluster.

Each actor plays a block of consecutive seeds with the learner's weights, and returns whole trajectories with the frames
that it saw. A policy may round differently beside other rows, so episodes depend on how many blocks there are, but not
on who plays them: a block that is lost with its machine is played again on another one, with the same bytes.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from agents.probes import ForcedMiss
from agents.rollout import Actor, make_envs, rollout
from agents.workers import Here, Workers
from agents.worlds import WorldConfig
from baselines.models.adapters import merge_adapters
from baselines.models.policy import Policy, PolicyActor
from baselines.models.precision import autocast
from baselines.models.threads import prepare_cpu
from jumppad_env.dataset import Trajectory


@dataclass(frozen=True)
class _Handed:
    """The episodes of an update, in the hands of the actors."""

    update: int
    behavior: Policy
    """Copy of the policy that plays them, which does not learn."""
    blocks: list[Future[list[Trajectory]]]


class Actors:
    """All actors of an alignment; a context manager."""

    def __init__(
        self,
        policy: Policy,
        workers: Workers,
        seeds_of: Callable[[int], list[int]],
        count: int,
        *,
        forced_misses: float = 0.0,
        ahead_until: int = 0,
    ) -> None:
        """Hands out nothing yet.

        Args:
            policy: Learns between the updates.
            workers: Where the blocks are played. In this process they are played one after the other, on the policy's
                device; on a cluster side by side, each on one core, also if the learner has a GPU.
            seeds_of: Returns the seeds of an update's episodes, at least one per actor.
            count: Number of actors.
            forced_misses: Share of the episodes in which a miss is forced.
            ahead_until: The episodes of the next update, if it is below this number, are played while the learner
                computes the present one; see `AlignConfig.overlap`.
        """
        self._policy, self._workers, self._seeds_of, self._count = policy, workers, seeds_of, count
        self._forced_misses, self._ahead_until = forced_misses, ahead_until
        self._ahead: _Handed | None = None

    def __enter__(self) -> "Actors":
        return self

    def __exit__(self, *_: object) -> None:
        _close_environments()

    def play(self, update: int) -> tuple[list[Trajectory], Policy]:
        """Returns the episodes of an update, in the order of its seeds, and the policy that played them.

        Raises:
            ChildProcessError: The processes that played a block have ended, again and again.
        """
        handed, self._ahead = self._ahead or self._hand_out(update), None
        assert handed.update == update, f"the episodes of update {handed.update} were played ahead, not of {update}"
        episodes = [episode for block in handed.blocks for episode in block.result()]
        if update + 1 < self._ahead_until:
            self._ahead = self._hand_out(update + 1)
        return episodes, handed.behavior

    def _hand_out(self, update: int) -> _Handed:
        behavior, seeds = _snapshot(self._policy), self._seeds_of(update)
        if isinstance(self._workers, Here):
            shared, threads = behavior, self._workers.threads
        else:
            shared, threads = self._workers.share(_on_cpu(behavior)), 1
        ends = [len(seeds) * actor // self._count for actor in range(self._count + 1)]
        blocks = [seeds[start:end] for start, end in itertools.pairwise(ends)]
        futures = [self._workers.submit(play_block, shared, block, self._forced_misses, threads) for block in blocks]
        return _Handed(update, behavior, futures)


def play_block(policy: Policy, seeds: list[int], forced_misses: float, threads: int) -> list[Trajectory]:
    """Plays one episode per seed, all at a time, in environments that this process keeps for its next block.

    Args:
        policy: Plays on the device that it is on.
        seeds: Of the episodes.
        forced_misses: Share of the episodes in which a miss is forced.
        threads: Of the environments.
    """
    if policy.device.type == "cpu":
        prepare_cpu()
    actor: Actor = PolicyActor(policy)
    if forced_misses > 0:
        actor = ForcedMiss(actor, len(seeds), forced_misses, policy.world.settings)
    return list(rollout(_environments(len(seeds), policy.config.image_size, policy.world, threads), actor, seeds))


_KEPT: dict[tuple[Any, ...], Any] = {}
"""Environments of this process, by their number and options."""


def _environments(count: int, image_size: tuple[int, int], world: WorldConfig, threads: int) -> Any:
    wanted = (count, image_size, world, threads)
    if wanted not in _KEPT:
        if len(_KEPT) == 2:  # the blocks of an alignment have two sizes at most
            _close_environments()
        _KEPT[wanted] = make_envs(count, image_size, world, threads=threads)
    return _KEPT[wanted]


def _close_environments() -> None:
    while _KEPT:
        _KEPT.popitem()[1].close()


def _snapshot(policy: Policy) -> Policy:
    """Returns the policy as it is now, without adapters, which cannot be sent."""
    copy = policy.frozen_copy()
    with autocast(policy.device):  # in which adapters are computed
        merge_adapters(copy.network)
    return copy


def _on_cpu(policy: Policy) -> Policy:
    copy = policy.frozen_copy()
    copy.network.cpu()
    return copy
