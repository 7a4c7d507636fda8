"""A cluster whose machines run functions, by Ray: what is lost with a machine runs again on another.

Ray's machines need the same checkout and packages as this one. A machine with other versions is refused by name, by the
first function that comes to it, so one that joins late is found as well.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import logging
import platform
import re
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any

from agents.workers.interface import ONE_CORE, Needs

ROOT = Path(__file__).parents[2]
PACKAGES = ("numpy", "numba", "mujoco", "gymnasium", "torch", "scipy")
"""Whose versions must agree on all machines, besides Python's and the checkout."""
AGAIN = 5
"""Times that a function is run again after its machine or process was lost."""
SECONDS = 20.0
"""Time for a first answer."""
REMEDY = "have the same checkout and constraints.txt on all machines, and start Ray in it with PYTHONPATH=$PWD"
NO_RAY = 'a cluster needs Ray, which is not installed: pip install -c constraints.txt -e ".[baselines,cluster]"'


class Cluster:
    """See `agents.workers.interface.Workers`.

    Args:
        address: "auto" for the cluster that this machine belongs to, HOST:PORT, or "ray://HOST:PORT" for one that it
            does not belong to.

    Raises:
        ValueError: Ray is not installed.
        ConnectionError: no cluster answers.
    """

    def __init__(self, address: str) -> None:
        self._ray = ray = _import_ray()
        _connect(ray, address)
        self._run = ray.remote(max_retries=AGAIN, retry_exceptions=False)(_run_here)
        self._versions = versions()
        self._running: dict[Future[Any], Any] = {}
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many functions of one core run at a time; machines may join and leave."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, function: Callable[..., Any], /, *arguments: Any, needs: Needs = ONE_CORE) -> Future[Any]:
        """Runs a function on the machine that Ray chooses.

        Raises:
            ValueError: no machine has what it needs.
        """
        self._check(needs)
        options: dict[str, Any] = {"num_cpus": needs.cpus, "num_gpus": needs.gpus, "name": _name(function)}
        if needs.memory:
            options["memory"] = needs.memory
        result = self._run.options(**options).remote(self._versions, function, *arguments)
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            self._running[future] = result
        result.future().add_done_callback(lambda ended: self._pass_on(ended, future))
        return future

    def share(self, value: Any) -> Any:
        """Puts a value where every machine fetches it once."""
        return self._ray.put(value)

    def close(self) -> None:
        """Ends functions that still run; the connection stays for whoever comes next in this process."""
        with self._lock:
            left = list(self._running.values())
        for result in left:
            self._ray.cancel(result, force=True)

    def _pass_on(self, ended: Future[Any], future: Future[Any]) -> None:
        with self._lock:
            self._running.pop(future, None)
        error = ended.exception()
        if error is None:
            future.set_result(ended.result())
        else:
            future.set_exception(_explained(error))

    def _check(self, needs: Needs) -> None:
        """Refuses what no machine has, for which Ray would wait without end."""
        asked = {"CPU": needs.cpus, "GPU": needs.gpus, "memory": needs.memory}
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(all(has.get(name, 0) >= amount for name, amount in asked.items()) for has in machines):
            raise ValueError(
                f"no machine of the cluster has {needs}; start Ray on one that has (`ray start --num-cpus ... "
                "--num-gpus ...` says what it may use), or ask for less"
            )


def versions() -> dict[str, str]:
    """Returns what must be the same on all machines for the same bytes, by name."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "missing"
    digest = hashlib.sha256()
    for folder in ("jumppad_env", "agents", "baselines", "assets"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".xml"):
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return {**found, "the checkout": digest.hexdigest()[:12]}


@cache
def _check_versions(asked: tuple[tuple[str, str], ...]) -> str:
    """Returns how this machine differs, "" if it does not."""
    mine = versions()
    different = [f"{name} {mine[name]}, not {value}" for name, value in asked if mine[name] != value]
    return f"{socket.gethostname()} has {', '.join(different)}; {REMEDY}" if different else ""


def _run_here(asked: dict[str, str], function: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a function on a machine of the cluster."""
    if wrong := _check_versions(tuple(asked.items())):
        raise ValueError(wrong)
    return function(*arguments)


def _name(function: Callable[..., Any]) -> str:
    """Returns what Ray's own tools call a function."""
    return getattr(getattr(function, "func", function), "__name__", type(function).__name__).strip("_")


def _explained(error: BaseException) -> BaseException:
    """Returns the error that a function raised, or what became of its machine, without Ray's wrappings."""
    from ray import exceptions

    if isinstance(error, exceptions.RayTaskError):
        cause = error.cause
        if found := re.search(r"No module named '(\w+)", str(cause)):  # also in what Ray could not unpickle
            return ValueError(f"a machine of the cluster has no module {found[1]}; {REMEDY}")
        cause.add_note(f"On a machine of the cluster: {error}")  # Ray's message is the traceback there
        return cause
    if isinstance(error, exceptions.OutOfMemoryError):
        return MemoryError("a machine of the cluster ran out of memory; run the same command again on larger ones")
    if isinstance(error, (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.ObjectLostError)):
        return ChildProcessError(
            f"a process of the cluster ended {AGAIN + 1} times over the same work ({type(error).__name__}); "
            "run the same command again to resume"
        )
    return error


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ValueError(NO_RAY) from None
    return ray


_CONNECTED: list[str] = []
"""The cluster that this process is connected to."""


def _connect(ray: Any, address: str) -> None:
    if ray.is_initialized() and [address] == _CONNECTED:
        return
    ray.shutdown()
    if address.startswith("ray://") and not importlib.util.find_spec("grpc"):
        raise ValueError(NO_RAY.replace("Ray, which", "Ray's client, which"))
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _reach(address)  # Ray itself would wait for minutes
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True)
    except (OSError, RuntimeError, ValueError, ray.exceptions.AuthenticationError) as error:
        raise ConnectionError(
            f"no Ray cluster answers at {address} ({' '.join(str(error).split())[:200]}); start one with "
            "`ray start --head`, or leave out --cluster; one with a token wants RAY_AUTH_MODE=token and the same "
            "~/.ray/auth_token on all machines"
        ) from None
    else:
        _CONNECTED[:] = [address]
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray's own would end the command without a word


def _reach(address: str) -> None:
    """Raises an OSError if nobody listens at HOST:PORT."""
    host, found, port = address.removeprefix("ray://").rpartition(":")
    if found and port.isdigit():
        socket.create_connection((host, int(port)), timeout=SECONDS).close()
