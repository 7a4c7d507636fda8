"""Every command survives a kill at every moment; and the one who says so can tell when it is not true."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from jumppad_env.files import write_atomically
from tools.every_moment import explore, start_of
from tools.fuzzing.miniature import make_miniature
from tools.moments.commands import commands, in_haste
from tools.moments.recording import name_of, read, record, restore

THOROUGH = "JUMPPAD_THOROUGH" in os.environ
"""All states and those after them, instead of five for each command."""
NAMES = [
    *("collect", "collect curated", "rerender", "filter", "filter some", "merge", "split", "rollouts", "recording"),
    *("pretrain", "finetune", "preferences", "reward", "preference_finetune", "align", "evaluate", "record"),
    *("pipeline start", "reproduce", "report"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("miniature") / "run"
    make_miniature(directory)
    return directory


def test_all_commands_are_tried(finished):
    assert list(commands(finished)) == NAMES


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="files are renamed and locked in other ways")
@pytest.mark.parametrize("name", NAMES)
def test_killed_at_any_moment_and_run_again_it_makes_the_same_bytes(finished, tmp_path, name):
    command = commands(finished)[name]
    before = {path: name_of(read(path)) for path in (finished,)}
    with in_haste():
        found = explore(command.run, tmp_path / "out", start_of(command, finished), None if THOROUGH else 5)
    assert found.states > 3
    assert not found.refused and not found.different
    assert before == {path: name_of(read(path)) for path in (finished,)}, "inputs are as they were"


def careless(folder: Path) -> None:
    """Writes a file in place, in three steps, and takes it for finished as soon as it is there."""
    if not (folder / "result").exists():
        with (folder / "result").open("w") as file:
            for word in ("one", "two", "three"):
                file.write(word)
                file.flush()
                os.fsync(file.fileno())


def touchy(folder: Path) -> None:
    """Refuses what it has left itself."""
    if (folder / "begun").exists() and not (folder / "result").exists():
        raise ValueError("somebody has begun")
    (folder / "begun").write_text("")
    write_atomically(folder / "result", b"done")


def lasting(folder: Path) -> None:
    """Survives one kill, but not two: each leaves a mark, and two are too many."""
    marks = len(list(folder.glob("mark*")))
    if marks > 1:
        raise ValueError("killed too in_haste")
    (folder / f"mark{marks}").write_text("")
    write_atomically(folder / "result", b"done")
    for mark in folder.glob("mark*"):
        mark.unlink()


def test_faults_are_found(tmp_path):
    found = explore(careless, tmp_path / "careless", {})
    assert len(found.different) >= 3 and not found.refused and "result other" in found.different[0]
    found = explore(touchy, tmp_path / "touchy", {})
    assert found.refused and "somebody has begun (from begun 0)" in found.refused[0]
    found = explore(lasting, tmp_path / "lasting", {})
    assert any("killed too in_haste" in line for line in found.refused)
    assert not any("mark1" not in line for line in found.refused), "one kill does no harm"


def test_what_is_left_of_a_write_is_cut_off_in_its_middle(tmp_path):
    with record(tmp_path, torn=True) as recorder:
        (tmp_path / "text").write_text("12345678")
        os.replace(tmp_path / "text", tmp_path / "renamed")
    assert recorder.disks == [{}, {"text": b"1234"}, {"text": b"12345678"}, {"renamed": b"12345678"}]


def test_a_disk_is_restored_and_named_without_its_times(tmp_path):
    folder = tmp_path / "folder"
    disk = {"a": None, "a/manifest.json": json.dumps({"seconds": 1.5, "began": None, "seed": 0}).encode(), "b": b"x"}
    restore(folder, disk)
    assert read(folder) == disk
    later = {**disk, "a/manifest.json": json.dumps({"seconds": 99, "began": 1e9, "seed": 0}).encode()}
    other = {**disk, "a/manifest.json": json.dumps({"seconds": 1.5, "began": None, "seed": 1}).encode()}
    assert name_of(disk) == name_of(later) != name_of(other)
    assert name_of({**disk, "c.jumppad-partial": b"x"}) != name_of(disk)
    assert name_of({**disk, "c.jumppad-partial": b"x"}, leftovers=False) == name_of(disk)
    shutil.rmtree(folder)
