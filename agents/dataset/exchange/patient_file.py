"""A file for libraries that crash on a full disk: it remembers the first error instead of raising it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any


class PatientFile(io.FileIO):
    """A new file that seems to accept everything; `check` tells whether it did.

    HDF5, FFmpeg and Arrow write also while they clean up after a failed write, and then print tracebacks or crash. None
    of them notices an error here: what follows the first one is dropped.

    Attributes:
        error: the first error, or None.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        super().__init__(path, "w+")

    def write(self, data: Any, /) -> int:
        """Writes bytes and returns their number."""
        size = memoryview(data).nbytes
        left = memoryview(data).cast("B") if size else b""
        while left and self.error is None:  # a disk that is nearly full accepts part of the data before it fails
            try:
                left = left[super().write(left) :]
            except OSError as error:
                self.error = error
        self.seek(len(left), os.SEEK_CUR)
        return size

    def truncate(self, size: int | None = None, /) -> int:
        """Changes the size, in bytes, and returns it."""
        size = self.tell() if size is None else size
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
        return size

    def close(self) -> None:
        """Flushes the file to the disk, since some file systems find out only then, and closes it."""
        if not self.closed and self.error is None:
            try:
                os.fsync(self.fileno())
            except OSError as error:
                self.error = error
        super().close()

    def check(self) -> None:
        """Tells whether all of it was written; after `close`, whether it is on the disk.

        Raises:
            OSError: something was not.
        """
        if self.error is not None:
            raise self.error
