"""Files that are either old or new, never half-written, however the process ends."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None

PARTIAL = ".partial"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: written under another name, flushed to the disk, then renamed.

    Raises:
        OSError: If it cannot be written; the file is then what it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)  # on a full disk it would only stand in the way
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Waits until what a directory lists, a rename for example, would survive a power cut."""
    if os.name != "posix":  # Windows opens no directories, and needs no flush for a rename to last
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explain_full_disk(directory: Path) -> Iterator[None]:
    """Say what to do when the disk is full.

    Raises:
        OSError: With the directory and the remedy, in place of a bare "No space left on device" or "File too large".
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        remedy = f"no space left while writing {directory}; make room and run the same command again to go on"
        raise OSError(error.errno, remedy) from error


@contextmanager
def sole_owner(directory: Path, name: Path | None = None) -> Iterator[None]:
    """Keep other processes that ask for the same out of a directory until the block is left, however it is left.

    Args:
        directory: Must exist.
        name: What the error calls it, if it is to be something else in the end.

    Raises:
        ValueError: If another process has it.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{name or directory} is being made by another process; wait for it") from None
        yield
    finally:
        os.close(descriptor)
