"""The graph of what experiments need: a node per artifact, and one per experiment and seed that reads them.

    nodes = build(tasks)                                   # runs nothing, writes nothing
    run_graph(unmade(nodes), workers)

An experiment names its artifacts above its `yield`; here they are written down instead of made. Which artifact needs
which follows from the directories that its stage is given.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from agents.workers.needs import Needs
from baselines import artifact
from baselines.laboratory.graph.task import Task, measure
from baselines.models.precision import choose_device
from baselines.presets import PRESETS, Preset
from baselines.stages import Stages
from jumppad_env.files import is_finished

ON_CPU = ("collect", "redraw", "merge", "preferences", "count_outcomes")
"""Stages without a network."""


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """An artifact, or the rows of an experiment and a seed."""

    name: str
    """Its place in the output directory, such as "seed-0/left/aligned"."""
    kind: str
    """The stage's function, or the experiment."""
    arguments: dict[str, Any]
    """Of the stage, by name; none of an experiment."""
    work: Callable[[], Any]
    """Can be pickled; what is there already it only checks."""
    makes: Path
    reads: tuple[Path, ...]
    """What must be there."""
    needs: tuple[str, ...]
    """Names of the nodes that make it."""
    resources: Needs
    task: Task
    """The first that needs it."""

    @property
    def is_rows(self) -> bool:
        """Whether it is the experiment itself."""
        return self.makes == self.task.rows

    @property
    def is_made(self) -> bool:
        """Whether it is there; rows count as such however they were made."""
        return self.makes.exists() if self.is_rows else is_finished(self.makes)


class NamedStages(Stages):
    """Stages that are written down instead of made; see `Stages`."""

    def __init__(self, name: str, preset: Preset, out: Path, seed: int) -> None:
        self.works: dict[str, partial[Any]] = {}
        self.named: list[str] = []
        """In the order in which they were first named, since this was last emptied."""
        super().__init__(name, preset, out, seed)

    def open(self) -> None:
        """Checks that the directory holds this run, or none."""
        self.check()

    def make(self, name: str, work: Callable[[Path], Any]) -> Path:
        """Writes a stage down.

        Raises:
            ValueError: There is another of this name, or it cannot be sent to another process.
        """
        if not isinstance(work, partial):
            raise ValueError(f"the work of {name} is {work!r}, not a functools.partial that lacks the directory alone")
        there = self.works.setdefault(name, work)
        if found := artifact.differences(_described(there), _described(work)):
            raise ValueError(f"{self.out / name} is named with two settings: {found}; give one of them another name")
        if name not in self.named:
            self.named.append(name)
        return self.out / name


def build(tasks: Sequence[Task]) -> list[Node]:
    """Returns the graph that ends in the rows of tasks: earlier tasks first, and what a task needs before it.

    Raises:
        ValueError: Two tasks give an artifact of one name other settings, or one reads what nobody makes; a run
            directory holds another run.
    """
    runs: dict[Path, NamedStages] = {}
    nodes: dict[Path, Node] = {}
    for task in tasks:
        if task.stages not in runs:
            runs[task.stages] = NamedStages(task.preset, PRESETS[task.preset], task.stages, task.seed)
        stages = runs[task.stages]
        stages.named.clear()
        measuring = task.measuring(stages)
        next(measuring, None)
        measuring.close()
        new = [name for name in stages.named if stages.out / name not in nodes]
        nodes |= {stages.out / name: _artifact(task, name, stages.works[name]) for name in new}
        nodes[task.rows] = _rows(task, [stages.out / name for name in stages.named], new)
    named = {path: node.name for path, node in nodes.items()}
    for path, node in nodes.items():
        for read in node.reads:
            if read not in named and not is_finished(read):
                raise ValueError(
                    f"{node.name} reads {read}, which nobody makes; name it above the yield of the experiment"
                )
        nodes[path] = dataclasses.replace(node, needs=tuple(named[read] for read in node.reads if read in named))
    try:
        TopologicalSorter({node.name: node.needs for node in nodes.values()}).prepare()
    except CycleError as error:
        raise ValueError(f"artifacts need each other in a circle: {' <- '.join(error.args[1])}") from None
    return list(nodes.values())


def unmade(nodes: Sequence[Node]) -> list[Node]:
    """Returns the nodes that are still to be made."""
    return [node for node in nodes if not node.is_made]


def _artifact(task: Task, name: str, work: partial[Any]) -> Node:
    arguments, kind = _arguments(work), work.func.__name__
    return Node(
        name=(task.stages / name).relative_to(task.out).as_posix(),
        kind=kind,
        arguments=arguments,
        work=partial(_make, task, name, work),
        makes=task.stages / name,
        reads=tuple(dict.fromkeys(_paths(tuple(arguments.values())))),
        needs=(),
        resources=Needs(gpus=_gpus(kind not in ON_CPU)),
        task=task,
    )


def _rows(task: Task, reads: list[Path], made: list[str]) -> Node:
    return Node(
        name=task.rows.relative_to(task.out).as_posix(),
        kind=task.experiment,
        arguments={},
        work=partial(measure, task, [name for name in made if not is_finished(task.stages / name)]),
        makes=task.rows,
        reads=tuple(reads),
        needs=(),
        resources=Needs(gpus=_gpus(task.own_seconds > 0)),
        task=task,
    )


def _make(task: Task, name: str, work: partial[Any]) -> None:
    task.open().make(name, work)


def _gpus(network: bool) -> int:
    return int(network and choose_device().type == "cuda")


def _arguments(work: partial[Any]) -> dict[str, Any]:
    return inspect.signature(work.func).bind_partial(*work.args, **work.keywords).arguments


def _described(work: partial[Any]) -> dict[str, Any]:
    arguments = {name: artifact.to_json(value) for name, value in _arguments(work).items()}
    return {"stage": work.func.__name__, **arguments}


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _paths(part)
