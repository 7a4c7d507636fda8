"""Workers: functions run in this process, in processes beside it, or on the machines of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agents.workers.interface import Here, Needs, Workers
from agents.workers.processes import Processes, runs_again
from jumppad_env.machine.cores import count_cores
from jumppad_env.machine.notices import notice

__all__ = ["Here", "Needs", "Processes", "Workers", "count_workers", "open_workers"]


@contextmanager
def open_workers(count: int | None = None, cluster: str | None = None, *, jobs: int | None = None) -> Iterator[Workers]:
    """Gives workers, which end with the block.

    Args:
        count: number of processes; one per core by default. One means that everything happens in this process.
        cluster: address of a Ray cluster, which is used instead; see `agents.workers.cluster.Cluster`.
        jobs: number of functions that they will run, if known: a single one runs in this process.

    Raises:
        ValueError: the count is below 1, or Ray is not installed.
        ConnectionError: no cluster answers.
    """
    count = count_workers(count)
    workers = _open(count, cluster, count if jobs is None else jobs)
    try:
        yield workers
    finally:
        workers.close()


def count_workers(asked: int | None) -> int:
    """Returns how many processes are asked for, by default one per core.

    Raises:
        ValueError: less than one.
    """
    if asked is not None and asked < 1:
        raise ValueError(f"workers must be at least 1, got {asked}")
    return asked or count_cores()


def _open(count: int, cluster: str | None, jobs: int) -> Workers:
    if cluster is not None:
        from agents.workers.cluster import Cluster

        return Cluster(cluster)
    if count > 1 and jobs > 1 and runs_again():
        notice(f'one process works, not {count}; put the calls below if __name__ == "__main__": to use all')
        return Here(1)
    return Processes(min(count, jobs)) if min(count, jobs) > 1 else Here(count)
