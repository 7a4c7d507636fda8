"""Checksums of the blocks of a large file, so that a part of it can be checked when it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 2**20
"""Bytes of a block; the last one may be shorter."""
DIGEST = hashlib.sha256().digest_size


class BlockHasher:
    """Takes a file's bytes in order, in pieces of any size."""

    def __init__(self) -> None:
        self._whole, self._block = hashlib.sha256(), hashlib.sha256()
        self._left = BLOCK
        self._digests: list[bytes] = []

    def update(self, data: Any) -> None:
        """Takes the next bytes (a buffer)."""
        rest = memoryview(data).cast("B")
        self._whole.update(rest)
        while rest:
            piece, rest = rest[: self._left], rest[self._left :]
            self._block.update(piece)
            self._left -= len(piece)
            if not self._left:
                self._digests.append(self._block.digest())
                self._block, self._left = hashlib.sha256(), BLOCK

    def finish(self) -> tuple[str, np.ndarray]:
        """Returns the sha256 of all bytes, hexadecimal, and those of the blocks, uint8 (blocks, 32)."""
        digests = self._digests + ([self._block.digest()] if self._left < BLOCK else [])
        return self._whole.hexdigest(), np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST)


def hash_file(path: Path, hasher: BlockHasher) -> None:
    """Feeds a file to a hasher."""
    with path.open("rb") as file:
        while piece := file.read(BLOCK):
            hasher.update(piece)


class CheckedFile:
    """Checks the blocks of a file when they are first read.

    Args:
        path: of the file.
        digests: uint8 (blocks, 32).

    Raises:
        ValueError: the number of blocks does not fit the file.
    """

    def __init__(self, path: Path, digests: np.ndarray) -> None:
        self._path, self._digests = path, digests
        self._bytes = np.memmap(path, np.uint8, "r")
        self._checked = np.zeros(len(digests), np.bool_)
        if -(-len(self._bytes) // BLOCK) != len(digests):
            raise ValueError(f"{path} has {len(self._bytes)} bytes, but the checksums of {len(digests)} blocks")

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self._bytes)

    def check(self, start: int, stop: int) -> None:
        """Checks these bytes, unless they have been.

        Raises:
            ValueError: they are damaged.
        """
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            if not self._checked[block]:
                found = hashlib.sha256(self._bytes[block * BLOCK : (block + 1) * BLOCK].data).digest()
                if found != self._digests[block].tobytes():
                    raise ValueError(
                        f"{self._path} is damaged (its bytes from {block * BLOCK} on differ from their checksum)"
                    )
                self._checked[block] = True
