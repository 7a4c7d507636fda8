"""Who does work, and what a piece of work needs of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Needs:
    """What a function needs while it runs."""

    cpus: float = 1
    """Cores."""
    gpus: float = 0
    memory: int = 0
    """Bytes of RAM."""


CORE = Needs()
"""One core."""


class Workers(Protocol):
    """Processes, of this machine or of others, that run functions."""

    count: int
    """How many functions run side by side now; it may change as machines join and leave."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, needs: Needs = CORE) -> Future[Any]:
        """Hands out a function that can be pickled."""
        ...

    def close(self) -> None:
        """Ends the processes."""
        ...
