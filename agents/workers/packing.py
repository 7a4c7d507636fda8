"""Directories that travel to machines which cannot see them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jumppad_env.files import MANIFEST, write_atomically


@dataclass(frozen=True)
class Packed:
    """The files of a directory; equal to another one with the same content."""

    digest: str
    files: dict[str, np.ndarray] = field(compare=False, repr=False)
    """uint8 (bytes,), by path in the directory. Ray keeps arrays where all processes of a machine read them."""

    def unpack(self, directory: Path) -> Path:
        """Writes the files into a directory, the manifest last, and returns it.

        Raises:
            OSError: they cannot be written.
        """
        for name in sorted(self.files, key=lambda name: name == MANIFEST):
            write_atomically(directory / name, self.files[name].data)
        return directory


def pack(place: Path) -> Packed:
    """Reads all files of a directory, or a single file, as if its directory held nothing else.

    Raises:
        OSError: a file cannot be read.
    """
    files: dict[str, np.ndarray] = {}
    digest = hashlib.sha256()
    directory = place.parent if place.is_file() else place
    for path in [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file()):
        name, content = path.relative_to(directory).as_posix(), np.fromfile(path, np.uint8)
        files[name] = content
        digest.update(f"{name} {len(content)} ".encode() + hashlib.sha256(content.data).digest())
    return Packed(digest.hexdigest(), files)
