"""The graph of what experiments need: a node per artifact, and one per experiment and seed that reads them.

    nodes = build(tasks)                                   # runs nothing, writes nothing
    run_graph(unmade(nodes), workers)

An experiment names its artifacts above its `yield`; here they are written down instead of made. Which artifact needs
which follows from the directories that its stage is given.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from agents.workers.interface import Needs
from baselines import artifact
from baselines.laboratory.graph.sizes import PROCESS, Stage, memory, network_of
from baselines.laboratory.graph.task import Task, measure
from baselines.models.precision import choose_device
from baselines.presets import PRESETS, Preset
from baselines.stages import Stages
from jumppad_env.files import is_finished


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """An artifact, or the rows of an experiment and a seed."""

    name: str
    """Its place in the output directory, such as "seed-0/left/aligned"."""
    stage: Stage | None
    """None if it is the experiment itself."""
    work: Callable[[], Any]
    """Can be pickled; of what is there already it only checks the settings."""
    makes: Path
    reads: tuple[Path, ...]
    """What must be there."""
    needs: tuple[str, ...]
    """Names of the nodes that make it."""
    resources: Needs
    task: Task
    """The first that needs it."""

    @property
    def kind(self) -> str:
        """The stage's function, or the experiment."""
        return self.stage.kind if self.stage else self.task.experiment

    @property
    def is_made(self) -> bool:
        """Whether it is there."""
        return is_finished(self.makes) if self.stage else self.makes.exists()


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
        same = (there.func, there.args, there.keywords) == (work.func, work.args, work.keywords)
        if not same and (found := artifact.differences(_described(there), _described(work))):
            raise ValueError(f"{self.out / name} is named with two settings: {found}; give one of them another name")
        if name not in self.named:
            self.named.append(name)
        return self.out / name


def build(tasks: Sequence[Task]) -> list[Node]:
    """Returns the graph that ends in the rows of tasks: earlier tasks first, and what a node needs before it.

    Raises:
        ValueError: Two tasks give an artifact of one name other settings; one reads what nobody made before; a run
            directory holds another run.
    """
    runs: dict[Path, NamedStages] = {}
    nodes: dict[Path, Node] = {}
    makers: dict[Path, Stage] = {}
    for task in tasks:
        stages = runs.get(task.stages) or NamedStages(task.preset, PRESETS[task.preset], task.stages, task.seed)
        runs[task.stages] = stages
        stages.named.clear()
        measuring = task.measuring(stages)
        next(measuring, None)
        measuring.close()
        new = [name for name in stages.named if task.stages / name not in nodes]
        for name in new:
            node = _artifact(task, name, stages.works[name], nodes, makers)
            nodes[node.makes] = node
        nodes[task.rows] = _rows(task, [nodes[task.stages / name] for name in stages.named], new)
    return list(nodes.values())


def unmade(nodes: Sequence[Node]) -> list[Node]:
    """Returns the nodes that are still to be made."""
    return [node for node in nodes if not node.is_made]


def _artifact(task: Task, name: str, work: partial[Any], nodes: Mapping[Path, Node], makers: dict[Path, Stage]) -> Node:
    makes = task.stages / name
    makers[makes] = stage = _stage(work)
    reads = tuple(dict.fromkeys(_paths(tuple(stage.arguments.values()))))
    for read in reads:
        if read not in nodes and not is_finished(read):
            raise ValueError(f"{makes} needs {read}, which is named nowhere before it; name it above the yield")
    return Node(
        name=makes.relative_to(task.out).as_posix(),
        stage=stage,
        work=partial(_make, task, name, work),
        makes=makes,
        reads=reads,
        needs=tuple(nodes[read].name for read in reads if read in nodes),
        resources=Needs(gpus=_gpus(network_of(stage, makers) is not None), memory=memory(stage, makers)),
        task=task,
    )


def _rows(task: Task, needs: list[Node], made: list[str]) -> Node:
    computes = task.own_seconds > 0
    memories = [node.resources.memory for node in needs] if computes else []
    return Node(
        name=task.rows.relative_to(task.out).as_posix(),
        stage=None,
        work=partial(measure, task, [name for name in made if not is_finished(task.stages / name)]),
        makes=task.rows,
        reads=tuple(node.makes for node in needs),
        needs=tuple(node.name for node in needs),
        resources=Needs(gpus=_gpus(computes), memory=max(memories, default=PROCESS)),
        task=task,
    )


def _make(task: Task, name: str, work: partial[Any]) -> None:
    task.open().make(name, work)


def _gpus(network: bool) -> int:
    return int(network and choose_device().type == "cuda")


def _stage(work: partial[Any]) -> Stage:
    arguments = inspect.signature(work.func).bind_partial(*work.args, **work.keywords).arguments
    return Stage(work.func.__name__, arguments)


def _described(work: partial[Any]) -> dict[str, Any]:
    stage = _stage(work)
    return {"stage": stage.kind, **{name: artifact.to_json(value) for name, value in stage.arguments.items()}}


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _paths(part)
