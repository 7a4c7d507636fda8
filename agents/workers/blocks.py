"""Blocks of work in, results out in the same order, whichever worker is first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from agents.workers.interface import Workers

AHEAD = 2
"""Blocks that are handed out for each worker: one that it works on, and one that waits."""


def in_order(
    workers: Workers, function: Callable[..., Any], blocks: Iterable[tuple[Any, ...]], *shared: Any
) -> Iterator[Any]:
    """Yields what a function returns for each block, in the order of the blocks.

    Args:
        workers: where it runs.
        function: can be pickled.
        blocks: arguments of a call each; they are read as they are handed out.
        *shared: first arguments of every call, from `Workers.share`.

    Raises:
        ChildProcessError: a process has ended, for example because memory ran out.
        Exception: the error of the first block that failed.
    """
    waiting = iter(blocks)
    due: deque[Future[Any]] = deque()
    more = True
    while more or due:
        while more and len(due) < AHEAD * workers.count:
            block = next(waiting, None)
            if block is None:
                more = False
            else:
                due.append(workers.submit(function, *shared, *block))
        if due:
            try:
                result = due.popleft().result()
            except BrokenProcessPool:
                raise ChildProcessError(
                    "a worker process ended abruptly; run the same command again to resume, "
                    "with fewer --workers if memory ran out"
                ) from None
            yield result
