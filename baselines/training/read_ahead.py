"""Reading ahead: the next batches are read in the background while the device computes."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def read_ahead(read: Callable[[int], T], stop: int, ahead: int) -> Iterator[Callable[[int], T]]:
    """Give a function that returns what `read` does, sooner where it is asked for one index after the other.

    Args:
        read: A pure function of the index. What it raises is raised where its result is asked for.
        stop: Nothing is read ahead from this index on.
        ahead: How many results are read beforehand, each in a thread of its own; 0 reads when asked.

    Yields:
        The function. At the end of the block its threads have ended.
    """
    if not ahead:
        yield read
        return
    with ThreadPoolExecutor(ahead, "read ahead") as threads:
        pending: dict[int, Future[T]] = {}

        def get(index: int) -> T:
            for skipped in pending.keys() - range(index, index + ahead + 1):
                pending.pop(skipped).cancel()
            for wanted in (index, *range(index + 1, min(index + 1 + ahead, stop))):
                if wanted not in pending:
                    pending[wanted] = threads.submit(read, wanted)
            return pending.pop(index).result()

        yield get
