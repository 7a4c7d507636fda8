"""What is to be made, what it needs, and how long it takes, as text; nothing is made."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence

from baselines.laboratory.graph.estimates import critical_path, estimate, makespan
from baselines.laboratory.graph.nodes import Node, build, unmade
from baselines.laboratory.graph.task import Task
from jumppad_env.machine.cores import count_cores

WORKERS = (1, 2, 8, 64)
"""Numbers of workers for which the time is estimated, beside the cores of this machine."""
EXPERIMENTS = "rows of experiments"
HOUR = 3600


def describe(tasks: Sequence[Task], measured: Sequence[Task]) -> str:
    """Returns the plan of what is missing.

    Args:
        tasks: experiments on seeds.
        measured: those of them whose rows are there, or will be taken from elsewhere.
    """
    seconds = estimate(build(tasks))  # what is made tells how long the rest takes
    nodes = build([task for task in tasks if task not in measured])
    missing = unmade(nodes)
    names = {node.name for node in missing}
    total = sum(seconds[node.name] for node in missing)
    said = [_kinds(nodes, names, seconds), "", _experiments(tasks, nodes, names), ""]
    said += [f"{len(missing):,} of {len(nodes):,} nodes are to be made, {total / HOUR:.2f} node-hours (estimated)"]
    if missing:
        path = critical_path(missing, seconds)
        least = sum(seconds[node.name] for node in path)
        chain = " > ".join(node.name for node in path)
        said += [f"at least {least / HOUR:.2f} hours on any number of workers, which wait for"]
        said += textwrap.wrap(chain, 118, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        counts = sorted({*WORKERS, count_cores()})
        times = [f"{count:,}: {makespan(missing, seconds, count) / HOUR:.2f}" for count in counts]
        said += [f"hours by number of workers: {', '.join(times)}"]
    return "\n".join(said)


def _kinds(nodes: Sequence[Node], missing: set[str], seconds: dict[str, float]) -> str:
    """Tabulates nodes by kind, in the order of the first of each kind; experiments come last."""
    kinds: dict[str, list[Node]] = defaultdict(list)
    for node in sorted(nodes, key=lambda node: node.stage is None):
        kinds[node.kind if node.stage else EXPERIMENTS].append(node)
    rows = [("stage", "nodes", "to make", "CPUs", "GPUs", "memory", "hours")]
    for kind, some in kinds.items():
        needs = [node.resources for node in some]
        cpus, gpus = (max(getattr(need, what) for need in needs) for what in ("cpus", "gpus"))
        memory = f"{max(need.memory for need in needs) / 1e9:.1f} GB"
        left = [node for node in some if node.name in missing]
        hours = sum(seconds[node.name] for node in left) / HOUR
        rows.append((kind, f"{len(some):,}", f"{len(left):,}", f"{cpus:g}", f"{gpus:g}", memory, f"{hours:.2f}"))
    return _aligned(rows)


def _experiments(tasks: Sequence[Task], nodes: Sequence[Node], missing: set[str]) -> str:
    """Says for each experiment and seed how many artifacts are missing."""
    by_task = {node.task: node for node in nodes if node.stage is None}
    rows = []
    for experiment in dict.fromkeys(task.experiment for task in tasks):
        seeds: dict[str, list[int]] = defaultdict(list)
        for task in tasks:
            if task.experiment == experiment:
                node = by_task.get(task)
                left = [need for need in node.needs if need in missing] if node else []
                seeds[f"{len(left)} of {len(node.needs)} artifacts missing" if node else "measured"].append(task.seed)
        told = (f"{what} (seed{'s' * (len(some) > 1)} {', '.join(map(str, some))})" for what, some in seeds.items())
        rows.append((experiment, "; ".join(told)))
    return _aligned(rows, left=2)


def _aligned(rows: Sequence[tuple[str, ...]], left: int = 1) -> str:
    """Aligns columns, the first `left` of them to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(cells: Iterable[str]) -> str:
        padded = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "  ".join(padded).rstrip()

    return "\n".join(map(line, rows))
