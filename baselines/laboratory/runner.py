"""Runs experiments seed by seed, in as many processes as there are cores, and keeps their rows.

Every seed has a directory of its own, which is a run like the pipeline's: what one experiment has made there, another
finds. A finished pair of experiment and seed is one file of rows; an interruption loses only what was being measured.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib
import os
import platform
import subprocess
import time
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from agents.progress import Progress
from baselines.artifact import installed_versions
from baselines.laboratory.experiment import rows_of
from baselines.laboratory.processes import run_in_processes
from baselines.laboratory.rows import read_measured, write_measured
from baselines.models.precision import announce_device, choose_device
from baselines.presets import PRESETS, PresetName
from baselines.stages import Stages
from jumppad_env.files import write_atomically
from jumppad_env.machine.cores import count_cores

ROWS = "rows"
ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Task:
    """One experiment on one seed."""

    experiment: str
    module: str
    """Holds its function `measure`."""
    preset: PresetName
    seed: int
    out: Path

    @property
    def stages(self) -> Path:
        """The run directory of the seed."""
        return self.out / f"seed-{self.seed}"

    @property
    def rows(self) -> Path:
        """The file that holds the rows once they are measured."""
        return self.out / ROWS / self.experiment / f"seed-{self.seed}.json"


def run(tasks: Sequence[Task], workers: int | None = None) -> None:
    """Measures what is not measured yet, earlier tasks first.

    Args:
        tasks: experiments on seeds.
        workers: processes; by default one per core, or one where there is a GPU.

    Raises:
        ChildProcessError: some tasks failed; all others are finished. Full tracebacks are next to their rows.
        ValueError: there are rows of another preset.
    """
    waiting = [task for task in tasks if not is_measured(task)]
    workers = workers or (1 if choose_device().type == "cuda" else count_cores())
    workers = max(1, min(workers, len({task.seed for task in waiting})))
    if waiting:
        announce_device(choose_device())
    failed: dict[Task, BaseException] = {}
    with Progress(total=len(tasks), initial=len(tasks) - len(waiting), unit="experiment") as bar:

        def show(running: list[Task]) -> None:
            bar.set_postfix_str(", ".join(f"{task.experiment} {task.seed}" for task in running))

        def count(task: Task, error: BaseException | None) -> None:
            if error:
                failed[task] = error
                bar.write(f"{task.experiment}, seed {task.seed}, failed: {error!r}")
                said = "".join(traceback.format_exception(error))
                write_atomically(task.rows.with_suffix(".error"), said.encode())
            bar.update()

        # Two experiments of a seed would make the same artifacts.
        jobs = {task: partial(measure, task) for task in waiting}
        run_in_processes(jobs, workers, apart=lambda task: task.seed, watch=show, ended=count)
    if failed:
        reasons = "; ".join(f"{task.experiment}, seed {task.seed}: {error!r}" for task, error in failed.items())
        raise ChildProcessError(f"{len(failed)} of {len(tasks)} did not finish ({reasons}); all others are kept")


def is_measured(task: Task) -> bool:
    """Returns whether there are rows of a task; they must be of its preset.

    Raises:
        ValueError: they are of another, or damaged.
    """
    if not os.path.lexists(task.rows):
        return False
    preset = read_measured(task.rows, task.experiment)["preset"]
    if preset != task.preset:
        raise ValueError(f"{task.rows} was measured with preset {preset}, not {task.preset}; choose another --out")
    return True


def measure(task: Task) -> None:
    """Measures one experiment on one seed and writes its rows."""
    origin = provenance()  # before the work: the checkout may move on meanwhile
    experiment = importlib.import_module(task.module)
    began = time.monotonic()
    stages = Stages(task.preset, PRESETS[task.preset], task.stages, task.seed)
    rows = rows_of(experiment.measure(stages))
    content = {"experiment": task.experiment, "preset": task.preset, "seed": task.seed}
    content |= {"seconds": round(time.monotonic() - began, 1), "provenance": origin, "rows": rows}
    write_measured(task.rows, content)


def provenance() -> dict[str, Any]:
    """Returns where numbers come from: commit, machine, versions, day."""
    commit, changed = "unknown", False
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = bool(_git("status", "--porcelain", "--untracked-files=no"))
    device = torch.cuda.get_device_name() if choose_device().type == "cuda" else _processor()
    return {
        "commit": commit + ("+changes" if changed else ""),
        "device": device,
        "cores": count_cores(),
        "versions": installed_versions(),
        "date": datetime.date.today().isoformat(),
    }


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
