"""Writing on file systems that can less than a local disk."""

import errno
import os
import stat
import warnings

import numpy as np
import pytest

from jumppad_env.dataset.format import GrowingArray
from jumppad_env.files import sole_owner, sync_directory, write_atomically
from jumppad_env.machine.notices import MachineWarning

fcntl = pytest.importorskip("fcntl")


def refuse(monkeypatch, code: int, kind) -> None:
    """Lets the flush of files of a kind fail as it does elsewhere."""
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        if kind(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF, errno.ENOSYS])
@pytest.mark.parametrize("kind", [stat.S_ISDIR, stat.S_ISREG])
def test_what_cannot_be_flushed_is_written_all_the_same(code, kind, tmp_path, monkeypatch):
    refuse(monkeypatch, code, kind)
    write_atomically(tmp_path / "file", b"new")
    GrowingArray(tmp_path / "rows.npy", np.dtype(np.uint8), (2,)).finish()
    assert (tmp_path / "file").read_bytes() == b"new" and np.load(tmp_path / "rows.npy").shape == (0, 2)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_full_or_broken_disk_is_still_an_error_and_the_file_is_the_old_one(code, tmp_path, monkeypatch):
    write_atomically(tmp_path / "file", b"old")
    refuse(monkeypatch, code, stat.S_ISREG)
    with pytest.raises(OSError, match=os.strerror(code)):
        write_atomically(tmp_path / "file", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_directory_that_may_not_be_listed_is_not_flushed(tmp_path, monkeypatch):
    def refuse(path, flags):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    flushed = []
    monkeypatch.setattr(os, "open", refuse)  # root may list any directory
    monkeypatch.setattr(os, "fsync", flushed.append)
    sync_directory(tmp_path)
    assert flushed == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF])
def test_without_locks_the_work_goes_on_with_one_warning_that_names_the_place(code, tmp_path, monkeypatch):
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr("jumppad_env.machine.notices._given", set())
    with pytest.warns(MachineWarning, match="demo: its file system has no locks") as given:
        for _ in range(2):
            with sole_owner(tmp_path, tmp_path / "demo"):
                pass
    assert len(given) == 1


def test_a_directory_has_one_owner_at_a_time(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with sole_owner(tmp_path), pytest.raises(ValueError, match="being written by another process"):
            with sole_owner(tmp_path):
                pass
        with sole_owner(tmp_path):
            pass
