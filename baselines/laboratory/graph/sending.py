"""Nodes of a graph on the machines of a cluster, whether they share the output directory or not.

A machine that sees the directory works in it, and goes on where a lost one stopped. To any other the artifacts that a
node reads are sent, and what it makes is fetched.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from agents.workers import Workers
from agents.workers.packing import Packed, pack
from baselines.laboratory.graph.nodes import Node
from baselines.laboratory.graph.task import Task
from baselines.models.precision import DEVICE
from baselines.stages import TIMINGS
from jumppad_env.files import write_atomically

TOKEN = "seen-by-cluster"
"""File in the output directory; a machine that reads the same in it sees that directory."""


@dataclasses.dataclass(frozen=True)
class Made:
    """What comes back from a machine that does not see the output directory."""

    result: Packed
    timings: str
    """New lines of the run's `timings.jsonl`."""


class Sender:
    """Hands nodes to the machines of a cluster; a context manager.

    Args:
        nodes: all of a graph.
        workers: the cluster.
        out: the output directory.
    """

    def __init__(self, nodes: Sequence[Node], workers: Workers, out: Path) -> None:
        self._workers, self._out = workers, _absolute(out)
        self._token = secrets.token_hex(16)
        self._shared = True  # until a machine does not see the directory
        self._readers = Counter(read for node in nodes for read in node.reads)
        self._inputs: dict[Path, Any] = {}
        self._courier = ThreadPoolExecutor(1)  # fetches and sends while others wait for results

    def __enter__(self) -> Sender:
        write_atomically(self._out / TOKEN, self._token.encode())
        return self

    def __exit__(self, *error: Any) -> None:
        self._courier.shutdown(cancel_futures=True)
        (self._out / TOKEN).unlink(missing_ok=True)

    def start(self, node: Node) -> Future[None]:
        """Runs a node on one of the machines."""
        ended: Future[None] = Future()
        if self._shared:
            self._submit(node, ended, None)
        else:
            self._courier.submit(self._send, node, ended)
        return ended

    def _send(self, node: Node, ended: Future[None]) -> None:
        """Runs a node on a machine that gets all that it reads."""
        try:
            if node.stage is None and not node.task.own_seconds:
                node.work()  # it reads much and computes little, and all is here
                ended.set_result(None)
                return
            inputs = []
            for read in node.reads:
                if read not in self._inputs:
                    self._inputs[read] = self._workers.share(pack(read))
                self._readers[read] -= 1
                # Sent once, forgotten with the last who reads it.
                inputs.append(self._inputs[read] if self._readers[read] else self._inputs.pop(read))
            self._submit(node, ended, inputs)
        except BaseException as error:
            ended.set_exception(error)

    def _submit(self, node: Node, ended: Future[None], inputs: list[Any] | None) -> None:
        timings = node.task.stages / TIMINGS
        job = _Sent(
            work=_moved(node.work, self._out, self._out),
            task=_moved(node.task, self._out, self._out),
            out=self._out,
            makes=_absolute(node.makes),
            reads=tuple(map(_absolute, node.reads)),
            complete=inputs is not None,
            known=timings.read_text() if timings.is_file() else "",
            token=self._token,
            device=os.environ.get(DEVICE),
        )
        result = self._workers.submit(job, *(inputs or ()), needs=node.resources)
        result.add_done_callback(lambda made: self._courier.submit(self._fetch, node, ended, made))

    def _fetch(self, node: Node, ended: Future[None], result: Future[Made | bool]) -> None:
        try:
            made = result.result()
            if made is False:
                self._shared = False
                self._send(node, ended)
                return
            if isinstance(made, Made):
                made.result.unpack(node.makes if node.stage else node.makes.parent)
                with (node.task.stages / TIMINGS).open("a") as file:
                    file.write(made.timings)
            ended.set_result(None)
        except BaseException as error:
            ended.set_exception(error)


@dataclasses.dataclass(frozen=True)
class _Sent:
    """A node on its way to a machine."""

    work: Callable[[], Any]
    task: Task
    out: Path
    makes: Path
    reads: tuple[Path, ...]
    """What its inputs are."""
    complete: bool
    """Whether they come with it."""
    known: str
    """The run's timings so far."""
    token: str
    device: str | None

    def __call__(self, *inputs: Packed) -> Made | bool:
        """Works in the output directory, or in a temporary one if this machine does not see it.

        Returns:
            What it has made, True if that is where it belongs, False if this machine lacks the inputs.
        """
        if self.device is not None:
            os.environ[DEVICE] = self.device
        if self._sees():
            self.work()
            return True
        if not self.complete:
            return False
        with tempfile.TemporaryDirectory(prefix="jumppad-") as folder:
            here = partial(_moved, old=self.out, new=Path(folder))
            stages = here(self.task).open()
            for read, packed in zip(self.reads, inputs, strict=True):
                packed.unpack(here(read))
            timings = stages.out / TIMINGS
            write_atomically(timings, self.known.encode())
            here(self.work)()
            return Made(pack(here(self.makes)), timings.read_text()[len(self.known) :])

    def _sees(self) -> bool:
        try:
            return (self.out / TOKEN).read_text() == self.token
        except OSError:
            return False


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _moved(value: Any, old: Path, new: Path) -> Any:
    """Returns work whose paths below one directory are below another."""
    if isinstance(value, Path):
        path = _absolute(value)
        return new / path.relative_to(old) if path.is_relative_to(old) else path
    if isinstance(value, partial):
        keywords = {name: _moved(argument, old, new) for name, argument in value.keywords.items()}
        return partial(value.func, *(_moved(argument, old, new) for argument in value.args), **keywords)
    if isinstance(value, Task):
        return dataclasses.replace(value, out=_moved(value.out, old, new))
    if type(value) in (tuple, list):
        return type(value)(_moved(part, old, new) for part in value)
    return value
