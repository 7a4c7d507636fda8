"""Atomic and locked writing: files are old or new, never half-written, however the process ends."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from jumppad_env.machine.notices import notice

try:
    import fcntl
except ImportError:  # Windows has no file locks of this kind
    fcntl = None

CANNOT = (
    errno.EINVAL,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EBADF,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
)
"""How file systems of networks, shared folders and containers say that they cannot flush; FUSE has its choice."""
PARTIAL = ".jumppad-partial"
"""Ends the names of files that are being written; nobody else's do, so they can be replaced and removed."""


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Replaces a file in one step: writes another one, flushes it to the disk and renames it.

    Raises:
        OSError: Writing failed; the file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            flush_to_disk(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)  # do not waste space on a full disk
        raise
    sync_directory(path.parent)


@contextmanager
def write_directory(directory: Path, partial: Path) -> Iterator[None]:
    """Makes a directory appear only when it is complete.

    Args:
        directory: Must not exist.
        partial: The directory to fill in the block, on the same disk. It is renamed at the end, or removed on an error,
            with the folders above it that had to be made.
    """
    above = {folder for place in (directory, partial) for folder in place.parents if not folder.exists()}
    shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
    try:
        partial.mkdir(parents=True)
        yield
        directory.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in sorted(above, key=lambda folder: len(folder.parts), reverse=True):
            with suppress(OSError):  # others may use it by now
                folder.rmdir()
        raise


def flush_to_disk(descriptor: int) -> None:
    """Flushes an open file or directory to the disk, as far as the file system can.

    Raises:
        OSError: The disk is full or broken.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT:
            raise


def sync_directory(directory: Path) -> None:
    """Flushes a directory's entries to the disk, so that a rename survives a power cut."""
    if os.name != "posix":  # Windows cannot open directories, and makes renames durable by itself
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except PermissionError:  # one may write to it but not list it
        return
    try:
        flush_to_disk(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explain_full_disk(directory: Path) -> Iterator[None]:
    """Explains what to do when the disk is full.

    Raises:
        OSError: Names the directory and the remedy instead of a bare "No space left on device" or "File too large".
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        remedy = f"no space left while writing {directory}; free some space and run the same command again to resume"
        raise OSError(error.errno, remedy) from error


@contextmanager
def sole_owner(directory: Path, name: Path | None = None) -> Iterator[None]:
    """Locks a directory until the block is left, or the process ends.

    Args:
        directory: Must exist.
        name: Its final name, for the error message.

    Raises:
        ValueError: Another process has locked it.
    """
    with ExitStack() as stack:
        if fcntl is not None:
            try:
                descriptor = os.open(directory, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(f"{name or directory} is being written by another process; wait for it") from None
            except OSError as error:  # as Lustre and NFS are often mounted
                notice(
                    f"{name or directory}: its file system has no locks ({error.strerror}); "
                    "do not run a second command that writes there"
                )
        yield
