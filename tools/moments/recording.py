"""What a folder holds between any two file operations of this process.

A process that is killed leaves what it has written, whole or in part. So its disk at the moment of each file operation
is recorded: once as it is, and once with each file that has grown cut off in the middle of what was written last, as by
a kill within a write, or by a power cut before it reached the disk.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from baselines.stages import TIMINGS
from jumppad_env.files import PARTIAL

Disk: TypeAlias = dict[str, bytes | None]
"""Contents of a folder: of files by name, None for folders."""

WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
TIMES = re.compile(rb'"(seconds|began|ended|total)": [-+.e\d]+|"(began)": null')
"""Entries of JSON that differ from one run to the next."""
NAMES_TIMES = re.compile(r"(begun|manifest|results|run|seed-\d+)\.json")


class Recorder:
    """Records what a folder holds before each file operation in it; only one can be at work.

    Args:
        folder: whose.
        torn: whether files are also recorded cut off in the middle of what was written.
    """

    def __init__(self, folder: Path, torn: bool) -> None:
        self._folder, self._torn = folder, torn
        self.disks: list[Disk] = []
        self._last = read(folder)

    def see(self) -> None:
        """Records what is there now."""
        now = read(self._folder)
        whole = set(self._last.values())  # also of what has been renamed or linked since
        grown = {name: data for name, data in now.items() if data not in whole}
        torn = {name: cut for name, data in grown.items() if (cut := _cut(data, self._last.get(name))) is not None}
        if torn and self._torn:
            self.disks.append({**now, **torn})
        if now != self._last or not self.disks:
            self.disks.append(now)
        self._last = now


def _cut(now: bytes | None, before: bytes | None) -> bytes | None:
    """Returns a file cut off in the middle of what it has become since; None if nothing can be cut off."""
    if now is None or len(now) < 2:
        return None
    kept = len(before) if before is not None and now.startswith(before) else 0
    return now[: (kept + len(now)) // 2]


_active: list[Recorder] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _active:
        return
    writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writing or event in WRITES:
        recorder = _active.pop()  # reading the folder opens files as well
        try:
            recorder.see()
        finally:
            _active.append(recorder)


sys.addaudithook(_hook)
_fsync = os.fsync


def _flush(descriptor: int) -> None:
    _hook("os.remove", ())  # flushing is no event of Python's own
    _fsync(descriptor)


@contextlib.contextmanager
def record(folder: Path, torn: bool = False) -> Iterator[Recorder]:
    """Records all moments of the block; see `Recorder`."""
    recorder = Recorder(folder, torn)
    _active.append(recorder)
    os.fsync = _flush
    try:
        yield recorder
    finally:
        os.fsync = _fsync
        _active.clear()
        recorder.see()


def read(folder: Path) -> Disk:
    """Returns what a folder holds."""
    found: Disk = {}
    for place, folders, files in os.walk(folder):
        here = Path(place)
        for name in folders:
            found[(here / name).relative_to(folder).as_posix()] = None
        for name in files:
            with contextlib.suppress(FileNotFoundError):  # another thread has just removed it
                found[(here / name).relative_to(folder).as_posix()] = (here / name).read_bytes()
    return found


def restore(folder: Path, disk: Disk) -> None:
    """Makes a folder hold this."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in sorted(disk.items()):
        path = folder / name
        if data is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def without_times(disk: Disk) -> Disk:
    """Returns a disk as if no time had passed: without times, and what is a checksum of them."""
    return {name: _without_times(name, data) for name, data in disk.items() if Path(name).name != TIMINGS}


def _without_times(name: str, data: bytes | None) -> bytes | None:
    file = Path(name).name
    if file.endswith(PARTIAL):
        return b""  # nobody reads it
    if data is None or not NAMES_TIMES.fullmatch(file):
        return data
    data = TIMES.sub(rb'"\1\2": 0', data)
    if not file == "results.json":
        return re.sub(rb'"sha256": "[0-9a-f]{64}"', b'"sha256": ""', data)
    with contextlib.suppress(ValueError):
        values = json.loads(data)
        values.update(seconds={}, sha256="", files=sorted(values.get("files", {})))
        return json.dumps(values).encode()
    return data


def name_of(disk: Disk, *, leftovers: bool = True) -> str:
    """Returns a checksum of a disk without its times, with or without files that were being written."""
    digest = hashlib.sha256()
    for name, data in sorted(without_times(disk).items()):
        if name.endswith(PARTIAL) and not leftovers:
            continue
        digest.update(f"{name}\0{-1 if data is None else len(data)}\0".encode() + (data or b""))
    return digest.hexdigest()
