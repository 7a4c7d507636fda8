"""Reproduces the paper figure by figure, and what its reviewers asked for.

    python -m baselines.reproduce all --preset quick --seeds 5 --out runs/reproduce
    python -m baselines.reproduce outcomes recovery --preset smoke --seeds 2 --out runs/trial

Run again, it goes on where it stopped, and adds what was not asked for before. The results are in `OUT/results`, one
JSON, CSV, PNG and SVG per experiment, and on the pages `OUT/results.md` and `OUT/results.html`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from baselines.presets import PRESETS, PresetName
from baselines.reproduce import laboratory, pages, results
from baselines.reproduce.experiments import EXPERIMENTS
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk

BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


@dataclass(frozen=True)
class Arguments:
    """Reproduce figures."""

    figures: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Names of experiments, or "all"."""
    out: Path
    """Directory; what was interrupted goes on."""
    preset: PresetName = "quick"
    """Size of the runs."""
    seeds: int = 5
    """Number of seeds, from 0."""
    workers: int | None = None
    """Processes; by default one per core, or one where there is a GPU."""

    def __post_init__(self) -> None:
        """Refuses what does not exist."""
        unknown = [name for name in self.figures if name != "all" and name not in BY_NAME]
        if unknown or not self.figures:
            raise ValueError(f"figures {list(unknown)} are unknown; choose among all, {', '.join(BY_NAME)}")
        if self.preset not in PRESETS:
            raise ValueError(f"preset {self.preset} is unknown; choose among {', '.join(PRESETS)}")
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, got {self.seeds}")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers must be at least 1, got {self.workers}")


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        names = list(BY_NAME) if "all" in arguments.figures else list(arguments.figures)
        tasks = [
            laboratory.Task(name, arguments.preset, seed, arguments.out)
            for name in names
            for seed in range(arguments.seeds)
        ]
        with explain_full_disk(arguments.out):
            try:
                laboratory.run(tasks, arguments.workers)
            finally:  # what is there is shown, whatever went wrong
                made = collect(arguments.out)
        print(f"{len(made)} experiments; read {arguments.out / 'results.md'}")


def collect(out: Path) -> list[results.Result]:
    """Writes the results of all seeds and experiments that are finished, and returns them."""
    directory = out / "results"
    for experiment in EXPERIMENTS:
        files = sorted((out / laboratory.ROWS / experiment.name).glob("seed-*.json"))
        if files:
            results.write(results.gather(experiment, files), directory)
    try:
        made = results.load(directory)
    except FileNotFoundError:
        return []
    pages.publish(made, directory)
    return made


if __name__ == "__main__":
    sys.exit(main())
