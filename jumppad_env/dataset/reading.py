"""Reading datasets: memory-mapped, and validated when opened, since files may be damaged or hostile.

Checksums are checked on opening, those of frames block by block when an episode is read.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jumppad_env.dataset.blocks import CheckedFile
from jumppad_env.dataset.format import EPISODE, FILES, KIND, check_format
from jumppad_env.dataset.states import columns_of, find_fault
from jumppad_env.dataset.trajectory import Trajectory
from jumppad_env.files import MANIFEST, read_json, read_sealed, sha256
from jumppad_env.files.arrays import is_text
from jumppad_env.gamepad import FACTORS
from jumppad_env.island import load_island
from jumppad_env.island.digest import warn_of_other_rules
from jumppad_env.levels.settings import settings_of
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.world.options import LARGEST_IMAGE, places_of_pads
from jumppad_env.world.state import LOOKS

REMEDY = "collect the dataset again"
_OPTIONAL = ("goals.npy", "frames.npy", "blocks.npy")
_HEADER = re.compile(r"\{'descr': (.+), 'fortran_order': False, 'shape': \((\d{1,16}(?:, ?\d{1,16})*),?\), \} *\n")
"""Header of an .npy file; NumPy would parse it as a Python literal, which accepts more than we write."""
CHECKED_AT_ONCE = 2**16
"""States that are checked at a time, so that it takes little memory."""


class Dataset:
    """A finished dataset, memory-mapped. Opening it checks everything but the frames.

    Frames are checked by `trajectory` and `check_frames`, block by block, once; not where `frames` is read directly.

    Warns if it was made by other rules, or on another map. A pickle of it, as for a process that is not forked, holds
    its path only; the dataset is opened again there.

    Attributes:
        manifest: contents of manifest.json.
        episodes: (E,) of dtype `jumppad_env.dataset.format.EPISODE`.
        actions: uint8 (steps, 16).
        states: float64 (steps, len(state_columns)).
        state_columns: names of the columns of states; the first are those of `jumppad_env.world.STATE`.
        settings: what levels are like; None: the classic island.
        goals: uint8 (steps,), indices into `manifest["goals"]`, or None.
        frames: uint8 (steps, H, W, 3), or None.

    Raises:
        FileNotFoundError: there is no dataset.
        ValueError: it is truncated, damaged, of another kind or version, or its arrays do not fit together.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = directory = Path(directory)
        self.manifest = read_manifest(directory)
        warn_of_other_rules(directory, self.manifest.get("rules"))
        self._again = _open_again, (type(self), directory.absolute(), self.manifest.get("sha256"))
        steps, files = self.manifest["steps"], self.manifest["files"]
        byte = np.dtype(np.uint8)
        self.episodes = _load(directory, "episodes", EPISODE, (self.manifest["episodes"],))
        self.actions = _load(directory, "actions", byte, (steps, FACTORS))
        self.state_columns = tuple(self.manifest["states"]["columns"])
        try:
            self.settings = settings_of(self.manifest["environment"])
        except ValueError as error:
            raise ValueError(f"{directory / MANIFEST} names impossible levels ({error}); {REMEDY}") from None
        self.states = _load(directory, "states", np.dtype(np.float64), (steps, len(self.state_columns)))
        pads = len(PADS) if self.settings is None else self.settings.pads
        _check_episodes(directory / "episodes.npy", self.episodes, steps, pads)
        self.goals = _load(directory, "goals", byte, (steps,)) if "goals.npy" in files else None
        self.frames = _load(directory, "frames", byte, (steps, None, None, 3)) if "frames.npy" in files else None
        small = tuple(name for name in files if name != "frames.npy")
        if damaged := check_files(directory, self.manifest, small):
            raise ValueError(f"{directory / damaged[0]} is damaged (its checksum differs); {REMEDY}")
        _check_states(directory / "states.npy", self.states, self.state_columns, self.episodes)
        self._blocks: CheckedFile | None = None
        if self.frames is not None:
            blocks = _load(directory, "blocks", np.dtype(np.uint32), (None,))
            self._blocks = CheckedFile(directory / "frames.npy", blocks)

    def __len__(self) -> int:
        return len(self.episodes)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._again

    @property
    def places(self) -> np.ndarray:
        """(E,) pads that episodes reached, as indices into `PADS`; -1 none. See `Trajectory.place`."""
        pads = np.array(self.episodes["pad"])
        return pads if self.settings is None else places_of_pads(pads, self.settings.pads)

    def rows(self, index: int) -> slice:
        """Returns the rows of an episode in the arrays over all steps."""
        episode = self.episodes[index]
        return slice(int(episode["start"]), int(episode["start"] + episode["length"]))

    def check_frames(self, rows: slice) -> None:
        """Checks the frames of these steps against their checksums, unless they have been.

        Raises:
            ValueError: they are damaged.
        """
        if self.frames is not None and self._blocks is not None:
            start, row_bytes = self._blocks.size - self.frames.nbytes, self.frames[0].nbytes
            self._blocks.check(start + rows.start * row_bytes, start + rows.stop * row_bytes)

    def trajectory(self, index: int) -> Trajectory:
        """Returns one episode; its arrays are views of the files.

        Raises:
            ValueError: its frames are damaged.
        """
        episode, rows = self.episodes[index], self.rows(index)
        self.check_frames(rows)
        return Trajectory(
            seed=int(episode["seed"]),
            character=str(episode["character"]),
            mode=str(episode["mode"]),
            pad=int(episode["pad"]),
            fell=bool(episode["fell"]),
            actions=self.actions[rows],
            states=self.states[rows],
            frames=None if self.frames is None else self.frames[rows],
            person=int(episode["person"]),
            skill=float(episode["skill"]),
            goals=None if self.goals is None else self.goals[rows],
            settings=self.settings,
            style=str(episode["style"]),
        )


def _open_again(kind: type[Dataset], directory: Path, checksum: str | None) -> Dataset:
    """Opens a dataset that was pickled.

    Raises:
        FileNotFoundError: it is gone.
        ValueError: another dataset is there now.
    """
    dataset = kind(directory)
    if dataset.manifest.get("sha256") != checksum:
        raise ValueError(f"{directory} is no longer the dataset that was pickled; open it again and start anew")
    return dataset


def read_manifest(directory: Path) -> dict[str, Any]:
    """Returns the manifest of a dataset after checking that all its files exist.

    Raises:
        FileNotFoundError: there is no manifest, or a file is missing.
        ValueError: it is damaged, or its kind or version differs.
    """
    path = directory / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"no dataset in {directory} (no {MANIFEST}); make one with python -m agents.collect")
    remedy = REMEDY
    damaged = ValueError(f"{path} is damaged; {remedy}")
    manifest = read_json(path, remedy)
    if "kind" not in manifest or "format" not in manifest:
        raise damaged
    if manifest["kind"] != KIND:
        raise ValueError(f"{directory} holds {str(manifest['kind'])[:40]!r}, not a dataset; give another directory")
    check_format(path, manifest["format"])
    if not _is_complete(manifest):
        raise damaged
    if columns_of(manifest) is None:
        raise ValueError(f"{path}: the columns of its states do not begin with those of this version; {remedy}")
    missing = [name for name in manifest["files"] if not (directory / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{directory} lacks {', '.join(missing)}; {remedy}")
    return read_sealed(path, remedy)


def _is_complete(manifest: dict[str, Any]) -> bool:
    """Returns whether all entries that are read later exist and have the right type."""
    files, environment, goals = (manifest.get(name) for name in ("files", "environment", "goals"))
    return (
        all(type(manifest.get(name)) is int and 0 < manifest[name] < 2**48 for name in ("episodes", "steps"))
        and isinstance(files, dict)
        and {*FILES} - {*_OPTIONAL} <= files.keys() <= {*FILES}
        and ("frames.npy" in files) == ("blocks.npy" in files)
        and isinstance(environment, dict)
        and isinstance(environment.get("character", ""), str)
        and ("goals.npy" not in files or (isinstance(goals, list) and all(isinstance(goal, str) for goal in goals)))
        and ("drawn_as" not in manifest or manifest["drawn_as"] in list(CHARACTERS))
    )


def check_files(directory: Path, manifest: dict[str, Any], names: tuple[str, ...] = FILES) -> list[str]:
    """Returns the names of files whose checksum differs from the manifest."""
    return [name for name in names if name in manifest["files"] and sha256(directory / name) != manifest["files"][name]]


def _load(directory: Path, name: str, dtype: np.dtype[Any], shape: tuple[int | None, ...]) -> np.ndarray:
    """Maps an array into memory after validating its header and size."""
    path = directory / f"{name}.npy"
    remedy = REMEDY
    with path.open("rb") as file:
        magic, size = file.read(8), int.from_bytes(file.read(2), "little")
        header = _HEADER.fullmatch(file.read(size).decode("latin-1"))
        start = file.tell()
    if magic != b"\x93NUMPY\x01\x00" or header is None:
        raise ValueError(f"{path} is truncated or not a valid NumPy file; {remedy}")
    found = tuple(int(number) for number in header[2].split(","))
    fits = len(found) == len(shape) and all(want in (None, there) for want, there in zip(shape, found, strict=True))
    if header[1] != repr(np.lib.format.dtype_to_descr(dtype)) or not fits:
        raise ValueError(f"{path} is {header[1][:80]} {found}, expected {dtype} {shape}; {remedy}")
    if name == "frames" and not all(8 <= size <= LARGEST_IMAGE for size in found[1:3]):
        raise ValueError(f"{path} has frames of {found[1]}x{found[2]}, expected 8 to {LARGEST_IMAGE} pixels; {remedy}")
    bytes_there, bytes_wanted = path.stat().st_size, start + dtype.itemsize * int(np.prod(found, dtype=object))
    if bytes_there != bytes_wanted:
        raise ValueError(f"{path} is truncated: {bytes_there} bytes, expected {bytes_wanted}; {remedy}")
    return np.memmap(path, dtype, "r", start, found)


def _check_episodes(path: Path, episodes: np.ndarray, steps: int, pads: int) -> None:
    """Checks that the episodes are contiguous and complete, and that all values are in range."""
    start, length = episodes["start"], episodes["length"]
    possible = {
        "length": (length > 0) & (length <= steps),
        "start": (start >= 0) & (start <= steps),
        "seed": episodes["seed"] >= -1,
        "spawn": (episodes["spawn"] >= 0) & (episodes["spawn"] < len(load_island().spawns)),
        "look": (episodes["look"] >= 0) & (episodes["look"] < LOOKS),
        "character": np.isin(episodes["character"], list(CHARACTERS)),
        "pad": (episodes["pad"] >= -1) & (episodes["pad"] < pads),
        **{name: is_text(episodes[name]) for name in ("mode", "style")},
    }
    wrong = [name for name, each in possible.items() if not each.all()]
    edges = np.concatenate([[0], start + length])
    if not wrong and (not np.array_equal(edges[:-1], start) or edges[-1] != steps):
        wrong = ["start and length"]
    if wrong:
        raise ValueError(f"{path} has an impossible {wrong[0]}; {REMEDY}")


def _check_states(path: Path, states: np.ndarray, columns: tuple[str, ...], episodes: np.ndarray) -> None:
    """Checks that states are finite, count steps from 0 in each episode, and have its look."""
    starts = np.array(episodes["start"])
    for first in range(0, len(states), CHECKED_AT_ONCE):
        some = states[first : first + CHECKED_AT_ONCE]
        rows = np.arange(first, first + len(some))
        of = np.searchsorted(starts, rows, side="right") - 1
        steps = rows - starts[of]
        if fault := find_fault(some, steps, episodes["look"][of], columns):
            row, what = fault
            raise ValueError(f"{path}: episode {of[row]}, step {steps[row]} has {what}; {REMEDY}")
