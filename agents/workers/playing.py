"""Playing episodes: workers play blocks of seeds, and episodes come back in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from agents.workers.blocks import in_order
from agents.workers.interface import Here, Workers

BLOCK = 256
"""Episodes in a block. A learned agent may round differently beside others, so a block is played as a whole, wherever
that is."""


class Seats(Protocol):
    """An environment and its actors, which play any number of episodes."""

    def play(self, seeds: list[int]) -> Iterator[Any]:
        """Plays one episode per seed and yields them in the order of the seeds."""
        ...

    def close(self) -> None:
        """Closes the environment."""
        ...


class Cast(Protocol):
    """Makes seats. It can be pickled, and is equal to another one that makes the same."""

    def __call__(self, episodes: int, threads: int) -> Seats:
        """Makes seats for so many episodes at a time, whose environment has so many threads."""
        ...


def play(cast: Cast, seeds: Sequence[int], workers: Workers, done: int = 0) -> Iterator[Any]:
    """Plays one episode per seed and returns them in the order of the seeds; they do not depend on the workers.

    Args:
        cast: makes the seats of every worker.
        seeds: of all episodes.
        workers: where they are played.
        done: number of episodes that are known already; the block in which they end is played again.

    Raises:
        ChildProcessError: a worker process has ended, for example because memory ran out.
    """
    first = done // BLOCK * BLOCK
    blocks = [list(seeds[start : start + BLOCK]) for start in range(first, len(seeds), BLOCK)]
    episodes = min(BLOCK, len(seeds))
    if not isinstance(workers, Here):
        played = _play_elsewhere(cast, episodes, blocks, workers)
    elif blocks:
        played = _play_here(cast(episodes, workers.threads), blocks)
    else:
        played = iter(())
    return itertools.islice(played, done - first, None)


def _play_here(seats: Seats, blocks: list[list[int]]) -> Iterator[Any]:
    try:
        for block in blocks:
            yield from seats.play(block)
    finally:
        seats.close()


def _play_elsewhere(cast: Cast, episodes: int, blocks: list[list[int]], workers: Workers) -> Iterator[Any]:
    for played in in_order(workers, _play_block, ((episodes, block) for block in blocks), workers.share(cast)):
        yield from played


_KEPT: list[tuple[Cast, int, Seats]] = []
"""The seats of this process, for its next block."""


def _play_block(cast: Cast, episodes: int, seeds: list[int]) -> list[Any]:
    if not _KEPT or _KEPT[0][:2] != (cast, episodes):
        while _KEPT:
            _KEPT.pop()[2].close()
        _KEPT.append((cast, episodes, cast(episodes, 1)))
    return list(_KEPT[0][2].play(seeds))
