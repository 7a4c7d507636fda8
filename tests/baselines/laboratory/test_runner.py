"""The laboratory's scheduling, with real processes that do small experiments of this file's own."""

import json
import os
import re
from pathlib import Path

import pytest

from baselines.laboratory import runner
from baselines.laboratory.graph.task import Task
from baselines.laboratory.rows import write_measured

SMALL_WORK = """
import os, time

def measure(stages):
    yield
    name, log = "{name}", stages.out.parent / "log"
    began = time.time()
    time.sleep(0.3)
    with log.open("a") as file:
        file.write(f"{{name}} {{stages.seed}} {{began}} {{time.time()}}\\n")
    {ending}
"""
ENDINGS = {
    "small_first": 'return [{"value": stages.seed}]',
    "small_second": 'return [{"value": 10 + stages.seed}]',
    "small_failing": 'raise ValueError(f"no {name} today")',
    "small_dying": "os._exit(9)",
}


@pytest.fixture
def small_experiments(tmp_path, monkeypatch):
    """Puts small experiments where the processes that the laboratory starts will find them."""
    folder = tmp_path / "experiments"
    folder.mkdir()
    for name, ending in ENDINGS.items():
        (folder / f"{name}.py").write_text(SMALL_WORK.format(name=name, ending=ending))
    monkeypatch.syspath_prepend(str(folder))


def make_tasks(out, *names, seeds=(0, 1)):
    return [Task(name, name, "smoke", seed, out) for name in names for seed in seeds]


def read_log(out):
    """Returns experiment, seed, begin and end of all that was done."""
    lines = [line.split() for line in (out / "log").read_text().splitlines()]
    return [(name, int(seed), float(began), float(ended)) for name, seed, began, ended in lines]


@pytest.mark.slow
def test_a_failure_stops_nobody_and_nothing_is_done_again(small_experiments, tmp_path):
    out = tmp_path / "out"
    tasks = make_tasks(out, "small_failing", "small_first", "small_second")
    with pytest.raises(ChildProcessError, match="2 of 6 did not finish") as failure:
        runner.run(tasks, workers=2)
    assert "small_failing, seed 0: ValueError('no small_failing today')" in str(failure.value)
    said = tasks[0].rows.with_suffix(".error").read_text()
    assert "Traceback" in said and "no small_failing today" in said

    log = read_log(out)
    assert sorted(entry[:2] for entry in log) == sorted((task.experiment, task.seed) for task in tasks)

    assert [task.rows.is_file() for task in tasks] == [False, False, True, True, True, True]
    content = json.loads(tasks[-1].rows.read_text())
    assert content["rows"] == [{"value": 11}] and content["seconds"] >= 0.3
    assert (content["experiment"], content["preset"], content["seed"]) == ("small_second", "smoke", 1)
    assert content["provenance"].keys() == {"commit", "device", "cores", "versions", "date"}

    before = [task.rows.read_bytes() for task in tasks[2:]]
    runner.run(tasks[2:], workers=2)
    assert [task.rows.read_bytes() for task in tasks[2:]] == before and read_log(out) == log, "nothing is done again"


SHARED_WORK = """
from functools import partial

def make(out, name):
    if out.exists():  # it is only checked
        return
    with (out.parents[1] / "log").open("a") as file:
        file.write(name + "\\n")
    if name == "broken":
        raise ValueError(f"no {name} today")
    out.mkdir()
    (out / "manifest.json").touch()

def measure(stages):
    for name in NAMES:
        stages.make(name, partial(make, name=name))
    yield
    return [{"value": len(NAMES)}]
"""


@pytest.mark.slow
def test_artifacts_are_made_once_and_a_failure_stops_only_who_needs_them(tmp_path, monkeypatch):
    folder, out = tmp_path / "experiments", tmp_path / "out"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    for name, shared in {"sound": ("common",), "doubtful": ("common", "broken"), "doomed": ("broken",)}.items():
        (folder / f"{name}.py").write_text(f"NAMES = {shared}\n{SHARED_WORK}")
    tasks = make_tasks(out, "doomed", "doubtful", "sound", seeds=(0,))
    with pytest.raises(ChildProcessError) as failure:
        runner.run(tasks, workers=2)
    said = "2 of 3 did not finish (seed-0/broken: ValueError('no broken today')); all others are kept"
    assert str(failure.value) == said
    assert sorted((out / "log").read_text().split()) == ["broken", "common"]
    assert [task.rows.is_file() for task in tasks] == [False, False, True]
    for task in tasks[:2]:
        said = task.rows.with_suffix(".error").read_text()
        assert "no broken today" in said and said.endswith("NotMade: it needs seed-0/broken, which failed\n")

    text = (folder / "doubtful.py").read_text()  # somebody mends it
    (folder / "doubtful.py").write_text(text.replace('name == "broken"', "False"))
    runner.run([tasks[1]], workers=1)
    assert (out / "log").read_text().split()[2:] == ["broken"], "what is finished is not made again"


@pytest.mark.slow
def test_a_process_that_dies_stops_nobody(small_experiments, tmp_path):
    out = tmp_path / "out"
    tasks = make_tasks(out, "small_dying", "small_first", seeds=(0,))
    with pytest.raises(ChildProcessError, match="1 of 2 did not finish"):
        runner.run(tasks, workers=1)
    assert [task.rows.is_file() for task in tasks] == [False, True]


def test_rows_and_runs_lie_side_by_side(tmp_path):
    task = Task("recovery", "", "quick", 3, tmp_path)
    assert task.rows == tmp_path / "rows" / "recovery" / "seed-3.json" and task.stages == tmp_path / "seed-3"


def write_rows(task, **changes):
    origin = {"commit": "0123", "device": "a processor"}
    content = {"experiment": task.experiment, "preset": task.preset, "seed": task.seed, "seconds": 1.5}
    write_measured(task.rows, {**content, "provenance": origin, "rows": [{"left": 0.5}, {"left": 1}], **changes})


def test_nothing_to_do_starts_no_process(tmp_path):
    task = Task("recovery", "", "quick", 0, tmp_path)
    write_rows(task)
    before = task.rows.read_bytes()
    runner.run([task])
    assert task.rows.read_bytes() == before and not task.stages.exists()


def test_rows_of_another_preset_are_refused(tmp_path):
    task = Task("recovery", "", "quick", 0, tmp_path)
    write_rows(task, preset="smoke")
    with pytest.raises(ValueError, match="measured with preset smoke, not quick"):
        runner.run([task])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ""),
        (b'{"preset": "qui', ""),
        (b"\xff\xfe", ""),
        (b"[]", " (it is a list, not an object)"),
        (b"{}", " (experiment is missing)"),
    ],
)
def test_damaged_rows_are_named(tmp_path, content, said):
    task = Task("recovery", "", "quick", 0, tmp_path)
    task.rows.parent.mkdir(parents=True)
    task.rows.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"seed-0.json is damaged{said}; delete it")):
        runner.run([task])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "(seed is 1)"),
        ({"seconds": "long"}, "(seconds is 'long', not a number)"),
        ({"provenance": {"device": "x"}}, "(provenance.commit is missing)"),
        ({"rows": []}, "(rows is empty)"),
        ({"rows": [5]}, "(rows[0] is 5, not an object)"),
        ({"rows": [{"left": {}}]}, "(rows[0].left is an object, not a text)"),
        ({"rows": [{"left": 1}, {"right": 1}]}, "(rows[1] and rows[0] differ in having 'left')"),
        ({"rows": [{"left": 1}, {"left": 1.8}]}, "(rows[1].left is 1.8, not a number from 0 to 1)"),
        ({"rows": [dict.fromkeys(("none", "left", "middle", "right"), 0.5)]}, "add up to 2, not 1"),
        ({"experiment": "drift"}, "(experiment is 'drift', not recovery)"),
        ({"format": 3}, "has format version 3, this code reads 2; update jumppad"),
    ],
)
def test_rows_that_cannot_be_are_refused(tmp_path, changes, said):
    task = Task("recovery", "", "quick", 0, tmp_path)
    write_rows(task, **changes)
    with pytest.raises(ValueError, match=rf"seed-0\.json .*{re.escape(said)}"):
        runner.run([task])


def test_rows_that_were_changed_are_told_from_older_ones_without_a_checksum(tmp_path):
    task = Task("recovery", "", "quick", 0, tmp_path)
    write_rows(task)
    text = task.rows.read_text()
    task.rows.write_text(text.replace("0.5", "0.6"))
    with pytest.raises(ValueError, match=r"seed-0\.json was changed after it was written"):
        runner.run([task])
    older = {key: value for key, value in json.loads(text).items() if key not in ("format", "sha256")}
    task.rows.write_text(json.dumps(older, indent=1))
    runner.run([task])


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_rows_that_are_no_file_are_refused(make, tmp_path):
    task = Task("recovery", "", "quick", 0, tmp_path)
    task.rows.parent.mkdir(parents=True)
    make(task.rows)
    with pytest.raises(ValueError, match=r"seed-0\.json is not a file"):
        runner.run([task])
