"""Processes of this machine that run functions; each dies alone, and all end with this process."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from agents.workers.interface import ONE_CORE, Needs
from jumppad_env.machine.parent import tell_children


def _nothing(worker: int, workers: int) -> None:
    pass


class Processes:
    """See `agents.workers.interface.Workers`.

    Args:
        count: number of processes.
        prepare: called in each process as it starts, with its number and the number of processes; can be pickled.
    """

    def __init__(self, count: int, prepare: Callable[[int, int], None] = _nothing) -> None:
        self.count = count
        self._prepare = prepare
        self._others = set(multiprocessing.active_children())
        # A pool each: a process that dies, of memory for example, takes its whole pool with it.
        self._pools = [self._start(worker) for worker in range(count)]
        self._submitted: list[list[Future[Any]]] = [[] for _ in range(count)]

    def submit(self, function: Callable[..., Any], /, *arguments: Any, needs: Needs = ONE_CORE) -> Future[Any]:
        """Runs a function in the process that has the least to do."""
        for futures in self._submitted:
            futures[:] = [future for future in futures if not future.done()]
        worker = min(range(self.count), key=lambda worker: len(self._submitted[worker]))
        # A pool starts its process with its first function. Bars of many processes would be unreadable.
        with tell_children(TQDM_DISABLE="1"):
            try:
                future = self._pools[worker].submit(function, *arguments)
            except BrokenProcessPool:
                self._pools[worker] = self._start(worker)
                future = self._pools[worker].submit(function, *arguments)
        self._submitted[worker].append(future)
        return future

    def share(self, value: Any) -> Any:
        """Returns the value: processes get a copy with every function."""
        return value

    def close(self) -> None:
        """Ends functions that still run, and their processes."""
        if any(not future.done() for futures in self._submitted for future in futures):
            for process in set(multiprocessing.active_children()) - self._others:
                process.terminate()
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def _start(self, worker: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a forked process would lack its parent's threads
        return ProcessPoolExecutor(1, context, _begin, (self._prepare, worker, self.count))


def _begin(prepare: Callable[[int, int], None], worker: int, workers: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # a training saves its state before
    prepare(worker, workers)


def runs_again() -> bool:
    """Returns whether new processes, which import the main module, would run the whole script or not find it."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is None or main.__spec__ is not None:  # not imported, as in a notebook; or `python -m`
        return False
    try:
        return "__name__" not in Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:  # <stdin>
        return True
