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
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np

from jumppad_env import files
from jumppad_env.files import (
    BEGUN,
    MANIFEST,
    PARTIAL,
    check_file,
    clear,
    content_digest,
    digests,
    is_finished,
    occupy,
    read_sealed,
    sha256,
)
from jumppad_env.files.reading import CHECKSUM
from jumppad_env.files.shapes import Duration, misfit
from jumppad_env.island.digest import rules_digest, warn_of_other_rules

FORMAT = 2
UNSEALED = 1
"""Earlier format, still read: its manifests have no checksum of their own."""
DATASET = "dataset"
MOST, SHOWN = 10, 100
"""Differences that are told, and most characters of each value."""
RUN = "run.json"
"""Stands in every run directory of `baselines.stages`: what it was begun with."""
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


class Manifest(TypedDict):
    """What the manifest of an artifact holds; earlier versions did not write all of it."""

    kind: str
    format: int
    config: NotRequired[Any]
    seed: NotRequired[int]
    inputs: NotRequired[dict[str, str]]
    rules: NotRequired[str]
    metrics: NotRequired[dict[str, Any]]
    seconds: NotRequired[Duration]
    versions: NotRequired[dict[str, str]]
    files: NotRequired[dict[str, str]]


def read_manifest(directory: Path | str, kind: str | None = None) -> dict[str, Any]:
    """Returns the manifest of a finished artifact, or of a dataset.

    Args:
        directory: Directory of the artifact.
        kind: Required kind, such as `"policy"`; None takes any.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is of another kind or format version, damaged, or was changed after it was written.
    """
    path = Path(directory) / MANIFEST
    if not path.exists():
        state = "is unfinished" if (path.parent / BEGUN).is_file() else "holds no artifact"
        raise FileNotFoundError(f"{directory} {state} (no {MANIFEST}); run the stage that makes it to completion first")
    manifest = read_json(path)
    found = manifest.get("kind")
    if kind is not None and found != kind:
        raise ValueError(f"{directory} holds {str(found)[:40]!r}, expected {kind!r}; give another directory")
    if found == DATASET:
        return read_sealed(path, _remedy(path))
    _check_format(path, manifest)
    if wrong := misfit(manifest, Manifest):
        raise ValueError(f"{path} is damaged ({wrong}); {_remedy(path)}")
    unsealed = manifest["format"] == UNSEALED and CHECKSUM not in manifest
    return manifest if unsealed else read_sealed(path, _remedy(path))


def load_manifest(directory: Path | str, kind: str) -> dict[str, Any]:
    """Reads the manifest of a finished artifact; warns if it was made by other rules, or on another map.

    See `read_manifest`.
    """
    manifest = read_manifest(directory, kind)
    warn_of_other_rules(directory, manifest.get("rules"))
    return manifest


def request(*, kind: str, config: Any, seed: int, inputs: Mapping[str, Path | None]) -> dict[str, Any]:
    """Returns in JSON what is asked of an artifact; see `begin`.

    Raises:
        FileNotFoundError: An input is not finished.
    """
    return {
        "kind": kind,
        "format": FORMAT,
        "config": to_json(config),
        "seed": seed,
        "inputs": {role: _input_digest(role, path) for role, path in inputs.items() if path is not None},
        "rules": rules_digest(),
    }


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
    inputs = {role: Path(path) for role, path in (inputs or {}).items() if path is not None}
    asked = request(kind=kind, config=config, seed=seed, inputs=inputs)
    with occupy(directory, "artifact") as place:
        if place.manifest is not None:
            manifest = read_manifest(directory)
            _check_same(directory, MANIFEST, manifest, asked, config, inputs)
            clear(directory, (STATE_DIRECTORY,))  # the process may have been killed before it did
            yield Work(directory, True, manifest.get("metrics", {}))
            return

        seconds_before = 0.0
        if place.begun is not None:
            _check_same(directory, BEGUN, place.begun, asked, config, inputs)
            seconds_before = _seconds_before(directory, place.begun)
        began, clock = time.time(), time.monotonic()
        place.begin({**asked, "began": began, "seconds": seconds_before})
        work = Work(directory, False, {})
        try:
            yield work
            result = {
                "metrics": work.metrics,
                "seconds": round(seconds_before + time.monotonic() - clock, 3),
                "versions": installed_versions(),
                "files": digests(directory, _files(directory)),
            }
            place.finish({**asked, **result}, (STATE_DIRECTORY,))
        except BaseException:
            with suppress(OSError):  # do not hide the original error
                if place.manifest is None:
                    seconds = seconds_before + time.monotonic() - clock
                    place.begin({**asked, "began": None, "seconds": seconds})
            raise


def _seconds_before(directory: Path, begun: dict[str, Any]) -> float:
    """Returns the seconds spent on an unfinished artifact so far."""
    seconds, began = begun.get("seconds"), begun.get("began")
    seconds = float(seconds) if isinstance(seconds, int | float) else 0.0
    if isinstance(began, int | float):
        # Killed at an unknown time, but not before it last wrote a file. Clocks may have been set meanwhile.
        last_sign = max((file.stat().st_mtime for file in directory.rglob("*") if file.is_file()), default=0.0)
        seconds += max(0.0, min(last_sign, time.time()) - began)
    return seconds


def _check_same(
    directory: Path,
    name: str,
    there: dict[str, Any],
    asked: dict[str, Any],
    config: Any,
    inputs: Mapping[str, Path],
) -> None:
    remedy = "choose another --out or delete it"
    if there.get("kind") != asked["kind"]:
        raise ValueError(f"{directory} holds {str(there.get('kind'))[:40]!r}, not {asked['kind']!r}; {remedy}")
    _check_format(directory / name, there)
    keys = ("config", "seed", "inputs", *({"rules"} & there.keys()))  # older ones do not tell their rules
    there = {**there, "config": with_defaults(there.get("config"), config)}
    if isinstance(there.get("inputs"), dict):  # earlier versions took the checksum of the whole manifest
        older = {role: asked["inputs"][role] for role, path in inputs.items() if _is_older(there["inputs"], role, path)}
        there["inputs"] = {**there["inputs"], **older}
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
    different = [key for key in sorted(found.keys() | wanted.keys()) if found.get(key) != wanted.get(key)]
    told = [
        f"{key[:SHOWN]} {str(found.get(key, 'missing'))[:SHOWN]} there, "
        f"{str(wanted.get(key, 'missing'))[:SHOWN]} requested"
        for key in different[:MOST]
    ]
    return "; ".join(told) + (f"; and {len(different) - MOST} more" if len(different) > MOST else "")


def _is_older(stored: dict[str, Any], role: str, directory: Path) -> bool:
    return stored.get(role) == sha256(directory / MANIFEST)


def _check_format(path: Path, values: dict[str, Any]) -> None:
    version = values.get("format")
    if type(version) is not int or version not in (FORMAT, UNSEALED):
        newer = isinstance(version, int) and version > FORMAT
        remedy = "it is newer, update jumppad" if newer else "it is older, run the stage again with another directory"
        raise ValueError(f"{path} has format version {str(version)[:40]}, this code reads {FORMAT}: {remedy}")


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
    return files.read_json(path, _remedy(path))


def _remedy(path: Path) -> str:
    return f"delete {path.parent} and run the stage that makes it again"


def read_arrays(path: Path, wanted: Mapping[str, tuple[str, int]]) -> list[np.ndarray]:
    """Returns arrays of an .npz file of an artifact, in the order of `wanted`, see `jumppad_env.files.read_arrays`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or differs from what was written.
    """
    check_file(path, _remedy(path))
    return list(files.read_arrays(path, wanted, _remedy(path)).values())


def check_input(directory: Path | str, role: str, given: Path | str) -> None:
    """Checks that an artifact was made from this input, if its manifest tells of one with this role.

    Raises:
        ValueError: It was made from another one.
    """
    told = read_manifest(directory).get("inputs", {})
    if role in told and told[role] not in (content_digest(read_manifest(given)), sha256(Path(given) / MANIFEST)):
        raise ValueError(f"{directory} was made from other {role} than {given}; give the two that belong together")


def _input_digest(role: str, directory: Path) -> str:
    """Returns the checksum of an input's content."""
    if not is_finished(directory):
        raise FileNotFoundError(f"{role} {directory} is missing or unfinished (no {MANIFEST}); make it first")
    return content_digest(read_manifest(directory))


def _files(directory: Path) -> list[str]:
    """Returns the names of the files that make up the result."""
    found = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.suffix != PARTIAL]
    scaffolding = {MANIFEST, BEGUN, STATE_DIRECTORY, EVENTS_DIRECTORY}
    names = [path.relative_to(directory) for path in found]
    return [name.as_posix() for name in names if name.parts[0] not in scaffolding]


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
