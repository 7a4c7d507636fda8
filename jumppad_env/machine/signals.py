"""Signals that end a command: SIGTERM does as Ctrl-C does, and neither comes between changes that belong together."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM)
SAME = 1.0
"""s after a signal in which another says the same: a group of processes gets it, and the parent passes it on."""


class Terminated(KeyboardInterrupt):
    """SIGTERM has come; a KeyboardInterrupt, so that whatever cleans up after Ctrl-C cleans up after it too."""


def raise_terminated(number: int, frame: FrameType | None) -> None:
    """Raises `Terminated`; a handler of signals."""
    raise Terminated


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Makes SIGTERM raise `Terminated` in the block, if this is the main thread and nobody else handles it."""
    if not _in_main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Lets Ctrl-C and SIGTERM wait for the end of the block; one that comes again after `SAME` does not wait.

    Other threads than the main one get no signals: there the block is an ordinary one.
    """
    if not _in_main_thread():
        yield
        return
    came: list[tuple[int, float]] = []
    handlers = {number: signal.getsignal(number) for number in ENDING}

    def restore() -> None:
        for number, handler in handlers.items():
            if handler is not None:  # None: not of Python
                signal.signal(number, handler)

    def keep(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if came and now - came[0][1] >= SAME:
            restore()
            signal.raise_signal(number)
        came.append((number, now))

    try:
        for number, handler in handlers.items():
            if handler not in (None, signal.SIG_IGN):
                signal.signal(number, keep)
        yield
    finally:
        restore()
        for number, _ in came[:1]:
            signal.raise_signal(number)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
