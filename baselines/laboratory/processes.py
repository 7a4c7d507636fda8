"""Processes that share the cores: jobs that need nothing of each other run side by side, each on its part of the cores.

Two trainings on a core each do more than one after the other on both, and an agent that plays keeps little more than
one core busy.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from agents.workers.graph import run_graph
from agents.workers.needs import CORE, Needs
from jumppad_env.machine.cores import count_cores
from jumppad_env.machine.parent import tell_children


@dataclass(frozen=True)
class _Job:
    """A node of a graph without arrows."""

    name: str
    work: Callable[[], Any]
    needs: tuple[str, ...] = ()
    resources: Needs = CORE


def run_in_processes(
    jobs: Mapping[str, Callable[[], Any]],
    workers: int,
    *,
    watch: Callable[[list[str]], None] = lambda running: None,
    ended: Callable[[str, BaseException | None], None] = lambda job, error: None,
) -> None:
    """Runs jobs, earlier ones first; one that fails stops no other.

    Args:
        jobs: each is a function that can be pickled, by what identifies it.
        workers: most processes.
        watch: called about once a second with the jobs that run.
        ended: called with each job that has ended, and its error.
    """
    with start_processes(min(workers, len(jobs))) as pool:  # each more than that would keep cores from the others
        run_graph(
            [_Job(name, work) for name, work in jobs.items()],
            pool,
            watch=lambda running: watch([job.name for job in running]),
            ended=lambda job, error: ended(job.name, error),
        )


class Processes:
    """Processes of this machine, each on its part of the cores and in a pool of its own.

    One that dies, of memory for example, takes its whole pool with it, but no other.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pools = [_start(worker, count) for worker in range(count)]
        self._last: list[Future[Any] | None] = [None] * count

    def submit(self, function: Callable[..., Any], /, *arguments: Any, needs: Needs = CORE) -> Future[Any]:
        """Hands a function to an idle process; there must be one."""
        worker = next(worker for worker, last in enumerate(self._last) if last is None or last.done())
        if (last := self._last[worker]) and not last.cancelled() and isinstance(last.exception(), BrokenProcessPool):
            self._pools[worker] = _start(worker, self.count)
        self._last[worker] = future = self._pools[worker].submit(function, *arguments)
        return future

    def close(self) -> None:
        """Ends the processes."""
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)


@contextmanager
def start_processes(count: int) -> Iterator[Processes]:
    """Starts processes, which end with the block."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"  # for the workers, which read it as they start: many bars would be unreadable
    processes = Processes(count)
    try:
        with tell_children():  # a pool starts its process with its first job
            yield processes
    except BaseException:  # as by Ctrl-C, which workers leave to this process
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        processes.close()
        if before is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = before


def _start(worker: int, workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _settle, (worker, workers))


def _settle(worker: int, workers: int) -> None:
    """Gives a worker its share of the cores, and leaves it to its parent to stop it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # a training saves its state before
    if workers > 1 and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[worker % len(cores) :: workers] or cores)
    torch.set_num_threads(max(1, count_cores()))
