"""Trajectories on disk: a directory of plain NumPy arrays, memory-mapped when read. No pickle anywhere.

    manifest.json   written last; its presence means "finished"
    episodes.npy    one row per episode (`EPISODE`)
    actions.npy     uint8 (steps, 16)
    states.npy      float64 (steps, len(STATE))
    frames.npy      uint8 (steps, H, W, 3); absent in a state dataset

Row t of an episode holds what was seen at t and what was done then.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import jumppad_env
from agents.trajectory import Trajectory
from jumppad_env.drawing import RENDERER
from jumppad_env.gamepad import FACTORS
from jumppad_env.island import load_island
from jumppad_env.mujoco_library import mujoco
from jumppad_env.world import STATE

FORMAT = 1
KIND = "dataset"
MANIFEST = "manifest.json"
EPISODE = np.dtype(
    [
        ("start", np.int64),  # first row of the episode in the arrays over all steps
        ("length", np.int64),
        ("seed", np.int64),
        ("spawn", np.int64),  # index of the nearest spawn point
        ("character", "U16"),
        ("mode", "U24"),
        ("pad", np.int64),
        ("fell", np.bool_),
    ]
)


class _GrowingArray:
    """An .npy file of unknown length: rows are appended, the header is corrected at the end."""

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self._dtype, self._shape, self.rows = dtype, shape, 0
        self._file = path.open("w+b")
        self._header()
        self._data_start = self._file.tell()

    def _header(self) -> None:
        # NumPy pads headers so that the first dimension can grow without moving the data.
        description = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": description, "fortran_order": False, "shape": (self.rows, *self._shape)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, rows: np.ndarray) -> None:
        assert rows.shape[1:] == self._shape and rows.dtype == self._dtype, f"{rows.dtype} {rows.shape}"
        self._file.write(np.ascontiguousarray(rows).data)
        self.rows += len(rows)

    def close(self) -> None:
        self._file.seek(0)
        self._header()
        assert self._file.tell() == self._data_start, "the header of a growing array must keep its size"
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def write_dataset(
    directory: Path | str, trajectories: Iterable[Trajectory], *, seed: int, description: dict[str, Any]
) -> int:
    """Streams trajectories to disk; the directory appears only when all is written.

    Args:
        directory: must not exist.
        trajectories: one at a time is held in memory.
        seed: of the command that made them.
        description: what else belongs in the manifest: population, environment's keywords.

    Returns:
        The number of steps.

    Raises:
        ValueError: the directory exists, or there is no trajectory.
        OSError: it cannot be written; nothing is left behind.
    """
    directory = Path(directory)
    if directory.exists():
        raise ValueError(f"{directory} exists; choose another place or delete it")
    partial = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
    partial.mkdir(parents=True)
    try:
        steps = _write(partial, trajectories, seed, description)
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return steps


def _write(directory: Path, trajectories: Iterable[Trajectory], seed: int, description: dict[str, Any]) -> int:
    spawns = load_island().spawns
    arrays: dict[str, _GrowingArray] = {}
    episodes: list[tuple[Any, ...]] = []
    start = 0
    try:
        for trajectory in trajectories:
            columns = {"actions": trajectory.actions, "states": trajectory.states}
            if trajectory.frames is not None:
                columns["frames"] = trajectory.frames
            for name, rows in columns.items():
                if name not in arrays:
                    arrays[name] = _GrowingArray(directory / f"{name}.npy", rows.dtype, rows.shape[1:])
                arrays[name].append(rows)
            spawn = int(np.linalg.norm(spawns - trajectory.states[0, :3], axis=1).argmin())
            episodes.append(
                (
                    start,
                    len(trajectory),
                    trajectory.seed,
                    spawn,
                    trajectory.character,
                    trajectory.mode,
                    trajectory.pad,
                    trajectory.fell,
                )
            )
            start += len(trajectory)
    finally:
        for array in arrays.values():
            array.close()
    if not episodes:
        raise ValueError("a dataset needs at least one episode")
    np.save(directory / "episodes.npy", np.array(episodes, dtype=EPISODE), allow_pickle=False)
    manifest = {
        "kind": KIND,
        "format": FORMAT,
        "seed": seed,
        **description,
        "renderer": RENDERER if (directory / "frames.npy").exists() else None,
        "episodes": len(episodes),
        "steps": start,
        "files": {path.name: _sha256(path) for path in sorted(directory.glob("*.npy"))},
        "versions": {
            "jumppad": jumppad_env.__version__,
            "mujoco": mujoco.__version__,
            "gymnasium": gymnasium.__version__,
            "numpy": np.__version__,
            "numba": importlib.metadata.version("numba"),
        },
    }
    path = directory / MANIFEST
    with path.open("w") as file:
        json.dump(manifest, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    return start


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Dataset:
    """A finished dataset, memory-mapped.

    Attributes:
        manifest: what was written about it.
        episodes: (E,) of dtype `EPISODE`.
        actions: uint8 (steps, 16).
        states: float64 (steps, len(STATE)).
        frames: uint8 (steps, H, W, 3), or None.

    Raises:
        FileNotFoundError: there is none.
        ValueError: truncated, of another kind or version, or arrays that do not fit together.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = directory = Path(directory)
        self.manifest = _read_manifest(directory)
        self.episodes = _load(directory, "episodes")
        self.actions = _load(directory, "actions")
        self.states = _load(directory, "states")
        self.frames = _load(directory, "frames") if "frames.npy" in self.manifest["files"] else None
        steps = self.manifest.get("steps")
        shapes = {"actions": (self.actions, (steps, FACTORS)), "states": (self.states, (steps, len(STATE)))}
        for name, (array, shape) in shapes.items():
            if array.shape != shape:
                raise ValueError(f"{directory / name}.npy has shape {array.shape}, expected {shape}; collect it again")
        if self.frames is not None and len(self.frames) != steps:
            raise ValueError(f"{directory}/frames.npy has {len(self.frames)} rows, expected {steps}; collect it again")
        if self.episodes.dtype != EPISODE or not _consecutive(self.episodes, steps):
            raise ValueError(f"{directory}/episodes.npy does not fit the other arrays; collect it again")

    def __len__(self) -> int:
        return len(self.episodes)

    def trajectory(self, index: int) -> Trajectory:
        """Returns one episode; its arrays are views of the files."""
        episode = self.episodes[index]
        rows = slice(int(episode["start"]), int(episode["start"] + episode["length"]))
        return Trajectory(
            seed=int(episode["seed"]),
            character=str(episode["character"]),
            mode=str(episode["mode"]),
            pad=int(episode["pad"]),
            fell=bool(episode["fell"]),
            actions=self.actions[rows],
            states=self.states[rows],
            frames=None if self.frames is None else self.frames[rows],
        )


def _consecutive(episodes: np.ndarray, steps: Any) -> bool:
    """Whether each episode begins where the one before ends, and the last one ends with the arrays."""
    edges = np.concatenate([[0], episodes["start"] + episodes["length"]])
    return np.array_equal(edges[:-1], episodes["start"]) and edges[-1] == steps


def _read_manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"no dataset in {directory} (no {MANIFEST}); make one with python -m agents.collect")
    try:
        manifest = json.loads(path.read_text())
        kind, version, files = manifest["kind"], manifest["format"], manifest["files"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise ValueError(f"{path} is damaged; collect the dataset again") from None
    if kind != KIND:
        raise ValueError(f"{directory} holds {kind!r}, not a dataset; give another directory")
    if version != FORMAT:
        raise ValueError(
            f"{path} has format version {version}, this code reads {FORMAT}; update jumppad or collect again"
        )
    missing = [name for name in files if not (directory / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{directory} lacks {', '.join(missing)}; collect the dataset again")
    return manifest


def _load(directory: Path, name: str) -> np.ndarray:
    path = directory / f"{name}.npy"
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is truncated or no NumPy array ({error}); collect the dataset again") from None
