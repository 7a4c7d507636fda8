"""Merging, splitting and filtering datasets. Episodes are copied bit for bit.

Checksums of the sources are verified first, so that damage is not passed on under a new checksum. If a whole dataset is
selected, its files are hard-linked, which takes no space; finished datasets are never written to.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.progress import Progress
from agents.worlds import world_of
from jumppad_env.dataset import Dataset
from jumppad_env.dataset.format import EPISODE, GrowingArray
from jumppad_env.dataset.reading import check_files
from jumppad_env.dataset.states import describe
from jumppad_env.dataset.writing import Unfinished
from jumppad_env.files import MANIFEST, is_finished, sha256
from jumppad_env.rules import PADS
from jumppad_env.streams import stream

CHUNK_BYTES = 2**24
"""Bytes copied at a time."""
UNKNOWN_GOAL = "unknown"
"""Goal of episodes without goals when merged with others that have them."""


@dataclass(frozen=True)
class Wanted:
    """Conditions on the episodes to keep; an empty one keeps all."""

    mode: tuple[str, ...] = ()
    """Modes of behavior to keep."""
    pad: tuple[str, ...] = ()
    """Pads touched to keep: left, middle, right, none."""
    person: tuple[int, ...] = ()
    """Numbers of people to keep."""
    style: tuple[str, ...] = ()
    """Tags of recorded play to keep."""
    min_length: int = 1
    """Minimum length in steps."""

    def __post_init__(self) -> None:
        """Validates the names of the pads."""
        unknown = set(self.pad) - {*PADS, "none"}
        if unknown:
            raise ValueError(f"unknown pads {sorted(unknown)}; known are {', '.join(PADS)}, none")

    def of(self, dataset: Dataset) -> np.ndarray:
        """Returns which episodes to keep, bool (E,)."""
        episodes = dataset.episodes
        mask = episodes["length"] >= self.min_length
        pads = [-1 if pad == "none" else PADS.index(pad) for pad in self.pad]
        for name, several in {"mode": self.mode, "pad": pads, "person": self.person, "style": self.style}.items():
            if several:
                mask &= np.isin(dataset.places if name == "pad" else episodes[name], list(several))
        return mask


def merge(out: Path, directories: Sequence[Path]) -> int:
    """Concatenates datasets and returns the number of episodes.

    Raises:
        ValueError: frames differ in size, look or renderer, or are missing in some datasets, or rules or columns of
            states differ.
        OSError: writing failed; nothing is left behind.
    """
    if not directories:
        raise ValueError("name at least one dataset to merge")
    datasets = [Dataset(directory) for directory in directories]
    return _write(out, [(dataset, np.arange(len(dataset))) for dataset in datasets], {"made_by": "merge"})


def split(directory: Path, fractions: Sequence[float], outs: Sequence[Path], seed: int) -> list[int]:
    """Splits a dataset at random, stratified by pad.

    Args:
        directory: directory of the dataset.
        fractions: shares of the episodes; they add up to 1.
        outs: directory of each part; must not exist.
        seed: seed of the split.

    Returns:
        The number of episodes of each part.

    Raises:
        ValueError: fractions are invalid, or a part has no episodes.
        OSError: writing failed; nothing is left behind.
    """
    if len(outs) != len(fractions) or len(set(outs)) != len(outs):
        raise ValueError(f"{len(fractions)} fractions need as many different --out directories, got {len(outs)}")
    if not all(fraction > 0 for fraction in fractions) or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions {fractions} must be positive and add up to 1")
    dataset = Dataset(directory)
    parts = deal(dataset.places, fractions, seed)
    for part in parts:
        if not len(part):
            raise ValueError(f"{directory} has too few episodes for the fractions {fractions}")
    asked = {"made_by": "split", "fractions": list(fractions), "split_seed": seed}
    with contextlib.ExitStack() as undo:  # all parts or none, so that the same command can run again
        sizes = []
        for number, (out, part) in enumerate(zip(outs, parts, strict=True)):
            there = is_finished(out)
            sizes.append(_write(out, [(dataset, part)], {**asked, "part": number}))
            if not there:
                undo.callback(shutil.rmtree, out, ignore_errors=True)
        undo.pop_all()
    return sizes


def deal(pads: np.ndarray, fractions: Sequence[float], seed: int) -> list[np.ndarray]:
    """Returns the episodes (ascending) of each part, which gets its fraction of every pad."""
    order = np.concatenate(
        [stream(seed, "split", pad + 1).permutation(np.flatnonzero(pads == pad)) for pad in range(-1, len(PADS))]
    )
    # Each episode, in order of the pads, goes to the part that is furthest behind its share.
    owner = np.empty(len(pads), np.int64)
    counts = np.zeros(len(fractions))
    for place, episode in enumerate(order):
        owner[episode] = part = int(np.argmax(np.array(fractions) * (place + 1) - counts))
        counts[part] += 1
    return [np.flatnonzero(owner == part) for part in range(len(fractions))]


def keep(directory: Path, out: Path, wanted: Wanted) -> int:
    """Copies the episodes that meet all conditions and returns their number.

    Raises:
        ValueError: there are none.
        OSError: writing failed; nothing is left behind.
    """
    dataset = Dataset(directory)
    chosen = np.flatnonzero(wanted.of(dataset))
    if not len(chosen):
        raise ValueError(f"no episode of {directory} meets all conditions ({wanted}); relax them")
    return _write(out, [(dataset, chosen)], {"made_by": "filter", "wanted": asdict(wanted)})


def source_of(dataset: Dataset) -> dict[str, Any]:
    """Returns the manifest entry that describes a source dataset."""
    manifest = dataset.manifest
    told = {key: manifest[key] for key in ("population", "seed", "versions", "sources") if key in manifest}
    return {"name": dataset.directory.name, "sha256": sha256(dataset.directory / MANIFEST), **told}


def check_frames(datasets: Sequence[Dataset]) -> None:
    """Verifies the checksums of frames; those of other files were verified on opening.

    Raises:
        ValueError: a file is damaged.
    """
    for dataset in datasets:
        if damaged := check_files(dataset.directory, dataset.manifest, ("frames.npy",)):
            raise ValueError(f"{dataset.directory} is damaged ({', '.join(damaged)}); collect the dataset again")


def link(source: Path, target: Path) -> None:
    """Hard-links a file, or copies it if that is not possible."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def _write(out: Path, parts: list[tuple[Dataset, np.ndarray]], asked: dict[str, Any]) -> int:
    """Writes the chosen episodes of datasets, one part after the other."""
    datasets = [dataset for dataset, _ in parts]
    first = datasets[0].manifest
    shared = {"environment": _shared_environment(datasets), "renderer": first.get("renderer")}
    goals = list(dict.fromkeys(goal for dataset in datasets for goal in _goals(dataset, datasets)))
    asked = {
        "seed": first.get("seed", 0),
        "population": " + ".join(dict.fromkeys(str(dataset.manifest.get("population", "?")) for dataset in datasets)),
        **({"drawn_as": first["drawn_as"]} if "drawn_as" in first else {}),
        "rules": _shared_rules(datasets),
        "states": _shared_states(datasets),
        **shared,
        **asked,
        "sources": [source_of(dataset) for dataset in datasets],
    }
    count = sum(len(chosen) for _, chosen in parts)
    steps = sum(int(dataset.episodes["length"][chosen].sum()) for dataset, chosen in parts)
    found = {"episodes": count, "steps": steps, **({"goals": goals} if goals else {})}
    with Unfinished(out, asked, resumable=False) as work:
        if work.manifest is not None:
            return count
        if len(parts) == 1 and count == len(datasets[0]):
            for name in first["files"]:
                link(datasets[0].directory / name, work.path / name)
            work.finish(found, first["files"])
            return count
        check_frames(datasets)
        _copy(work.path, parts, goals, steps)
        work.finish(found)
    return count


def _copy(folder: Path, parts: list[tuple[Dataset, np.ndarray]], goals: list[str], steps: int) -> None:
    log = GrowingArray(folder / "episodes.npy", EPISODE, ())
    start = 0
    for dataset, chosen in parts:
        rows = np.array(dataset.episodes[chosen])
        rows["start"] = start + np.concatenate([[0], rows["length"].cumsum()[:-1]])
        log.append(rows)
        start += int(rows["length"].sum())
    log.finish()
    columns = ["actions", "states", *(["goals"] if goals else [])]
    columns += [] if parts[0][0].frames is None else ["frames"]
    for column in Progress(columns, description="copy", unit="file"):
        array: GrowingArray | None = None
        for dataset, chosen in parts:
            for rows in _runs(dataset, chosen):
                block = _renumbered(dataset, rows, goals) if column == "goals" else getattr(dataset, column)[rows]
                if array is None:
                    array = GrowingArray(folder / f"{column}.npy", block.dtype, block.shape[1:], final=steps)
                array.append(block)
        assert array is not None, f"no rows of {column}"
        array.finish()


def _runs(dataset: Dataset, chosen: np.ndarray) -> Iterator[slice]:
    """Yields the rows of chosen episodes (ascending) in contiguous pieces of at most CHUNK_BYTES."""
    start, length = dataset.episodes["start"][chosen], dataset.episodes["length"][chosen]
    breaks = np.flatnonzero(start[1:] != start[:-1] + length[:-1]) + 1
    edges = [0, *breaks.tolist(), len(chosen)]
    row_bytes = 256 if dataset.frames is None else dataset.frames[0].nbytes
    most = max(1, CHUNK_BYTES // row_bytes)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        end = int(start[high - 1] + length[high - 1])
        for row in range(int(start[low]), end, most):
            yield slice(row, min(row + most, end))


def _goals(dataset: Dataset, datasets: list[Dataset]) -> list[str]:
    """Returns the names of a dataset's goals when merged with others; empty if none of them has goals."""
    if dataset.goals is not None:
        return list(dataset.manifest["goals"])
    return [] if all(each.goals is None for each in datasets) else [UNKNOWN_GOAL]


def _renumbered(dataset: Dataset, rows: slice, goals: list[str]) -> np.ndarray:
    """Returns goals of a dataset, uint8 (n,), as indices into the merged names."""
    if dataset.goals is None:
        return np.full(rows.stop - rows.start, goals.index(UNKNOWN_GOAL), np.uint8)
    return np.array([goals.index(goal) for goal in dataset.manifest["goals"]], np.uint8)[dataset.goals[rows]]


def _shared_rules(datasets: list[Dataset]) -> str | None:
    """Returns the digest of the rules that datasets were made by; None: unknown.

    Raises:
        ValueError: rules differ.
    """
    rules = {dataset.manifest.get("rules"): dataset.directory for dataset in datasets}
    known = [directory for digest, directory in rules.items() if digest is not None]
    if len(known) > 1:
        raise ValueError(
            f"{known[0]} and {known[1]} were made by different rules of the game; collect one of them again"
        )
    return next(iter(rules)) if len(rules) == 1 else None


def _shared_states(datasets: list[Dataset]) -> dict[str, Any]:
    """Returns the manifest entry of states.

    Raises:
        ValueError: columns differ.
    """
    first = datasets[0]
    for dataset in datasets[1:]:
        if dataset.state_columns != first.state_columns:
            raise ValueError(
                f"states of {first.directory} and {dataset.directory} have different columns, so they cannot be merged"
            )
    return describe(first.state_columns)


def _shared_environment(datasets: list[Dataset]) -> dict[str, Any]:
    """Returns the common keywords of the environment.

    Raises:
        ValueError: frames are inconsistent.
    """
    first = datasets[0]
    for dataset in datasets[1:]:
        worlds = [world_of(each.manifest["environment"]).entry for each in (first, dataset)]
        if worlds[0] != worlds[1]:
            raise ValueError(
                f"{first.directory} was made in {worlds[0]}, {dataset.directory} in {worlds[1]}; datasets of different "
                "worlds stay apart"
            )
        looks = [_frames_of(each) for each in (first, dataset)]
        if looks[0] != looks[1]:
            raise ValueError(
                f"frames of {first.directory} are {looks[0]}, those of {dataset.directory} {looks[1]}; "
                "re-render one with python -m agents.dataset rerender"
            )
    environment = dict(first.manifest["environment"])
    characters = {each.manifest["environment"].get("character", "rider") for each in datasets}
    return environment if len(characters) == 1 else {**environment, "character": "random"}


def _frames_of(dataset: Dataset) -> dict[str, Any] | None:
    if dataset.frames is None:
        return None
    manifest, (height, width) = dataset.manifest, dataset.frames.shape[1:3]
    variety = manifest["environment"].get("variety", "none")
    look = {"size": f"{height}x{width}", "variety": variety, "renderer": manifest.get("renderer")}
    return look | ({"drawn_as": manifest["drawn_as"]} if "drawn_as" in manifest else {})
