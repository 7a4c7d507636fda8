"""A graph of work: every node runs once all that it needs is made, side by side with others, on any workers.

What a node makes are files. A node that fails therefore costs only the nodes that need what it would have made, and a
later run goes on with those that are missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Protocol, TypeVar

from agents.workers.interface import ONE_CORE, Needs, Workers

TICK = 1.0
"""s between two looks at nodes that run."""


class Node(Protocol):
    """A piece of work."""

    @property
    def name(self) -> str:
        """Tells it from all others."""
        ...

    @property
    def work(self) -> Callable[[], Any]:
        """Can be pickled."""
        ...

    @property
    def needs(self) -> Sequence[str]:
        """Names of the nodes that come first; one that is not in the graph is taken as done."""
        ...

    @property
    def resources(self) -> Needs:
        """What it needs while it runs."""
        ...


@dataclass(frozen=True)
class Job:
    """A node, by default one that needs no other."""

    name: str
    work: Callable[[], Any]
    needs: tuple[str, ...] = ()
    resources: Needs = ONE_CORE


class NotMade(Exception):
    """A node did not run, because one that it needs failed, whose error is the cause."""


N = TypeVar("N", bound=Node)


def run_graph(
    nodes: Sequence[N],
    workers: Workers,
    *,
    start: Callable[[N], Future[Any]] | None = None,
    watch: Callable[[list[N]], None] = lambda running: None,
    ended: Callable[[N, BaseException | None], None] = lambda node, error: None,
) -> None:
    """Runs nodes, earlier ones first; one that fails, or whose process dies, stops only those that need it.

    Args:
        nodes: each name once.
        workers: who runs them.
        start: hands a node to the workers; by default its work, with what it needs.
        watch: called about once a second with the nodes that run.
        ended: called with each node that has ended, and its error; `NotMade` for those that failed ones have stopped.

    Raises:
        CycleError: nodes need each other in a circle.
    """
    TopologicalSorter({node.name: node.needs for node in nodes}).prepare()
    waiting = {node.name: node for node in nodes}
    running: dict[Future[Any], N] = {}

    def fail(node: N, error: BaseException) -> None:
        ended(node, error)
        lost = {node.name}
        while stopped := [other for other in waiting.values() if not lost.isdisjoint(other.needs)]:
            for other in stopped:
                lost.add(waiting.pop(other.name).name)
                reason = NotMade(f"it needs {node.name}, which failed")
                reason.__cause__ = error
                ended(other, reason)

    while waiting or running:
        unmade = waiting.keys() | {node.name for node in running.values()}
        for node in list(waiting.values()):
            if len(running) >= workers.count:
                break
            if unmade.isdisjoint(node.needs):
                del waiting[node.name]
                running[start(node) if start else workers.submit(node.work, needs=node.resources)] = node
        watch(list(running.values()))
        if not running:  # no worker is there at the moment
            time.sleep(TICK)
            continue
        for future in wait(running, TICK, FIRST_COMPLETED).done:
            node = running.pop(future)
            error = CancelledError() if future.cancelled() else future.exception()
            if error is None:
                ended(node, None)
            else:
                fail(node, error)
