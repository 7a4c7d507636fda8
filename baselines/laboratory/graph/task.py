"""One experiment on one seed: where it lies, and how it is measured."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from baselines.artifact import installed_versions
from baselines.laboratory.experiment import Measuring, rows_of
from baselines.laboratory.rows import read_measured, write_measured
from baselines.models.precision import choose_device
from baselines.presets import PRESETS, PresetName
from baselines.stages import Stages
from jumppad_env.machine.cores import count_machine_cores

ROWS = "rows"
ROOT = Path(__file__).parents[3]


@dataclasses.dataclass(frozen=True)
class Task:
    """One experiment on one seed."""

    experiment: str
    module: str
    """Holds its function `measure`."""
    preset: PresetName
    seed: int
    out: Path
    own_seconds: float = 0.0
    """See `Experiment`."""

    @property
    def stages(self) -> Path:
        """The run directory of the seed."""
        return self.out / f"seed-{self.seed}"

    @property
    def rows(self) -> Path:
        """The file that holds the rows once they are measured."""
        return self.out / ROWS / self.experiment / f"seed-{self.seed}.json"

    def open(self) -> Stages:
        """Begins the run of the seed, or goes on with it."""
        return Stages(self.preset, PRESETS[self.preset], self.stages, self.seed)

    def measuring(self, stages: Stages) -> Measuring:
        """Begins the experiment."""
        return importlib.import_module(self.module).measure(stages)


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


def measure(task: Task, made: Sequence[str] = ()) -> None:
    """Measures one experiment on one seed and writes its rows; artifacts that are not there are made first.

    Args:
        task: the experiment and the seed.
        made: names of artifacts that were made for it alone before, whose seconds count as its own.
    """
    origin = provenance()  # before the work: the checkout may move on meanwhile
    began = time.monotonic()
    stages = task.open()
    rows = rows_of(task.measuring(stages))
    seconds = time.monotonic() - began
    spent = stages.seconds() if made else {}
    seconds += sum(spent.get(name, 0.0) for name in made)
    content = {"experiment": task.experiment, "preset": task.preset, "seed": task.seed}
    write_measured(task.rows, {**content, "seconds": round(seconds, 1), "provenance": origin, "rows": rows})


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
        "cores": count_machine_cores(),  # how many of them this process has depends on who else worked
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
