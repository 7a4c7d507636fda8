"""The output directory of a stage: `begun.json` is written first, `manifest.json` last, marking it as finished.

    with artifact.begin(out, kind="reward_model", config=config, seed=seed, inputs={"rollouts": path}) as work:
        if work.finished:
            return
        ...                                 # write files into work.directory
        work.metrics["accuracy"] = 0.99

Leaving the block without an error finishes the artifact. After an interruption the same call resumes in the same
directory; a call with another configuration, seed or input is refused, so nothing is ever overwritten.
"""

import dataclasses
import importlib.metadata
import json
import platform
import shutil
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from jumppad_env import files
from jumppad_env.files import BEGUN, MANIFEST, PARTIAL, explain_full_disk, sha256, sole_owner, write_atomically
from jumppad_env.island.digest import rules_digest, warn_of_other_rules

FORMAT = 1
DAMAGES = (ValueError, KeyError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error)
"""What NumPy and zipfile raise on files that are truncated or have a byte changed."""
STATE_DIRECTORY = "training_state"
"""Checkpoints to resume training from; removed when the artifact is finished."""
EVENTS_DIRECTORY = "tensorboard"
"""The metrics once more, for TensorBoard; no part of the result."""


@dataclasses.dataclass
class Work:
    """An artifact that is unfinished, or already finished."""

    directory: Path
    finished: bool
    """Whether the artifact is already finished, so that the stage has nothing to do."""
    metrics: dict[str, Any]
    """JSON-serializable; set by the stage, or read from the manifest of a finished artifact."""


def is_finished(directory: Path | str) -> bool:
    """Returns whether the directory holds a finished artifact or dataset."""
    return (Path(directory) / MANIFEST).is_file()


def knows_its_config(directory: Path | str) -> bool:
    """Returns whether a finished directory is an artifact, whose config `begin` compares, and not a dataset."""
    return "config" in read_json(Path(directory) / MANIFEST)


def load_manifest(directory: Path | str, kind: str) -> dict[str, Any]:
    """Reads the manifest of a finished artifact; warns if it was made by other rules, or on another map.

    Args:
        directory: Directory of the artifact.
        kind: Required kind, such as `"policy"`.

    Raises:
        FileNotFoundError: There is no finished artifact.
        ValueError: The manifest is damaged, of another kind or of another format version.
    """
    path = Path(directory) / MANIFEST
    if not path.is_file():
        state = "is unfinished" if (path.parent / BEGUN).is_file() else "holds no artifact"
        raise FileNotFoundError(f"{directory} {state} (no {MANIFEST}); run the stage that makes it to completion first")
    manifest = read_json(path)
    if manifest.get("kind") != kind:
        raise ValueError(f"{directory} holds {manifest.get('kind')!r}, expected {kind!r}; give another directory")
    _check_format(path, manifest)
    warn_of_other_rules(directory, manifest.get("rules"))
    return manifest


@contextmanager
def begin(
    directory: Path | str, *, kind: str, config: Any, seed: int, inputs: Mapping[str, Path | str | None] | None = None
) -> Iterator[Work]:
    """Begins an artifact, resumes it, or returns it finished.

    Args:
        directory: Created if needed.
        kind: Kind of the artifact, such as `"policy"`.
        config: Dataclass of the stage: JSON-serializable fields, paths and nested dataclasses.
        seed: Seed of the stage.
        inputs: Finished artifacts and datasets that the result depends on, by role; None for one that is not used.

    Yields:
        The work. If it is unfinished when the block ends without an error, the manifest is written.

    Raises:
        FileNotFoundError: An input is not finished.
        ValueError: The directory holds something else, was begun with another configuration, seed or input, or is
            being written by another process.
        OSError: Writing failed; a full disk is explained.
    """
    directory = Path(directory)
    asked = {
        "kind": kind,
        "format": FORMAT,
        "config": to_json(config),
        "seed": seed,
        "inputs": {role: _input_sha256(role, Path(path)) for role, path in (inputs or {}).items() if path is not None},
        "rules": rules_digest(),
    }
    with ExitStack() as stack:
        if not is_finished(directory):
            stack.enter_context(explain_full_disk(directory))
            _check_free(directory)
            directory.mkdir(parents=True, exist_ok=True)
            stack.enter_context(sole_owner(directory))
        if is_finished(directory):  # already before, or by another process in the meantime
            manifest = read_json(directory / MANIFEST)
            _check_same(directory, MANIFEST, manifest, asked, config)
            _remove_scaffolding(directory)  # the process may have been killed before it did
            yield Work(directory, True, manifest.get("metrics", {}))
            return

        seconds_before = _seconds_before(directory, asked, config)
        began = time.time()
        clock = time.monotonic()

        def record(began_now: float | None, seconds: float) -> None:
            content = json.dumps({**asked, "began": began_now, "seconds": seconds}, indent=2)
            write_atomically(directory / BEGUN, content.encode())

        record(began, seconds_before)
        work = Work(directory, False, {})
        try:
            yield work
            seconds = seconds_before + time.monotonic() - clock
            result = {
                "metrics": work.metrics,
                "seconds": round(seconds, 3),
                "versions": installed_versions(),
                "files": {str(path.relative_to(directory).as_posix()): sha256(path) for path in _files(directory)},
            }
            write_atomically(directory / MANIFEST, json.dumps({**asked, **result}, indent=2).encode())
        except BaseException:
            with suppress(OSError):  # do not hide the original error
                record(None, seconds_before + time.monotonic() - clock)
            raise
        _remove_scaffolding(directory)


def _check_free(directory: Path) -> None:
    """Refuses a directory that holds something other than an unfinished artifact."""
    if (directory / BEGUN).is_file() or not directory.exists():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise ValueError(f"{directory} exists and is not an artifact (no {BEGUN}); choose another --out or delete it")


def _seconds_before(directory: Path, asked: dict[str, Any], config: Any) -> float:
    """Returns the seconds spent on an unfinished artifact so far; 0 for a new one."""
    path = directory / BEGUN
    if not path.is_file():
        return 0.0
    begun = read_json(path)
    _check_same(directory, BEGUN, begun, asked, config)
    seconds = float(begun.get("seconds", 0.0))
    if begun.get("began") is not None:
        # Killed at an unknown time, but not before it last wrote a file.
        last_sign = max((file.stat().st_mtime for file in directory.rglob("*") if file.is_file()), default=0.0)
        seconds += max(0.0, last_sign - begun["began"])
    return seconds


def _check_same(directory: Path, name: str, there: dict[str, Any], asked: dict[str, Any], config: Any) -> None:
    remedy = "choose another --out or delete it"
    if there.get("kind") != asked["kind"]:
        raise ValueError(f"{directory} holds {there.get('kind')!r}, not {asked['kind']!r}; {remedy}")
    _check_format(directory / name, there)
    keys = ("config", "seed", "inputs", *({"rules"} & there.keys()))  # older ones do not tell their rules
    there = {**there, "config": with_defaults(there.get("config"), config)}
    if found := differences({key: there.get(key) for key in keys}, {key: asked.get(key) for key in keys}):
        raise ValueError(f"{directory} holds another configuration: {found}; {remedy}")


def with_defaults(stored: Any, config: Any) -> Any:
    """Returns a stored configuration in which fields that it lacks have their defaults.

    What was stored before a field was added was made as if the field had its default.

    Args:
        stored: Read from JSON.
        config: Dataclass that says which fields there are; its values matter only for their types.
    """
    if not dataclasses.is_dataclass(config) or not isinstance(stored, dict):
        return stored
    filled = dict(stored)
    for field in dataclasses.fields(config):
        if field.name in stored:
            filled[field.name] = with_defaults(stored[field.name], getattr(config, field.name))
        elif field.default is not dataclasses.MISSING:
            filled[field.name] = to_json(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            filled[field.name] = to_json(field.default_factory())
    return filled


def differences(there: dict[str, Any], asked: dict[str, Any]) -> str:
    """Returns what differs between two JSON objects, by dotted key, as in "seed 0 there, 1 requested"; "" if nothing.

    The keys of a configuration stand without "config.".
    """
    found, wanted = _flatten(there), _flatten(asked)
    return "; ".join(
        f"{key} {found.get(key, 'missing')} there, {wanted.get(key, 'missing')} requested"
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    )


def _check_format(path: Path, values: dict[str, Any]) -> None:
    version = values.get("format")
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        remedy = "it is newer, update jumppad" if newer else "it is older, run the stage again with another directory"
        raise ValueError(f"{path} has format version {version}, this code reads {FORMAT}: {remedy}")


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turns {"config": {"learning_rate": 1}} into {"learning_rate": 1}; deeper levels keep their dotted path."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = "" if key == "config" and not prefix else f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= _flatten(value, f"{name}." if name else "")
        else:
            flat[name] = value
    return flat


def to_json(config: Any) -> Any:
    """Returns a configuration as it will be read back: dataclasses are objects, paths text, tuples lists."""
    values = dataclasses.asdict(config) if dataclasses.is_dataclass(config) and not isinstance(config, type) else config
    return json.loads(json.dumps(values, default=Path.as_posix))


def read_json(path: Path) -> dict[str, Any]:
    """Returns the object in a JSON file of an artifact.

    Raises:
        ValueError: The file is damaged.
    """
    return files.read_json(path, f"delete {path.parent} and run the stage that makes it again")


def read_arrays(path: Path, *names: str) -> list[np.ndarray]:
    """Returns arrays of an .npz file of an artifact, in the order of their names.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [arrays[name] for name in names]
    except FileNotFoundError:
        raise
    except DAMAGES as error:
        raise ValueError(
            f"{path} is damaged ({error}); delete {path.parent} and run the stage that makes it again"
        ) from None


def _input_sha256(role: str, directory: Path) -> str:
    """Returns the checksum of an input's manifest, which in turn holds those of its files."""
    if not is_finished(directory):
        raise FileNotFoundError(f"{role} {directory} is missing or unfinished (no {MANIFEST}); make it first")
    return sha256(directory / MANIFEST)


def _files(directory: Path) -> list[Path]:
    """Returns the files that make up the result."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.suffix != PARTIAL]
    scaffolding = {MANIFEST, BEGUN, STATE_DIRECTORY, EVENTS_DIRECTORY}
    return [path for path in files if path.relative_to(directory).parts[0] not in scaffolding]


def _remove_scaffolding(directory: Path) -> None:
    """Removes what only an unfinished artifact needs."""
    shutil.rmtree(directory / STATE_DIRECTORY, ignore_errors=True)
    for path in (directory / BEGUN, *directory.rglob(f"*{PARTIAL}")):
        path.unlink(missing_ok=True)


def installed_versions() -> dict[str, str]:
    """Returns the versions of the packages that a result depends on."""
    versions = {"python": platform.python_version()}
    names = {"numpy": "numpy", "torch": "torch", "numba": "numba", "mujoco": "mujoco", "jumppad_env": "jumppad"}
    for package, distribution in names.items():
        try:
            versions[package] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
            versions[package] = "not installed"
    return versions
