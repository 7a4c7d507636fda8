"""Notices of what this machine lacks and is done without, once each."""

import warnings
from multiprocessing import parent_process

_given: set[str] = set()


class MachineWarning(RuntimeWarning):
    """This machine lacks something that the program goes on without."""


def notice(message: str) -> None:
    """Warns, once in a run: workers, which would repeat it, are silent."""
    if message not in _given and parent_process() is None:
        _given.add(message)
        warnings.warn(message, MachineWarning, stacklevel=3)
