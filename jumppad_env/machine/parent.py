"""Worker processes end with the process that started them, even if it is killed while they still import.

A process that was killed can end no other. Its workers must notice: an orphan would go on writing what the next run of
the same command writes too. They cannot ask who their parent *was*, so it tells them, by an environment variable.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

TOLD = "JUMPPAD_PARENT"
"""Environment variable: process id of the parent with which a worker ends."""
SECONDS = 0.3
"""Time between two looks at the parent."""
WRAPPER = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Asks Linux for a signal at the parent's death (PR_SET_PDEATHSIG, kept by exec), then becomes another program. Asked
for between fork and exec (`preexec_fn`), it could wait for ever for a lock of the parent's threads."""


@contextmanager
def tell_children(**variables: str) -> Iterator[None]:
    """Makes Python processes that are started in the block end with this one, from their import of this package on.

    It is for direct children: one that is started by way of a shell would end at once.

    Args:
        **variables: further environment variables for them.
    """
    variables = {TOLD: str(os.getpid()), **variables}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def end_with_parent() -> None:
    """Ends this process with its parent, if that said so by `tell_children`; it also leaves Ctrl-C to the parent."""
    parent = os.environ.pop(TOLD, None)  # not for grandchildren, which have another parent
    if parent is None or sys.platform == "win32":  # where the id of a parent stays the same after its death
        return
    _expect(parent)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both


def _watch(parent: str) -> None:
    while True:
        _expect(parent)
        time.sleep(SECONDS)


def _expect(parent: str) -> None:
    if str(os.getppid()) != parent:
        os._exit(1)  # without cleaning up, as if it had been killed as well: others may be at the files by now


def ending_with_parent(command: Sequence[str]) -> list[str]:
    """Returns a command that runs another program, given by its path, which ends when this thread ends.

    On other systems than Linux it is the same command; a program that reads from a pipe then sees its end.
    """
    if sys.platform != "linux" or not sys.executable:
        return list(command)
    return [sys.executable, "-I", "-S", "-c", WRAPPER, str(os.getpid()), *command]
