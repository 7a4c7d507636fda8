"""Compiled code is kept where it can be, read only while it is whole, and never of another version."""

import importlib.util
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numba
import pytest

from jumppad_env.machine import notices
from jumppad_env.machine.kept_code import KeptCode

SOURCE = "def add(number):\n    return number + {}\n"


def load(source: Path, places: list[Path]) -> Any:
    """Imports `add` of a file anew, as the next start of a program would, and compiles it."""
    spec = importlib.util.spec_from_file_location(source.stem, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Any = numba.njit(module.add)
    function._cache = KeptCode(module.add, places)
    return function


def hits(function: Any) -> int:
    return sum(function.stats.cache_hits.values())


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python's own cache looks at times
    path = tmp_path / "numbers.py"
    path.write_text(SOURCE.format(1))
    return path


def test_the_next_start_reads_what_the_first_compiled(source, tmp_path):
    places = [tmp_path / "kept"]
    first, second = load(source, places), load(source, places)
    assert first(2) == second(2) == 3
    assert (hits(first), hits(second)) == (0, 1)
    assert second(2.5) == 3.5 and hits(second) == 1, "other types are another version"


def test_code_of_an_older_source_is_not_read(source, tmp_path):
    places = [tmp_path / "kept"]
    assert load(source, places)(2) == 3
    stamp = source.stat()
    source.write_text(SOURCE.format(7))  # as long as before, and as old
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert load(source, places)(2) == 9


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-9], lambda whole: bytes(len(whole))])
def test_a_damaged_file_is_made_again(source, tmp_path, damage):
    places = [tmp_path / "kept"]
    load(source, places)(2)
    (file,) = places[0].iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    again = load(source, places)
    assert again(2) == 3 and hits(again) == 0
    last = load(source, places)
    assert last(2) == 3 and hits(last) == 1


def test_where_the_first_place_takes_nothing_the_next_is_used(source, tmp_path):
    (tmp_path / "file").write_text("no folder")
    places = [tmp_path / "file" / "kept", tmp_path / "kept"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(source, places)(2)
    second = load(source, places)
    assert second(2) == 3 and hits(second) == 1
    assert len(list(places[1].iterdir())) == 1


def test_a_full_disk_is_one_warning_and_leaves_nothing(source, tmp_path, monkeypatch):
    def full(path: Path, content: bytes) -> None:
        path.touch()
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(notices, "_given", set())
    with pytest.warns(notices.MachineWarning, match="No space left on device") as caught:
        function = load(source, [tmp_path / "kept"])
        assert function(2) == 3 and function(2.5) == 3.5
    assert len(caught) == 1
    assert not list((tmp_path / "kept").iterdir())
