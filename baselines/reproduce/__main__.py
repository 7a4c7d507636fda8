"""Reproduces the paper figure by figure, and what its reviewers asked for.

    python -m baselines.reproduce all --preset quick --seeds 5 --out runs/reproduce
    python -m baselines.reproduce outcomes recovery --preset smoke --seeds 2 --out runs/trial
    python -m baselines.reproduce recovery --seeds 10 --out runs/more --published docs/results  # seeds that lack

Run again, it goes on where it stopped, and adds what was not asked for before. The results are in `OUT/results`, one
JSON, CSV, PNG and SVG per experiment, and on the pages `OUT/results.md` and `OUT/results.html`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from baselines.laboratory import results, runner
from baselines.laboratory.pages import publish
from baselines.presets import PresetName
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
    """Number of seeds, from 0; what chooses for others runs on a validation seed of its own."""
    workers: int | None = None
    """Processes; by default one per core, or one where there is a GPU."""
    published: Path | None = None
    """Directory of results whose seeds need not be run again, except for heat maps, which are published as sums."""


def check(arguments: Arguments) -> list[str]:
    """Returns the names of the experiments that are wanted.

    Raises:
        ValueError: an unknown experiment, no seeds or no workers.
    """
    unknown = [name for name in arguments.figures if name != "all" and name not in BY_NAME]
    if unknown or not arguments.figures:
        raise ValueError(f"figures {unknown} are unknown; choose among all, {', '.join(BY_NAME)}")
    for name, number in (("seeds", arguments.seeds), ("workers", arguments.workers)):
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    return list(BY_NAME) if "all" in arguments.figures else list(arguments.figures)


def task(name: str, seed: int, arguments: Arguments) -> runner.Task:
    """Returns one experiment on one seed."""
    return runner.Task(name, BY_NAME[name].measure.__module__, arguments.preset, seed, arguments.out)


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        tasks = [
            task(name, seed, arguments) for name in check(arguments) for seed in BY_NAME[name].seeds(arguments.seeds)
        ]
        if arguments.published is not None:
            adopt(arguments.published, arguments)
        with explain_full_disk(arguments.out):
            try:
                runner.run(tasks, arguments.workers)
            finally:  # what is there is shown, whatever went wrong
                made = collect(arguments.out)
        print(f"{len(made)} experiments; read {arguments.out / 'results.md'}")


def adopt(published: Path, arguments: Arguments) -> None:
    """Takes over the rows of published results.

    Raises:
        FileNotFoundError: there are none.
        ValueError: they are damaged, or of another preset.
    """
    for result in results.load(published, EXPERIMENTS):
        name, preset = result.experiment.name, result.content["preset"]
        if preset != arguments.preset:
            raise ValueError(f"{published / name}.json is of preset {preset}, not {arguments.preset}; give another one")
        results.spread(result, lambda seed, name=name: task(name, seed, arguments).rows)


def collect(out: Path) -> list[results.Result]:
    """Writes the results of all seeds and experiments that are finished, and returns them."""
    directory = out / "results"
    for experiment in EXPERIMENTS:
        files = sorted((out / runner.ROWS / experiment.name).glob("seed-*.json"))
        if files:
            results.write(results.gather(experiment, files), directory)
    try:
        made = results.load(directory, EXPERIMENTS)
    except FileNotFoundError:
        return []
    publish(made, directory)
    return made


if __name__ == "__main__":
    sys.exit(main())
