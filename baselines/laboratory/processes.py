"""Processes that share the cores: jobs that need nothing of each other run side by side, each on its part of the cores.

Two trainings on a core each do more than one after the other on both, and an agent that plays keeps little more than
one core busy.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from jumppad_env.machine.cores import count_cores
from jumppad_env.machine.parent import tell_children

K = TypeVar("K", bound=Hashable)

TICK = 1.0
"""s between two looks at jobs that run."""


def run_in_processes(
    jobs: Mapping[K, Callable[[], Any]],
    workers: int,
    *,
    apart: Callable[[K], Hashable] = lambda job: job,
    watch: Callable[[list[K]], None] = lambda running: None,
    ended: Callable[[K, BaseException | None], None] = lambda job, error: None,
) -> None:
    """Runs jobs, earlier ones first; one that fails stops no other.

    Args:
        jobs: each is a function that can be pickled, by what identifies it.
        workers: most processes.
        apart: of jobs for which this returns the same, one runs at a time.
        watch: called about once a second with the jobs that run.
        ended: called with each job that has ended, and its error.
    """
    workers = min(workers, len(jobs))  # each more than that would keep cores from the others
    waiting = list(jobs)
    running: dict[Future[Any], tuple[int, K]] = {}
    with _pools(workers) as pools:
        idle = list(range(workers))
        while waiting or running:
            busy = {apart(job) for _, job in running.values()}
            for job in list(waiting):
                if idle and apart(job) not in busy:
                    waiting.remove(job)
                    busy.add(apart(job))
                    worker = idle.pop(0)
                    running[pools[worker].submit(jobs[job])] = worker, job
            watch([job for _, job in running.values()])
            for future in wait(running, TICK, FIRST_COMPLETED).done:
                worker, job = running.pop(future)
                idle.append(worker)
                error = future.exception()
                ended(job, error)
                if isinstance(error, BrokenProcessPool):
                    pools[worker] = _start(worker, workers)


@contextmanager
def _pools(workers: int) -> Iterator[list[ProcessPoolExecutor]]:
    """Starts a pool per process: one that dies, of memory for example, takes its whole pool with it, but no other."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"  # for the workers, which read it as they start: many bars would be unreadable
    pools = [_start(worker, workers) for worker in range(workers)]
    try:
        with tell_children():  # a pool starts its process with its first job
            yield pools
    except BaseException:  # as by Ctrl-C, which workers leave to this process
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)
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
