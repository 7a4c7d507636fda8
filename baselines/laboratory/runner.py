"""Runs experiments over seeds, artifact by artifact, in as many processes as there are cores, and keeps their rows.

Every seed has a directory of its own, which is a run like the pipeline's: what one experiment needs there, another
shares. What is finished is not made again, so an interruption loses only what was being made.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from contextlib import ExitStack, closing

from agents.progress import Progress
from agents.workers import Processes, open_workers
from agents.workers.graph import NotMade, run_graph
from baselines.laboratory.graph.nodes import Node, build, unmade
from baselines.laboratory.graph.sending import Sender
from baselines.laboratory.graph.task import Task, is_measured
from baselines.models.precision import announce_device, choose_device
from baselines.models.threads import take_share_of_cores
from jumppad_env.files import write_atomically
from jumppad_env.machine.cores import count_cores


def run(tasks: Sequence[Task], workers: int | None = None, cluster: str | None = None) -> None:
    """Measures what is not measured yet, earlier tasks first.

    Args:
        tasks: experiments on seeds.
        workers: processes; by default one per core, or one where there is a GPU.
        cluster: address of a Ray cluster whose machines work instead; see `agents.workers.cluster.Cluster`.

    Raises:
        ChildProcessError: some tasks failed; all others are finished. Full tracebacks are next to their rows.
        ValueError: there are rows of another preset, or experiments do not agree on an artifact.
    """
    waiting = [task for task in tasks if not is_measured(task)]
    if not waiting:
        return
    nodes = unmade(build(waiting))
    announce_device(choose_device())
    for task in {task.stages: task for task in waiting}.values():
        task.open()  # before several processes would begin it
    failed: dict[Node, BaseException] = {}
    with ExitStack() as stack:
        start = None
        if cluster is None:
            processes = Processes(min(workers or default_workers(), len(nodes)), take_share_of_cores)
            hands = stack.enter_context(closing(processes))
        else:
            hands = stack.enter_context(open_workers(cluster=cluster))
            start = stack.enter_context(Sender(nodes, hands, waiting[0].out)).start
        bar = stack.enter_context(Progress(total=len(nodes), unit="artifact"))

        def show(running: list[Node]) -> None:
            bar.set_postfix_str(", ".join(node.name for node in running))

        def count(node: Node, error: BaseException | None) -> None:
            if error is not None:
                failed[node] = error
                if not isinstance(error, NotMade):
                    bar.write(f"{titled(node)}, failed: {error!r}")
                if node.stage is None:
                    said = "".join(traceback.format_exception(error))
                    write_atomically(node.makes.with_suffix(".error"), said.encode())
            bar.update()

        run_graph(nodes, hands, start=start, watch=show, ended=count)
    if failed:
        lost = sum(node.stage is None for node in failed)
        first = {node: error for node, error in failed.items() if not isinstance(error, NotMade)}
        reasons = "; ".join(f"{titled(node)}: {error!r}" for node, error in first.items())
        raise ChildProcessError(f"{lost} of {len(tasks)} did not finish ({reasons}); all others are kept")


def default_workers() -> int:
    """Returns how many processes share this machine."""
    return 1 if choose_device().type == "cuda" else count_cores()


def titled(node: Node) -> str:
    """Names a node in a message."""
    return f"{node.task.experiment}, seed {node.task.seed}" if node.stage is None else node.name
