"""Reads a run from disk for its report: missing files are left out, damaged or impossible ones are errors."""

import os
import stat
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np

from agents.outcomes import outcome_misfit, wilson_interval
from agents.targets import PEOPLE, Target, is_target
from baselines.artifact import read_manifest
from baselines.evaluate import OUTCOMES, PATHS, load_outcome
from baselines.report.palette import KIND_TITLES
from baselines.training.loop import METRICS, read_metrics
from jumppad_env.files import MANIFEST, check_file, read_arrays, read_json
from jumppad_env.files.reading import check_regular
from jumppad_env.files.shapes import Count, Duration, Share, misfit
from jumppad_env.levels import COLORS
from jumppad_env.rules import PADS

RESULTS = "results.json"
LARGEST_VIDEO = 2**28
"""Bytes."""
TARGET_KINDS = ("preference_finetuned", "aligned")
"""Kinds of stages that exist once per target."""


class RewardModelNumbers(TypedDict):
    """A reward model in `results.json`."""

    accuracy: NotRequired[Share]
    comparisons: NotRequired[Count]


class Results(TypedDict):
    """`results.json`."""

    targets: list[str]
    preset: NotRequired[str]
    seed: NotRequired[int]
    outcomes: NotRequired[dict[str, dict[str, Any]]]
    """An outcome object by the kind of stage, or one by target by the kind of stage."""
    unseen: NotRequired[dict[str, dict[str, Any]]]
    """An outcome object on levels that no agent has seen, by the agent's name."""
    reward_model: NotRequired[dict[str, RewardModelNumbers]]
    seconds: NotRequired[dict[str, Duration]]


class Manifest(TypedDict):
    """What a report shows of an artifact."""

    seed: NotRequired[int]
    config: NotRequired[dict[str, Any]]
    metrics: NotRequired[dict[str, Any]]
    seconds: NotRequired[Duration]
    inputs: NotRequired[dict[str, str]]
    versions: NotRequired[dict[str, str]]


@dataclass(frozen=True, eq=False)
class Paths:
    """Paths of characters, seen from above."""

    xy: np.ndarray
    """float32 (sum of lengths, 2) m, episode after episode."""
    lengths: np.ndarray
    """int (episodes,)."""
    pads: np.ndarray
    """int (episodes,): place of the pad touched, -1 for none."""
    colors: np.ndarray | None = None
    """int (episodes,): on levels the color of the pad, an index into `COLORS`, -1 for none."""

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
    """From `evaluations/<stage>/outcomes.json`, else from `results.json`; see `agents.outcomes.Outcome`."""
    unseen: dict[str, Any] | None
    """The same on levels that no agent has seen."""
    paths: Paths | None
    manifest: dict[str, Any] | None
    """Of the training artifact."""
    metrics: list[dict[str, float]]
    """One per update."""
    video: Path | None

    @property
    def title(self) -> str:
        """Name for readers."""
        return f"{KIND_TITLES[self.kind]} {said(self.target)}" if self.target else KIND_TITLES[self.kind]

    @property
    def caption(self) -> str:
        """The title in lines that fit below or above a small picture."""
        return textwrap.fill(self.title, 27)

    @property
    def share_at_target(self) -> float | None:
        """Share of episodes at the stage's own target."""
        return share_at(self.target, self.outcome)

    @property
    def interval_at_target(self) -> tuple[float, float] | None:
        """Its 95% interval."""
        return interval_at(self.target, self.outcome)


def said(target: str) -> str:
    """Returns a target as readers read it: "left", or "left (people)" where people answered the comparisons."""
    plain = target.removeprefix(PEOPLE)
    return plain if plain == target else f"{plain} (people)"


def share_at(target: str | None, outcome: dict[str, Any] | None) -> float | None:
    """Returns the share of episodes at a target."""
    return None if target is None or outcome is None else Target.parse(target).share(outcome)


def interval_at(target: str | None, outcome: dict[str, Any] | None) -> tuple[float, float] | None:
    """Returns the 95% interval of the share of episodes at a target."""
    share = share_at(target, outcome)
    if share is None or outcome is None:
        return None
    return wilson_interval(round(share * outcome["episodes"]), outcome["episodes"])


@dataclass(frozen=True, eq=False)
class RewardModelResult:
    """Result of one target's reward model."""

    accuracy: float | None
    """On held-out comparisons."""
    comparisons: int | None
    """Number of training comparisons."""
    manifest: dict[str, Any] | None
    metrics: list[dict[str, float]]
    labels: dict[str, Any] | None = None
    """Manifest of its comparisons, if people made them."""


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

    @property
    def on_levels(self) -> bool:
        """Whether it is a run on levels."""
        return any(stage.outcome is not None and "by_color" in stage.outcome for stage in self.stages)

    def stage(self, name: str) -> Stage:
        """Returns a stage by name."""
        return next(stage for stage in self.stages if stage.name == name)


def load_run(directory: Path | str) -> Run:
    """Reads a run.

    Raises:
        FileNotFoundError: there is no `results.json`.
        ValueError: a file is damaged, holds impossible numbers, or is none; the message names it.
    """
    directory = Path(directory)
    path, remedy = directory / RESULTS, "run the pipeline again"
    if not os.path.lexists(path):
        raise FileNotFoundError(
            f"{directory} holds no run ({RESULTS} is missing); run baselines.pipeline to its end first"
        )
    results = read_json(path, remedy, Results)
    targets = results["targets"]
    if not targets or len(set(targets)) != len(targets) or not all(map(is_target, targets)):
        raise ValueError(f"{path} is damaged (targets must be names of targets, each once); {remedy}")
    names = [("demonstrations", None), ("base", None), ("finetuned", None)]
    names += [(kind, target) for target in targets for kind in TARGET_KINDS]
    return Run(
        directory=directory,
        preset=results.get("preset", "unknown"),
        targets=tuple(targets),
        seed=results.get("seed", 0),
        stages=tuple(_load_stage(directory, results, kind, target) for kind, target in names),
        reward_models={target: _load_reward_model(directory, results, target) for target in targets},
        seconds=results.get("seconds", {}),
    )


def _load_stage(directory: Path, results: dict[str, Any], kind: str, target: str | None) -> Stage:
    name = f"{target}_{kind}" if target else kind
    evaluation, artifact = directory / "evaluations" / name, directory / (target or "") / kind
    collected = _collected_outcome(directory / RESULTS, results, kind, target)
    elsewhere = results.get("unseen", {}).get(name)
    if elsewhere is not None and (wrong := outcome_misfit(elsewhere, f"unseen.{name}")):
        raise ValueError(f"{directory / RESULTS} is damaged ({wrong}); run the pipeline again")
    outcome = _if_there(evaluation / OUTCOMES, lambda path: load_outcome(path.parent), collected)
    on_levels = outcome is not None and "by_color" in outcome
    return Stage(
        name=name,
        kind=kind,
        target=target,
        outcome=outcome,
        unseen=elsewhere,
        paths=_if_there(evaluation / PATHS, lambda path: _read_paths(path, on_levels), None),
        manifest=_if_there(artifact / MANIFEST, _read_manifest, None),
        metrics=_if_there(artifact / METRICS, lambda path: read_metrics(path.parent), []),
        video=_if_there(directory / "videos" / f"{name}.mp4", lambda path: _check_video(path, directory), None),
    )


def _load_reward_model(directory: Path, results: dict[str, Any], target: str) -> RewardModelResult:
    numbers = results.get("reward_model", {}).get(target, {})
    artifact = directory / target / "reward_model"
    labels = _if_there(directory / target / "preferences" / MANIFEST, _read_manifest, None)
    return RewardModelResult(
        accuracy=numbers.get("accuracy"),
        comparisons=numbers.get("comparisons"),
        manifest=_if_there(artifact / MANIFEST, _read_manifest, None),
        metrics=_if_there(artifact / METRICS, lambda path: read_metrics(path.parent), []),
        labels=labels if labels and "people" in labels.get("metrics", {}) else None,
    )


def _if_there(path: Path, read: Callable[[Path], Any], otherwise: Any) -> Any:
    """Returns what is read of a file, or something else where there is nothing of its name."""
    return read(path) if os.path.lexists(path) else otherwise


def _collected_outcome(path: Path, results: dict[str, Any], kind: str, target: str | None) -> dict[str, Any] | None:
    outcome, place = results.get("outcomes", {}).get(kind), f"outcomes.{kind}"
    if outcome is not None and target is not None:
        outcome, place = outcome.get(target), f"{place}.{target}"
    if outcome is not None and (wrong := outcome_misfit(outcome, place)):
        raise ValueError(f"{path} is damaged ({wrong}); run the pipeline again")
    return outcome


def _remedy(path: Path) -> str:
    return f"delete {path.parent} and run the pipeline again"


def _read_manifest(path: Path) -> dict[str, Any]:
    check_regular(path)
    manifest = read_manifest(path.parent)
    if wrong := misfit(manifest, Manifest):
        raise ValueError(f"{path} is damaged ({wrong}); {_remedy(path)}")
    return manifest


def _read_paths(path: Path, on_levels: bool) -> Paths:
    wanted = {"xy": ("f", 2), "lengths": ("i", 1), "pads": ("i", 1)} | ({"colors": ("i", 1)} if on_levels else {})
    arrays = read_arrays(path, wanted, _remedy(path))
    paths, wrong = Paths(**arrays), None
    if paths.xy.shape[1] != 2 or paths.pads.shape != paths.lengths.shape:
        wrong = f"xy is {list(paths.xy.shape)}, lengths {list(paths.lengths.shape)}, pads {list(paths.pads.shape)}"
    elif paths.colors is not None and (
        paths.colors.shape != paths.pads.shape or not np.isin(paths.colors, range(-1, len(COLORS))).all()
    ):
        wrong = f"colors are not all -1 to {len(COLORS) - 1}, one of each pad"
    elif paths.lengths.min(initial=0) < 0 or sum(paths.lengths.tolist()) != len(paths.xy):  # int64 could overflow
        wrong = f"lengths do not add up to the {len(paths.xy)} steps"
    elif not np.isin(paths.pads, range(-1, len(PADS))).all():
        wrong = f"pads are not all -1 to {len(PADS) - 1}"
    if wrong:
        raise ValueError(f"{path} is damaged ({wrong}); {_remedy(path)}")
    check_file(path, _remedy(path))
    return paths


def _check_video(path: Path, run: Path) -> Path:
    """Returns the path of a video that may be shown: a file of the run, for the page will be passed on.

    Raises:
        ValueError: it is a link, lies elsewhere, is huge or no mp4.
    """
    remedy = "delete it and run the pipeline again"
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode) or not path.resolve().is_relative_to(run.resolve()):
        raise ValueError(f"{path} is a link out of the run, or lies behind one; {remedy}")
    check_regular(path)
    if status.st_size > LARGEST_VIDEO:
        raise ValueError(f"{path} has {status.st_size} bytes, more than {LARGEST_VIDEO}; {remedy}")
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            raise ValueError(f"{path} is no mp4 video; {remedy}")
    return path
