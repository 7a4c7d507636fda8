"""Reading ahead: background threads read the next batches while the device computes."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def read_ahead(read: Callable[[int], T], stop: int, ahead: int) -> Iterator[Callable[[int], T]]:
    """Wrap `read` so that calls with consecutive indices find their results read already.

    Args:
        read: A pure function of the index. Its errors are raised when the result is requested.
        stop: Indices from here on are not read ahead.
        ahead: Number of results to read ahead, each in its own thread; 0 reads on request.

    Yields:
        The wrapped function. Its threads end with the block.
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
