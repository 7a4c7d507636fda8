"""How long nodes take: by how much work they are, and by what the same kind of work took in this run already."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

from baselines.laboratory.graph.nodes import NamedStages, Node
from baselines.laboratory.graph.sizes import Amounts, Makers, amounts
from baselines.presets import PRESETS, Preset
from baselines.throughput import PEOPLE_STEPS, training_flops

SECONDS = Amounts(collected=0.014, drawn=0.012, read=0.001, played=0.007, acting=0.013, trained=0.0027, training=0.0081)
"""Seconds of a core per unit, on an AMD EPYC whose networks compute in bfloat16, 2026-11-30: short runs of the stages
of `quick` and `smoke`, and of wider networks, for their ratios, and `make quick` for their sizes."""
START = 0.3
"""Seconds that a node takes however little it does."""


def estimate(nodes: Sequence[Node]) -> dict[str, float]:
    """Returns the seconds that each node takes, by name, as if it were not made.

    Where nodes of a kind are made, what they took corrects the estimates of the others of their kind.
    """
    makers = {node.makes: node.stage for node in nodes if node.stage}
    seconds = {node.name: _seconds(node, makers) for node in nodes}
    spent: dict[Path, dict[str, float]] = {}
    took, estimated = defaultdict(float), defaultdict(float)
    for node in nodes:
        task = node.task
        if task.stages not in spent:
            spent[task.stages] = NamedStages(task.preset, PRESETS[task.preset], task.stages, task.seed).seconds()
        known = spent[task.stages].get(node.makes.relative_to(task.stages).as_posix()) if node.stage else None
        if known is not None and node.is_made:
            took[node.kind] += known
            estimated[node.kind] += seconds[node.name]
    for node in nodes:
        if node.kind in took:
            seconds[node.name] *= took[node.kind] / estimated[node.kind]
    return seconds


def _seconds(node: Node, makers: Makers) -> float:
    if node.stage is None:
        return START + node.task.own_seconds * _training(PRESETS[node.task.preset]) / _training(PRESETS["quick"])
    return START + sum(amount * each for amount, each in zip(amounts(node.stage, makers), SECONDS, strict=True))


def _training(preset: Preset) -> float:
    """Returns the seconds of training on an episode."""
    return SECONDS.trained + SECONDS.training * training_flops(preset.base.network, PEOPLE_STEPS) * PEOPLE_STEPS / 1e9


def makespan(nodes: Sequence[Node], seconds: Mapping[str, float], workers: int) -> float:
    """Returns the seconds until all is made, if each worker makes a node at a time, earlier nodes first.

    It is the order of `agents.workers.graph.run_graph`. What is needed but is not among the nodes is there.
    """
    place = {node.name: index for index, node in enumerate(nodes)}
    needs = [[place[need] for need in node.needs if need in place] for node in nodes]
    missing = [len(needed) for needed in needs]
    needed_by: dict[int, list[int]] = defaultdict(list)
    for index, needed in enumerate(needs):
        for need in needed:
            needed_by[need].append(index)
    ready = [index for index, count in enumerate(missing) if not count]
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            index = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[nodes[index].name], index))
        now, ended = heapq.heappop(running)
        for index in needed_by[ended]:
            missing[index] -= 1
            if not missing[index]:
                heapq.heappush(ready, index)
    return now


def critical_path(nodes: Sequence[Node], seconds: Mapping[str, float]) -> list[Node]:
    """Returns the nodes that take longest one after the other, which no number of workers makes shorter."""
    by_name = {node.name: node for node in nodes}
    before: dict[str, str | None] = {}
    until: dict[str, float] = {}
    needs = {node.name: [need for need in node.needs if need in by_name] for node in nodes}
    for name in TopologicalSorter(needs).static_order():
        before[name] = max(needs[name], key=until.__getitem__, default=None)
        last = before[name]
        until[name] = seconds[name] + (until[last] if last is not None else 0.0)
    path, name = [], max(until, key=until.__getitem__, default=None)
    while name is not None:
        path.append(by_name[name])
        name = before[name]
    return path[::-1]
