"""Reproduces the paper's experiments, and runs those that its reviewers asked for.

    python -m baselines.reproduce all --preset quick --seeds 5 --out runs/reproduce
    python -m baselines.reproduce outcomes recovery --preset smoke --seeds 2 --out runs/trial
    python -m baselines.reproduce recovery --seeds 10 --out runs/more --published docs/results  # only the missing seeds
    python -m baselines.reproduce recovery --seeds 3 7 --out runs/named  # these two; one alone is --seed 3
    python -m baselines.reproduce all --out runs/reproduce --plan  # prints what is missing, what it needs and how long

The same command resumes an interrupted run, and another one adds experiments or seeds. `OUT/results` holds JSON, CSV,
PNG and SVG files per experiment; `OUT/results.md` and `OUT/results.html` show them all.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from baselines.laboratory import results, runner
from baselines.laboratory.graph.plan import describe
from baselines.laboratory.graph.task import ROWS, Task, is_measured
from baselines.laboratory.pages import publish
from baselines.models.precision import use_device
from baselines.presets import PresetName
from baselines.reproduce.experiments import EXPERIMENTS
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk

BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


@dataclass(frozen=True)
class Arguments:
    """Run experiments over several seeds and publish their figures and tables."""

    figures: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Names of experiments, or "all" that run on the preset."""
    out: Path
    """Output directory; an interrupted run resumes."""
    preset: PresetName = "quick"
    """Preset of the runs. Some experiments are about levels and need islands or chain."""
    seeds: tuple[int, ...] = (5,)
    """One number is how many seeds, starting at 0; several are the seeds themselves. Hyperparameter selection uses its
    own validation seed."""
    seed: int | None = None
    """One seed alone, instead of `--seeds`, as for a job of an array."""
    workers: int | None = None
    """Number of processes; by default one per core, or one with a GPU."""
    cluster: str | None = None
    """Ray cluster whose machines work instead: auto for the one that this machine belongs to, HOST:PORT, or
    ray://HOST:PORT. The rows are the same; machines need not share a folder."""
    device: str = "auto"
    """Where networks run: cpu, cuda, cuda:1, ...; auto is a GPU where there is one."""
    plan: bool = False
    """Whether to print what would be made, with estimated hours, instead of making it."""
    published: Path | None = None
    """Directory of published results whose seeds are reused (heat maps are published as sums and run again)."""


def check(arguments: Arguments) -> list[str]:
    """Returns the names of the selected experiments.

    Raises:
        ValueError: an unknown experiment, one that the preset does not suit, no seeds, a seed twice or below 0, or no
            workers.
    """
    unknown = [name for name in arguments.figures if name != "all" and name not in BY_NAME]
    if unknown or not arguments.figures:
        raise ValueError(f"figures {unknown} are unknown; choose among all, {', '.join(BY_NAME)}")
    fitting = [name for name, experiment in BY_NAME.items() if arguments.preset in experiment.presets]
    if wrong := [name for name in arguments.figures if name not in ("all", *fitting)]:
        wanted = " or ".join(BY_NAME[wrong[0]].presets)
        raise ValueError(f"{wrong[0]} does not run on preset {arguments.preset}; give --preset {wanted}")
    seeds = arguments.seeds if arguments.seed is None else (arguments.seed,)
    if not seeds or min(seeds) < 0 or seeds == (0,) == arguments.seeds or len(set(seeds)) < len(seeds):
        raise ValueError(
            f"seeds must be at least 1 (how many), or several different ones of at least 0, got {list(seeds)}"
        )
    if arguments.workers is not None and arguments.workers < 1:
        raise ValueError(f"workers must be at least 1, got {arguments.workers}")
    return fitting if "all" in arguments.figures else list(arguments.figures)


def requested_seeds(arguments: Arguments) -> int | tuple[int, ...]:
    """Returns how many seeds are requested, counted from 0, or which."""
    if arguments.seed is not None:
        return (arguments.seed,)
    return arguments.seeds[0] if len(arguments.seeds) == 1 else arguments.seeds


def task(name: str, seed: int, arguments: Arguments) -> Task:
    """Returns one experiment on one seed."""
    return Task(
        name,
        BY_NAME[name].measure.__module__,
        arguments.preset,
        seed,
        arguments.out,
        BY_NAME[name].own_seconds,
    )


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments, prog="python -m baselines.reproduce")
        use_device(arguments.device)
        names, seeds = check(arguments), requested_seeds(arguments)
        tasks = [task(name, seed, arguments) for name in names for seed in BY_NAME[name].seeds(seeds)]
        if arguments.plan:
            print(plan(tasks, arguments))
            return
        if arguments.published is not None:
            adopt(arguments.published, arguments)
        with explain_full_disk(arguments.out):
            try:
                runner.run(tasks, arguments.workers, arguments.cluster)
            finally:  # publish what is finished, even after a failure
                made = collect(arguments.out)
        print(f"{len(made)} experiments; read {arguments.out / 'results.md'}")


def plan(tasks: list[Task], arguments: Arguments) -> str:
    """Returns what is missing, as text; nothing is made."""
    measured = [each for each in tasks if is_measured(each)]
    if arguments.published is not None:
        found = published_results(arguments.published, arguments)
        known = {(result.experiment.name, row.get("seed")) for result in found for row in result.rows}
        measured += [each for each in tasks if (each.experiment, each.seed) in known]
    return describe(tasks, measured)


def adopt(published: Path, arguments: Arguments) -> None:
    """Copies the rows of published results into the run."""
    for result in published_results(published, arguments):
        name = result.experiment.name
        results.spread(result, lambda seed, name=name: task(name, seed, arguments).rows)


def published_results(published: Path, arguments: Arguments) -> list[results.Result]:
    """Returns published results.

    Raises:
        FileNotFoundError: there are none.
        ValueError: they are damaged, or of another preset.
    """
    suited = [experiment for experiment in EXPERIMENTS if arguments.preset in experiment.presets]
    found = results.load(published, suited)
    for result in found:
        if (preset := result.content["preset"]) != arguments.preset:
            file = published / f"{result.experiment.name}.json"
            raise ValueError(f"{file} is of preset {preset}, not {arguments.preset}; give another one")
    return found


def collect(out: Path) -> list[results.Result]:
    """Writes the results of all seeds and experiments that are finished, and returns them."""
    directory = out / "results"
    for experiment in EXPERIMENTS:
        files = sorted((out / ROWS / experiment.name).glob("seed-*.json"))
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
