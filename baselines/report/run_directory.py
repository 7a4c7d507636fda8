"""Reads a run from disk for its report: missing files are left out, damaged ones are errors."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.outcomes import NAMES
from baselines.artifact import read_arrays
from baselines.report.palette import KIND_TITLES
from baselines.training.loop import METRICS
from jumppad_env.files import MANIFEST, read_json
from jumppad_env.rules import PADS

RESULTS = "results.json"
TARGET_KINDS = ("preference_finetuned", "aligned")
"""Kinds of stages that exist once per target."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Paths of characters, seen from above."""

    xy: np.ndarray
    """float32 (sum of lengths, 2) m, episode after episode."""
    lengths: np.ndarray
    """int (episodes,)."""
    pads: np.ndarray
    """int (episodes,): the pad touched, -1 for none."""

    def split(self) -> list[np.ndarray]:
        """Returns one (length, 2) array per episode."""
        return np.split(self.xy, np.cumsum(self.lengths)[:-1])


@dataclass(frozen=True, eq=False)
class Stage:
    """An agent at one stage of the procedure; None marks what the run lacks."""

    name: str
    """Such as "base" or "left_aligned"."""
    kind: str
    """Such as "base" or "aligned"."""
    target: str | None
    outcome: dict[str, Any] | None
    """From `evaluations/<stage>/outcomes.json`, else from `results.json`."""
    paths: Paths | None
    manifest: dict[str, Any] | None
    """Of the training artifact."""
    metrics: list[dict[str, float]]
    """One per update."""
    video: Path | None

    @property
    def title(self) -> str:
        """Name for readers."""
        return f"{KIND_TITLES[self.kind]} {self.target}" if self.target else KIND_TITLES[self.kind]


@dataclass(frozen=True, eq=False)
class RewardModelResult:
    """Result of one target's reward model."""

    accuracy: float | None
    """On held-out comparisons."""
    comparisons: int | None
    """Number of training comparisons."""
    manifest: dict[str, Any] | None
    metrics: list[dict[str, float]]


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that the report shows."""

    directory: Path
    preset: str
    targets: tuple[str, ...]
    seed: int
    stages: tuple[Stage, ...]
    """In the order of the procedure, including missing ones."""
    reward_models: dict[str, RewardModelResult]
    seconds: dict[str, float]

    def stage(self, name: str) -> Stage:
        """Returns a stage by name."""
        return next(stage for stage in self.stages if stage.name == name)


def load_run(directory: Path | str) -> Run:
    """Reads a run.

    Raises:
        FileNotFoundError: there is no `results.json`.
        ValueError: a file is damaged.
    """
    directory = Path(directory)
    path = directory / RESULTS
    if (results := _read_json(path)) is None:
        raise FileNotFoundError(
            f"{directory} holds no run ({RESULTS} is missing); run baselines.pipeline to its end first"
        )
    targets = results.get("targets")
    if not isinstance(targets, list) or not targets or not set(targets) <= set(PADS):
        raise ValueError(f"{path}: targets must be some of {', '.join(PADS)}, got {targets!r}; run the pipeline again")
    for key in ("outcomes", "reward_model", "seconds"):
        if not isinstance(results.setdefault(key, {}), dict):
            raise ValueError(f"{path}: {key} must be an object, got {results[key]!r}; run the pipeline again")
    names = [("demonstrations", None), ("base", None), ("finetuned", None)]
    names += [(kind, target) for target in targets for kind in TARGET_KINDS]
    return Run(
        directory=directory,
        preset=str(results.get("preset", "unknown")),
        targets=tuple(targets),
        seed=int(results.get("seed", 0)),
        stages=tuple(_load_stage(directory, results, kind, target) for kind, target in names),
        reward_models={target: _load_reward_model(directory, results, target) for target in targets},
        seconds={str(name): float(value) for name, value in results["seconds"].items()},
    )


def _load_stage(directory: Path, results: dict[str, Any], kind: str, target: str | None) -> Stage:
    name = f"{target}_{kind}" if target else kind
    evaluation, artifact = directory / "evaluations" / name, directory / (target or "") / kind
    outcome_path = evaluation / "outcomes.json"
    if (outcome := _read_json(outcome_path)) is None:
        outcome_path = directory / RESULTS
        outcome = results["outcomes"].get(kind) or {}
        outcome = (outcome.get(target) if target else outcome) or None
    video = directory / "videos" / f"{name}.mp4"
    return Stage(
        name=name,
        kind=kind,
        target=target,
        outcome=None if outcome is None else _checked_outcome(outcome, outcome_path, name),
        paths=_read_paths(evaluation / "paths.npz"),
        manifest=_read_json(artifact / MANIFEST),
        metrics=_read_metrics(artifact / METRICS),
        video=video if video.is_file() else None,
    )


def _load_reward_model(directory: Path, results: dict[str, Any], target: str) -> RewardModelResult:
    numbers = results["reward_model"].get(target) or {}
    artifact = directory / target / "reward_model"
    return RewardModelResult(
        accuracy=numbers.get("accuracy"),
        comparisons=numbers.get("comparisons"),
        manifest=_read_json(artifact / MANIFEST),
        metrics=_read_metrics(artifact / METRICS),
    )


def _checked_outcome(outcome: dict[str, Any], path: Path, stage: str) -> dict[str, Any]:
    intervals, episodes = outcome.get("ci95"), outcome.get("episodes")
    good = False
    if isinstance(episodes, int) and isinstance(intervals, dict) and set(NAMES) <= intervals.keys():
        bounds = [outcome.get(name) for name in NAMES] + [bound for name in NAMES for bound in list(intervals[name])]
        good = len(bounds) == 3 * len(NAMES) and all(isinstance(b, int | float) and 0 <= b <= 1 for b in bounds)
    if not good:
        wanted = f"episodes, {', '.join(NAMES)} (0 to 1) and ci95"
        raise ValueError(f"{path} is damaged at {stage}: {wanted} are needed; delete it and run the pipeline again")
    return outcome


def _read_json(path: Path) -> dict[str, Any] | None:
    return read_json(path, "delete it and run the pipeline again") if path.is_file() else None


def _read_metrics(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError(f"{path} is damaged (no JSON lines); run its stage again") from None


def _read_paths(path: Path) -> Paths | None:
    if not path.is_file():
        return None
    paths = Paths(*read_arrays(path, "xy", "lengths", "pads"))
    if paths.xy.shape != (paths.lengths.sum(), 2) or paths.pads.shape != paths.lengths.shape:
        shapes = f"xy {paths.xy.shape}, {len(paths.lengths)} lengths of sum {paths.lengths.sum()}"
        raise ValueError(f"{path} does not fit together: {shapes}; delete its directory and run the pipeline again")
    return paths
