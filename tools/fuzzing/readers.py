"""What each kind of file of a run is read by, as its commands read it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.dataset import Dataset
from baselines import artifact
from baselines.curves.curves import draw_curves, read_curves
from baselines.evaluate import load_outcome
from baselines.laboratory import results
from baselines.laboratory.graph.task import is_measured
from baselines.models.policy import Policy
from baselines.models.reward_model import RewardModel
from baselines.preferences.comparisons import load_comparisons, pair_batch
from baselines.report.run_directory import load_run
from baselines.report.sections import SECTIONS
from baselines.training.loop import read_metrics
from jumppad_env.dataset.writing import Unfinished
from tools.fuzzing.miniature import (
    ASKED,
    EXPERIMENT,
    PRESET,
    TARGET,
    begin_unfinished,
    stages_of,
    task_of,
    train_module,
)


def _nothing() -> None:
    """Draws nothing."""


@dataclass(frozen=True)
class Kind:
    """A kind of file, shown by one of a run."""

    path: Path
    """Of the file."""
    name: str
    """Of the kind: the file's path in the run."""
    read: Callable[[], Any]
    """Reads the file and uses what it says."""
    draw: Callable[[], Any] = _nothing
    """Draws what was read, which takes longer."""
    checks: bool = False
    """Whether the reader has to notice that a file differs from its checksum, where there is one."""
    tidy: Callable[[], Any] = _nothing
    """Undoes what reading wrote."""


def kinds_of(run: Path) -> list[Kind]:
    """Returns all kinds of files of a miniature."""

    def kind(name: str, read: Callable[[], Any], **options: Any) -> Kind:
        return Kind(run / name, name, read, **options)

    agent, judge, data = run / "base", run / TARGET / "reward_model", run / "rollouts"
    aligned = run / TARGET / "aligned"
    evaluation = run / "evaluations" / f"{TARGET}_aligned"
    goals = run / "demonstrations"
    open_data, report = partial(_use_dataset, data), partial(load_run, run)
    page = partial(_draw_report, run)
    unfinished = run / "unfinished"
    training = partial(train_module, unfinished / "training", 3)
    return [
        kind("base/config.json", lambda: Policy.from_pretrained(agent), checks=True),
        kind("base/model.safetensors", lambda: Policy.from_pretrained(agent), checks=True),
        kind(f"{TARGET}/reward_model/config.json", lambda: RewardModel.from_pretrained(judge), checks=True),
        kind(f"{TARGET}/reward_model/model.safetensors", lambda: RewardModel.from_pretrained(judge), checks=True),
        kind("base/manifest.json", partial(_use_manifest, run), checks=True),
        kind(
            "unfinished/artifact/begun.json",
            partial(_begin, run),
            tidy=_restorer(unfinished / "artifact"),
        ),
        kind(
            "unfinished/dataset/begun.json",
            partial(_begin_dataset, unfinished / "dataset"),
            tidy=_restorer(unfinished / "dataset"),
        ),
        kind("run.json", lambda: stages_of(run), checks=True),
        kind("timings.jsonl", lambda: stages_of(run).seconds()),
        kind(
            f"{TARGET}/aligned/metrics.jsonl",
            partial(_use_metrics, run, aligned),
            draw=partial(_draw_metrics, run, aligned),
        ),
        kind(f"evaluations/{TARGET}_aligned/outcomes.json", lambda: (load_outcome(evaluation), report()), draw=page),
        kind("results.json", report, draw=page),
        kind(f"evaluations/{TARGET}_aligned/paths.npz", report, draw=page),
        kind(
            f"{TARGET}/preferences/comparisons.npz",
            partial(_use_comparisons, run / TARGET / "preferences", data),
            checks=True,
        ),
        kind(
            "unfinished/training/training_state/state.safetensors",
            training,
            tidy=_restorer(unfinished / "training"),
        ),
        kind(f"reproduced/rows/{EXPERIMENT.name}/seed-0.json", partial(_use_rows, run)),
        kind(
            f"reproduced/results/{EXPERIMENT.name}.json",
            partial(_use_published, run / "reproduced/results"),
            draw=partial(_draw_published, run / "reproduced/results"),
        ),
        kind("rollouts/manifest.json", open_data, checks=True),
        *(
            kind(f"rollouts/{name}.npy", open_data, checks=True)
            for name in ("episodes", "actions", "states", "frames", "blocks")
        ),
        kind("demonstrations/goals.npy", partial(_use_dataset, goals), checks=True),
    ]


def _restorer(directory: Path) -> Callable[[], None]:
    """Returns a function that makes a directory what it is now."""
    files = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}

    def restore() -> None:
        for path in directory.rglob("*"):
            if path.is_file() and path not in files:
                path.unlink()
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return restore


def _use_manifest(run: Path) -> None:
    artifact.load_manifest(run / "base", "policy")
    inputs = {"demonstrations": run / "demonstrations"}
    with artifact.begin(run / "base", kind="policy", config=PRESET.base, seed=0, inputs=inputs):
        pass


class _Stopped(Exception):
    """Ends a block before it is finished."""


def _begin(run: Path) -> None:
    try:
        with begin_unfinished(run):
            raise _Stopped
    except _Stopped:
        pass


def _begin_dataset(directory: Path) -> None:
    try:
        with Unfinished(directory, ASKED):
            raise _Stopped
    except _Stopped:
        pass


def _use_metrics(run: Path, training: Path) -> None:
    read_metrics(training)
    read_curves(training)
    load_run(run)


def _draw_metrics(run: Path, training: Path) -> None:
    if curves := read_curves(training):
        draw_curves({"training": curves}, list(curves)).draw_without_rendering()
    _draw_report(run)


def _draw_report(run: Path) -> None:
    loaded = load_run(run)
    for section in SECTIONS:
        if section.__name__ != "videos":
            section(loaded)


def _use_comparisons(directory: Path, data: Path) -> None:
    dataset = Dataset(data)
    for part in ("train", "held_out"):
        pairs = load_comparisons(directory, part, dataset)
        pair_batch(dataset, pairs, np.arange(len(pairs)), torch.device("cpu"))


def _use_rows(run: Path) -> None:
    task = task_of(run)
    if not is_measured(task):
        raise FileNotFoundError(f"{task.rows} is not there")
    results.gather(EXPERIMENT, sorted(task.rows.parent.glob("seed-*.json"))).table.records()


def _use_published(directory: Path) -> None:
    for result in results.load(directory, [EXPERIMENT]):
        result.table.records()


def _draw_published(directory: Path) -> None:
    for result in results.load(directory, [EXPERIMENT]):
        result.experiment.draw(result.rows)


def _use_dataset(directory: Path) -> None:
    Dataset(directory).trajectory(0)
