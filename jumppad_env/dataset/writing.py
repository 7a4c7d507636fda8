"""Writing datasets episode by episode into a directory, which is a dataset as soon as its manifest is there.

    with Unfinished(directory, asked) as work:
        with EpisodeLog(work.path) as episodes:    # keeps the episodes of an interrupted run
            episodes.append(trajectory)            # survives a power cut once committed
            found = episodes.finish()
        work.finish(found)

After an interruption at any moment, the same code resumes where it stopped.
"""

import contextlib
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jumppad_env.dataset.blocks import BlockHasher, hash_file
from jumppad_env.dataset.format import EPISODE, FILES, FORMAT, KIND, GrowingArray, check_format, versions, whole_rows
from jumppad_env.dataset.states import columns_of, describe, find_fault
from jumppad_env.dataset.trajectory import Trajectory
from jumppad_env.drawing import RENDERER
from jumppad_env.files import BEGUN, MANIFEST, PARTIAL, Place, clear, digests, occupy
from jumppad_env.gamepad import FACTORS
from jumppad_env.island import Places, load_island
from jumppad_env.island.digest import rules_digest
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.levels.settings import settings_of
from jumppad_env.world import STATE
from jumppad_env.world.state import LEVEL, LOOK, LOOKS

DRAWN = "drawn"
"""File with the number of frames that have reached the disk."""
SCAFFOLDING = (DRAWN,)
SHOWN = 200
"""Most characters of a value in a message."""
COMMIT_SECONDS = 2.0
"""Time between commits: the most that a power cut loses; a killed process loses less."""


class Unfinished:
    """A directory in which a dataset is made; a context manager.

    Args:
        directory: of the dataset.
        asked: manifest entries known beforehand: seed, population, environment, ...; `rules` if they are not today's,
            `states` if they have more columns than `STATE`.
        resumable: whether an interrupted run can be resumed; if not, an error leaves nothing behind.

    Attributes:
        path: of the directory.
        manifest: None until the dataset is finished, which it may be from the start.

    Raises:
        ValueError: the directory holds something else, or a dataset with other options.
        OSError: writing failed; a full disk is explained.
    """

    def __init__(self, directory: Path | str, asked: dict[str, Any], *, resumable: bool = True) -> None:
        self.path = Path(directory)
        # As it will be read back: without tuples.
        always = {"kind": KIND, "format": FORMAT, "rules": rules_digest(), "states": describe(STATE)}
        made = {**always, **asked, "versions": versions()}
        self._asked = json.loads(json.dumps(made))
        self._resumable = resumable
        self._stack = contextlib.ExitStack()
        self._place = Place(self.path, None, None)

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest, once the dataset is finished."""
        return self._place.manifest

    def __enter__(self) -> "Unfinished":
        with contextlib.ExitStack() as stack:
            place = self._place = stack.enter_context(occupy(self.path, KIND))
            if place.manifest is not None:
                self._check_finished(place.manifest)
                clear(self.path, SCAFFOLDING)
            elif place.begun is None or not self._goes_on(place.begun):
                place.begin({"resumable": self._resumable, "asked": self._asked})
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        with self._stack:
            if error[0] is not None and not self._resumable and self.manifest is None:
                self.discard()
            if error[1] is not None:
                raise error[1]  # the stack explains a full disk

    def discard(self) -> None:
        """Removes what has been written."""
        self._remove_files()
        for name in (BEGUN, BEGUN + PARTIAL):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it holds files of others
            self.path.rmdir()

    def _goes_on(self, begun: dict[str, Any]) -> bool:
        """Returns whether an interrupted dataset is resumed; if not, it has been removed."""
        asked, resumable = begun.get("asked"), begun.get("resumable")
        if not isinstance(asked, dict) or not isinstance(resumable, bool):
            raise ValueError(f"{self.path / BEGUN} is damaged, or of something else than a dataset; delete {self.path}")
        if resumable and not self._resumable:
            raise ValueError(f"{self.path} is an unfinished dataset; resume it with the same command, or delete it")
        if not resumable or not self._resumable:
            self._remove_files()
            return False
        check_format(self.path / BEGUN, asked.get("format"))
        if found := self._differences(asked, list(self._asked)):
            raise ValueError(
                f"{self.path} is an unfinished dataset started with other options: {found}; "
                "use those to resume it, or delete it"
            )
        return True

    def _remove_files(self) -> None:
        """Removes the files of a dataset, and only those."""
        for name in (*FILES, *SCAFFOLDING):
            for path in (self.path / name, self.path / (name + PARTIAL)):
                path.unlink(missing_ok=True)

    def _check_finished(self, manifest: dict[str, Any]) -> None:
        if manifest.get("kind") != KIND:
            raise ValueError(f"{self.path} exists and is no dataset; choose another place or delete it")
        check_format(self.path / MANIFEST, manifest.get("format"))
        # Versions may have moved on since; what earlier ones did not record is not compared.
        known = [key for key in self._asked if key in manifest and key not in ("versions", "rules")]
        if found := self._differences(manifest, known):
            raise ValueError(
                f"{self.path} exists and is a dataset with other options: {found}; choose another place or delete it"
            )

    def _differences(self, there: dict[str, Any], keys: Iterable[str]) -> str:
        different = [
            f"{key} {json.dumps(there.get(key))[:SHOWN]} there, {json.dumps(self._asked[key])[:SHOWN]} requested"
            for key in keys
            if there.get(key) != self._asked[key] and (key != "rules" or key in there)  # older ones do not tell
        ]
        return "; ".join(different)

    def finish(self, found: dict[str, Any], known: dict[str, str] | None = None) -> dict[str, Any]:
        """Writes the manifest; all other files must be complete.

        Args:
            found: manifest entries known only now.
            known: sha256 by file name, where already known.

        Returns:
            The manifest.
        """
        known = dict(known or {})
        if (self.path / "frames.npy").is_file() and not (self.path / "blocks.npy").is_file():
            hasher = BlockHasher()
            hash_file(self.path / "frames.npy", hasher)
            known["frames.npy"] = write_blocks(self.path, hasher)
        present = [name for name in FILES if (self.path / name).is_file()]
        files = {**digests(self.path, [name for name in present if name not in known]), **known}
        manifest = {**self._asked, **found, "files": {name: files[name] for name in present}}
        self._place.finish(manifest, SCAFFOLDING)
        return manifest


def write_blocks(folder: Path, hasher: BlockHasher) -> str:
    """Writes blocks.npy, once the hasher has read all of frames.npy, and returns the sha256 of the latter."""
    whole, blocks = hasher.finish()
    array = GrowingArray(folder / "blocks.npy", blocks.dtype, blocks.shape[1:])
    array.append(blocks)
    array.finish()
    return whole


class EpisodeLog:
    """Episodes of an unfinished dataset; a context manager that commits them at the end.

    Args:
        folder: directory of the unfinished dataset; episodes committed there are kept.
        goals: names of the goals, by the index that trajectories hold.
        state_columns: names of the columns of states, first those of `STATE`.
        settings: of the levels that episodes are played on; None: the classic island.

    Raises:
        ValueError: the columns do not begin with `STATE`.
    """

    def __init__(
        self,
        folder: Path,
        goals: Sequence[str] = (),
        state_columns: Sequence[str] = STATE,
        settings: LevelSettings | None = None,
    ) -> None:
        self._folder, self._goals, self._state_columns = folder, goals, state_columns
        self._described = describe(state_columns)
        self._arrays: dict[str, GrowingArray] = {}
        self._pending: list[tuple[Any, ...]] = []
        kept = self._read_committed()
        self._log = GrowingArray(folder / "episodes.npy", EPISODE, (), rows=len(kept))
        self.steps = int(kept["start"][-1] + kept["length"][-1]) if len(kept) else 0
        self.seeds: list[int] = kept["seed"].tolist()
        """Seeds of all episodes so far, in order."""
        self._settings = settings
        self._committed = time.monotonic()
        for name in ("actions", "states", "goals") if self.steps else ():
            if name != "goals" or (folder / "goals.npy").is_file():
                self._open(name, *self._columns()[name])

    def _columns(self) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        byte, real = np.dtype(np.uint8), np.dtype(np.float64)
        return {"actions": (byte, (FACTORS,)), "states": (real, (len(self._state_columns),)), "goals": (byte, ())}

    def _read_committed(self) -> np.ndarray:
        """Returns the rows of all complete episodes."""
        path = self._folder / "episodes.npy"
        if not path.is_file():
            return np.empty(0, EPISODE)
        rows = np.array(whole_rows(path, EPISODE, ()))
        arrays = {name: (self._folder / f"{name}.npy", *column) for name, column in self._columns().items()}
        steps = min((len(whole_rows(*array)) for array in arrays.values() if array[0].is_file()), default=0)
        return rows[rows["start"] + rows["length"] <= steps]

    def _open(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> GrowingArray:
        self._arrays[name] = GrowingArray(self._folder / f"{name}.npy", dtype, shape, rows=self.steps)
        return self._arrays[name]

    def append(self, trajectory: Trajectory) -> None:
        """Adds an episode.

        Raises:
            ValueError: the episode is invalid or inconsistent with the others; nothing is added.
        """
        states = np.asarray(trajectory.states)
        self._check_states(states)
        columns = {"actions": trajectory.actions, "states": states}
        if trajectory.goals is not None:
            if trajectory.goals.max() >= len(self._goals):
                raise ValueError(f"goal {trajectory.goals.max()} has no name; name all goals, got {list(self._goals)}")
            columns["goals"] = trajectory.goals
        if trajectory.frames is not None:
            columns["frames"] = trajectory.frames
        if self._arrays and columns.keys() != self._arrays.keys():
            raise ValueError(f"an episode has {', '.join(columns)}; those before it {', '.join(self._arrays)}")
        for name in ("mode", "style"):
            most = EPISODE[name].itemsize // 4
            if len(getattr(trajectory, name)) > most:
                raise ValueError(f"{name} {getattr(trajectory, name)!r} is too long, at most {most} characters")
        first = states[0]
        row = {
            "start": self.steps,
            "length": len(trajectory),
            "spawn": int(np.linalg.norm(self._island(first).spawns - first[:3], axis=1).argmin()),
            "look": int(first[LOOK]),
        }
        for name, rows in columns.items():
            array = self._arrays.get(name) or self._open(name, rows.dtype, rows.shape[1:])
            array.append(rows)
        self._pending.append(tuple(row.get(name, getattr(trajectory, name, None)) for name in EPISODE.names or ()))
        self.steps += len(trajectory)
        self.seeds.append(trajectory.seed)
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self.commit()

    def _island(self, state: np.ndarray) -> Places:
        """Returns the island on which an episode begins."""
        return load_island() if self._settings is None else make_level(int(state[LEVEL]), self._settings).islands[0]

    def _check_states(self, states: np.ndarray) -> None:
        if states.dtype != np.float64 or states.shape[1] != len(self._state_columns):
            raise ValueError(
                f"states must be float64 (T, {len(self._state_columns)}); got {states.dtype} {states.shape}"
            )
        look = np.clip(np.trunc(states[0, LOOK]), 0, LOOKS - 1)
        if fault := find_fault(states, np.arange(len(states)), np.repeat(look, len(states)), self._state_columns):
            row, what = fault
            raise ValueError(f"state {row} has {what}; store whole episodes, as they were played")

    def commit(self) -> None:
        """Flushes all episodes so far to the disk."""
        if self._pending:
            for array in self._arrays.values():
                array.sync()
            self._log.append(np.array(self._pending, EPISODE))  # last, so that every listed episode is complete
            self._log.sync()
            self._pending.clear()
        self._committed = time.monotonic()

    def __enter__(self) -> "EpisodeLog":
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            if not isinstance(error[1], OSError):  # a full disk takes no more
                self.commit()
        finally:
            for array in (self._log, *self._arrays.values()):
                array.close()

    def finish(self) -> dict[str, Any]:
        """Finishes the files and returns their manifest entries.

        Raises:
            ValueError: there are no episodes.
        """
        if not self.seeds:
            raise ValueError("a dataset needs at least one episode")
        self.commit()
        for array in (self._log, *self._arrays.values()):
            array.finish()
        return {
            "episodes": len(self.seeds),
            "steps": self.steps,
            "states": self._described,
            **({"goals": list(self._goals)} if "goals" in self._arrays else {}),
        }


def write_dataset(
    directory: Path | str, trajectories: Iterable[Trajectory], *, seed: int, description: dict[str, Any]
) -> int:
    """Streams trajectories to disk, in one go; a dataset with the same description that is there already is kept.

    Args:
        directory: of the dataset.
        trajectories: one at a time is held in memory.
        seed: seed of the command.
        description: further manifest entries: population, keywords of the environment, `goals` (their names), `states`
            if they have more columns than `STATE`; an entry of an earlier format is ignored.

    Returns:
        The number of steps.

    Raises:
        ValueError: the directory holds something else, or trajectories are missing or inconsistent.
        OSError: writing failed; nothing is left behind.
    """
    names = description.get("goals", ())  # only in the manifest if trajectories have goals
    asked = {"seed": seed, **{key: value for key, value in description.items() if key != "goals"}}
    with Unfinished(directory, asked, resumable=False) as work:
        if work.manifest is not None:
            return work.manifest["steps"]
        characters, size = set(), None
        settings = settings_of(description.get("environment", {}))
        with EpisodeLog(work.path, names, columns_of(description) or STATE, settings) as episodes:
            for trajectory in trajectories:
                episodes.append(trajectory)
                characters.add(trajectory.character)
                size = None if trajectory.frames is None else list(trajectory.frames.shape[1:3])
            found = episodes.finish()
        drawn = {"observation": "state"} if size is None else {"observation": "pixels", "image_size": size}
        character = characters.pop() if len(characters) == 1 else "random"
        environment = {"id": "Jumppad-v0", **drawn, "character": character, "variety": "none"}
        environment |= description.get("environment", {})
        work.finish({"environment": environment, "renderer": RENDERER if size else None, **found})
    return episodes.steps
