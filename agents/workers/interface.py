"""What all workers have in common: they run functions somewhere, and give futures of the results."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Needs:
    """What a function needs of the machine that it runs on."""

    cpus: float = 1
    """Cores."""
    gpus: float = 0
    """GPUs."""
    memory: int = 0
    """Bytes."""

    def __str__(self) -> str:
        parts = [f"{self.cpus:g} CPU", *([f"{self.gpus:g} GPU"] if self.gpus else [])]
        return ", ".join(parts + ([f"{self.memory / 2**30:.1f} GiB"] if self.memory else []))


ONE_CORE = Needs()


class Workers(Protocol):
    """Where functions run: this process, processes beside it, or a cluster."""

    @property
    def count(self) -> int:
        """How many functions run at a time; machines of a cluster may join and leave."""
        ...

    def submit(self, function: Callable[..., Any], /, *arguments: Any, needs: Needs = ONE_CORE) -> Future[Any]:
        """Runs a function.

        Args:
            function: can be pickled, as can its result. It may run twice: on a machine that is lost, then on another.
            *arguments: each may be one that `share` returned.
            needs: of the function; only a cluster looks at them.
        """
        ...

    def share(self, value: Any) -> Any:
        """Returns what stands for a large argument of many functions, and is sent only once."""
        ...

    def close(self) -> None:
        """Ends functions that still run, and their processes."""
        ...


class Here:
    """Functions run in this process, one after the other, each as it is submitted.

    Args:
        threads: how many each may use.
    """

    count = 1

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def submit(self, function: Callable[..., Any], /, *arguments: Any, needs: Needs = ONE_CORE) -> Future[Any]:
        """Runs a function."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def share(self, value: Any) -> Any:
        """Returns the value."""
        return value

    def close(self) -> None:
        """Does nothing."""
