"""A directory that is made step by step: `begun.json` is written first, `manifest.json` last, marking it as finished.

    with occupy(directory, "dataset") as place:
        if place.manifest is None:
            if place.begun is None:
                place.begin({"seed": 0})
            ...                                   # write files into directory
            place.finish({"seed": 0, "files": digests(directory, names)}, scaffolding=("drawn",))

Whenever the process ends, the directory is free, begun or finished, so the same lines go on where it stopped.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from jumppad_env.files.reading import CHECKSUM, read_json, read_sealed, seal, sha256
from jumppad_env.files.writing import PARTIAL, explain_full_disk, flush_to_disk, sole_owner, write_atomically

MANIFEST = "manifest.json"
"""Describes a dataset or an artifact; written last, so its presence means "finished"."""
BEGUN = "begun.json"
"""What was requested of an unfinished dataset or artifact."""
NO_CONTENT = ("seconds", "versions", "format", CHECKSUM)
"""Entries of a manifest that may differ where everything else is the same."""


class Listing(TypedDict):
    """The part of a manifest that tells of files."""

    files: NotRequired[dict[str, str]]
    """sha256 by name."""


@dataclass
class Place:
    """A directory that is occupied."""

    directory: Path
    begun: dict[str, Any] | None
    """Of an interrupted one; None if it is new."""
    manifest: dict[str, Any] | None
    """Of a finished one, as it stands there."""

    def begin(self, content: dict[str, Any]) -> None:
        """Writes or replaces `begun.json`."""
        write_atomically(self.directory / BEGUN, json.dumps(content, indent=2).encode())
        self.begun = content

    def finish(self, manifest: dict[str, Any], scaffolding: Sequence[str] = ()) -> None:
        """Writes the manifest, sealed; all other files must be complete.

        Args:
            manifest: what it says.
            scaffolding: see `clear`.
        """
        write_atomically(self.directory / MANIFEST, seal(manifest).encode())
        self.manifest = manifest
        clear(self.directory, scaffolding)


@contextmanager
def occupy(directory: Path, what: str) -> Iterator[Place]:
    """Locks a directory that is to be made, unless it is finished.

    Args:
        directory: Created if needed, and removed again if nothing was begun in it.
        what: It will be, such as "dataset".

    Raises:
        ValueError: It holds something else, is damaged, or is being written by another process.
        OSError: Writing failed; a full disk is explained.
    """
    with ExitStack() as stack:
        finished = directory / MANIFEST
        if not finished.is_file():
            stack.enter_context(explain_full_disk(directory))
            _check_free(directory, what)
            made = [folder for folder in (directory, *directory.parents) if not folder.exists()]
            directory.mkdir(parents=True, exist_ok=True)
            stack.enter_context(sole_owner(directory))
            stack.enter_context(_removed_if_not_begun(directory, made))
        if finished.is_file():  # already before, or by another process in the meantime
            remedy = f"delete {directory} and make it again"
            yield Place(directory, None, read_json(finished, remedy))
            return
        begun = directory / BEGUN
        yield Place(directory, read_json(begun, f"delete {directory}") if begun.is_file() else None, None)


@contextmanager
def _removed_if_not_begun(directory: Path, made: list[Path]) -> Iterator[None]:
    """Removes the folders that were made for a directory, innermost first, if nothing was begun in it."""
    try:
        yield
    finally:
        if not (directory / BEGUN).exists() and not is_finished(directory):
            (directory / (BEGUN + PARTIAL)).unlink(missing_ok=True)
            for folder in made:
                with contextlib.suppress(OSError):  # others may use it by now
                    folder.rmdir()


def _check_free(directory: Path, what: str) -> None:
    """Refuses a directory that holds something other than what was begun there."""
    if not os.path.lexists(directory):
        return
    foreign = not directory.is_dir() or any(path.name != BEGUN + PARTIAL for path in directory.iterdir())
    # Asked last: another process may just have begun here, and is then told apart by its lock.
    if foreign and not ((directory / BEGUN).is_file() or is_finished(directory)):
        raise ValueError(
            f"{directory} exists and is no unfinished {what} (no {BEGUN}); choose another place or delete it"
        )


def clear(directory: Path, scaffolding: Sequence[str] = ()) -> None:
    """Removes what only an unfinished directory needs; a process may have been killed before it did.

    Args:
        directory: A finished one; nothing happens if it cannot be written to.
        scaffolding: Names of files and folders in it.
    """
    with contextlib.suppress(OSError):
        for name in scaffolding:
            path = directory / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.exists():
                path.unlink()
        for path in (*directory.rglob(f"*{PARTIAL}"), directory / BEGUN):
            path.unlink(missing_ok=True)


def digests(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Returns the sha256 of files by name, once they have reached the disk."""
    found = {}
    for name in names:
        with (directory / name).open("rb") as file:
            flush_to_disk(file.fileno())
        found[name] = sha256(directory / name)
    return found


def check_file(path: Path, remedy: str) -> None:
    """Checks a file against the manifest beside it; nothing is checked where there is none.

    Raises:
        ValueError: The file, or the manifest, differs from what was written.
    """
    manifest = path.parent / MANIFEST
    if not manifest.is_file():
        return
    told = read_json(manifest, remedy, Listing)
    if CHECKSUM in told:
        told = read_sealed(manifest, remedy)
    digest = told.get("files", {}).get(path.name)
    if digest is not None and sha256(path) != digest:
        raise ValueError(f"{path} is damaged (its checksum differs from {MANIFEST}); {remedy}")


def content_digest(manifest: dict[str, Any]) -> str:
    """Returns a checksum of what a dataset or an artifact holds: made again, it is the same.

    The manifest has the checksums of all files; how long they took, and by which versions, does not matter.
    """
    content = {key: value for key, value in manifest.items() if key not in NO_CONTENT}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def is_finished(directory: Path | str) -> bool:
    """Returns whether the directory holds a finished artifact or dataset."""
    return (Path(directory) / MANIFEST).is_file()
