"""Playing episodes in parallel: worker processes play blocks of seeds; episodes come back in order."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from jumppad_env.dataset import Trajectory
from jumppad_env.machine.notices import notice
from jumppad_env.machine.parent import tell_children

PARALLEL = 64
"""Episodes that a process plays at once; the result does not depend on it."""
BLOCK = 256
"""Episodes sent to a process at once; the result does not depend on it."""
AHEAD = 2
"""Largest number of blocks assigned to each process."""


class Seats(Protocol):
    """An environment and its actors, which play any number of episodes."""

    def play(self, seeds: list[int]) -> Iterator[Trajectory]:
        """Plays one episode per seed and yields them in the order of the seeds."""
        ...

    def close(self) -> None:
        """Closes the environment."""
        ...


Seat = Callable[[int, int], Seats]
"""Makes seats, given the number of parallel episodes and of threads; pickled for each process."""


class PlayerPool:
    """Worker processes that play episodes without frames; a context manager.

    Args:
        seat: makes the seats of a process.
        episodes: approximate number of episodes; few are played in this process.
        workers: number of processes.
    """

    def __init__(self, seat: Seat, episodes: int, workers: int) -> None:
        self._workers: list[tuple[Any, Connection]] = []
        self._seats: Seats | None = None
        if workers > 1 and episodes > BLOCK and _runs_again():
            notice(f'one process plays, not {workers}; put the calls below if __name__ == "__main__": to use all')
            workers = 1
        if workers == 1 or episodes <= BLOCK:
            self._seats = seat(min(PARALLEL, episodes), workers)
            return
        context = multiprocessing.get_context("spawn")  # a forked process would lack its parent's threads
        for _ in range(min(workers, -(-episodes // BLOCK))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, seat), daemon=True)
            with tell_children():
                process.start()
            theirs.close()
            self._workers.append((process, ours))

    def __enter__(self) -> PlayerPool:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._seats is not None:
            self._seats.close()
        for process, connection in self._workers:
            connection.close()
            process.terminate()
        for process, _ in self._workers:
            process.join()

    def play(self, seeds: Iterable[int]) -> Iterator[Trajectory]:
        """Plays one episode per seed and yields them in the order of the seeds.

        Raises:
            ChildProcessError: a process has ended, for example because memory ran out.
        """
        if self._seats is not None:
            yield from self._seats.play(list(seeds))
            return
        waiting = iter(seeds)
        turns = itertools.cycle(self._workers)
        due: deque[tuple[Any, Connection]] = deque()

        def hand_out() -> None:
            block = list(itertools.islice(waiting, BLOCK))
            if block:
                worker = next(turns)
                with self._watch(worker):
                    worker[1].send(block)
                due.append(worker)

        for _ in range(AHEAD * len(self._workers)):
            hand_out()
        while due:
            worker = due.popleft()
            with self._watch(worker):
                played: list[Trajectory] = worker[1].recv()
            hand_out()
            yield from played

    @staticmethod
    @contextlib.contextmanager
    def _watch(worker: tuple[Any, Connection]) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError):
            worker[0].join()
            raise ChildProcessError(
                f"a worker process ended with exit code {worker[0].exitcode}; "
                "run the same command again to resume, with fewer --workers if memory ran out"
            ) from None


def _runs_again() -> bool:
    """Returns whether new processes, which import the main module, would run the whole script or not find it."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is None or main.__spec__ is not None:  # not imported, as in a notebook; or `python -m`
        return False
    try:
        return "__name__" not in Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:  # <stdin>
        return True


def _work(connection: Connection, seat: Seat) -> None:
    """Plays blocks of seeds until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    seats = seat(PARALLEL, 1)
    with contextlib.suppress(EOFError, ConnectionError):  # the parent has ended
        while True:
            connection.send(list(seats.play(connection.recv())))
