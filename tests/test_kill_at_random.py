"""Killing commands at random: what is wrong with one is found, and nothing is found in one that is right."""

import json
import os
import sys

import pytest

from tools.kill_at_random import Killer, differences, main, processes_of, summarize

STEPS = """
import json, os, subprocess, sys, time
from pathlib import Path

out, fault = Path(sys.argv[1]), sys.argv[2]
out.mkdir(exist_ok=True)
killed = out.parent.name != "reference"
began = out / "begun"
if fault == "refusal" and killed and began.exists():
    sys.exit("error: it is begun already")
resumed = began.exists()
began.touch()
if fault == "orphan" and killed:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
for step in range(4):
    path = out / f"step-{step}.txt"
    if not path.exists():
        time.sleep(0.1)
        path.write_text(f"{step} again" if fault == "bytes" and resumed else str(step))
began.unlink()
(out / "manifest.json").write_text(json.dumps({"steps": 4, "seconds": time.time()}))
"""


@pytest.fixture
def make_killer(tmp_path):
    script = tmp_path / "steps.py"
    script.write_text(STEPS)

    def make(fault="", **options):
        def command(out):
            return [sys.executable, str(script), str(out), fault]

        return Killer(command, tmp_path / "out", seed=0, shortest=0.05, longest=0.3, **options)

    return make


def test_a_command_that_goes_on_where_it_stopped_is_right(make_killer):
    killer = make_killer()
    attempts = list(killer.go_on(4))
    assert killer.kills == 4 and attempts[0].run == -1 and attempts[-1].event == "finished"
    assert all(0.05 <= attempt.after for attempt in attempts if attempt.event == "killed")
    lines, right = summarize(attempts, limit=1e9)
    assert right and lines[0].startswith("4 kills")


def test_other_bytes_are_found(make_killer):
    attempts = list(make_killer("bytes").go_on(4))
    assert any("differs" in name for attempt in attempts for name in attempt.differences)
    lines, right = summarize(attempts, limit=1e9)
    assert not right and any("step-" in line and line.endswith(".txt differs") for line in lines)


def test_a_refusal_is_found_and_the_next_run_begun(make_killer):
    killer, attempts = make_killer("refusal"), []
    for kills in (4, 8, 16, 32):  # a slow machine may spend the first ones on one run
        attempts += killer.go_on(kills)
        if attempts[-1].run >= 1:
            break
    assert {attempt.message for attempt in attempts if attempt.event == "refused"} == {
        "exit code 1: error: it is begun already"
    }
    assert [attempt.event for attempt in attempts].count("given up") >= 1 and max(each.run for each in attempts) >= 1
    assert not summarize(attempts, limit=1e9)[1]


def test_an_orphan_is_found_and_ended(make_killer):
    killer = make_killer("orphan", patience=0.2)
    attempts = list(killer.go_on(2))
    orphans = [name for attempt in attempts for name in attempt.orphans]
    assert orphans and "time.sleep(600)" in orphans[0]
    assert not summarize(attempts, limit=1e9)[1]
    for run in range(-1, 5):
        assert not processes_of(killer.directory(run))


def test_processes_that_live_too_long_are_wrong(make_killer):
    attempts = list(make_killer().go_on(2))
    assert not summarize(attempts, limit=-1.0)[1], "even the shortest life is above that"


def test_the_same_call_goes_on(make_killer):
    moments = list(make_killer().go_on(2))
    again = make_killer()
    assert again.attempts == [type(each)(**json.loads(json.dumps(each.__dict__))) for each in moments]
    more = list(again.go_on(4))
    assert again.kills == 4 and all(attempt.run > moments[-1].run for attempt in more)
    assert not list(make_killer().go_on(4))


def test_a_command_that_fails_undisturbed_is_an_error(make_killer, tmp_path):
    killer = make_killer()
    (tmp_path / "steps.py").write_text("import sys; sys.exit('no such preset')")
    with pytest.raises(ValueError, match="fails undisturbed .*no such preset"):
        list(killer.go_on(1))


def test_a_directory_that_is_worked_on_is_refused(make_killer, monkeypatch):
    killer = make_killer()
    monkeypatch.setattr("tools.kill_at_random.processes_of", lambda directory: [(os.getpid(), "5 python")])
    killer.directory(0).mkdir(parents=True)
    with pytest.raises(ValueError, match="still being worked on, by 5 python"):
        make_killer()


def test_only_times_may_differ(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for run, seconds, commit in ((first, 5.5, "1a6c"), (second, 71.25, "98bf+changes")):
        run.mkdir()
        values = {"metrics": {"loss": 0.5}, "seconds": seconds, "runs": [{"date": str(seconds)}]}
        (run / "manifest.json").write_text(json.dumps(values))
        (run / "timings.jsonl").write_text(json.dumps({"stage": "base", "seconds": seconds}) + "\n")
        (run / "index.html").write_text(f"<td>{seconds} s</td>, commit {commit}")
        (run / "weights.bin").write_bytes(b"weights")
    assert differences(first, second) == []
    (second / "manifest.json").write_text(json.dumps({"metrics": {"loss": 0.25}, "seconds": 1, "runs": [{}]}))
    (second / "timings.jsonl").write_text('{"stage": "reward", "seconds": 1}\n')
    (second / "index.html").write_text("<th>5 s</th>")
    (second / "weights.bin").write_bytes(b"weighty")
    (second / "more.txt").touch()
    (first / "less.txt").touch()
    assert differences(first, second) == [
        "less.txt is missing",
        "more.txt is only there",
        "index.html differs",
        "manifest.json differs",
        "timings.jsonl differs",
        "weights.bin differs",
    ]


def test_only_killed_runs_are_made_on_a_cluster(tmp_path, monkeypatch, capsys):
    asked = []

    class Recording(Killer):
        def go_on(self, kills):
            asked.extend(self.command(self.directory(run)) for run in (-1, 0))
            return iter(())

    monkeypatch.setattr("tools.kill_at_random.Killer", Recording)
    main(["reproduce", "--cluster", "host:6379", "--out", str(tmp_path / "out")])
    reference, killed = asked
    assert "--cluster" not in reference and killed[-2:] == ["--cluster", "host:6379"]
    with pytest.raises(SystemExit):
        main(["pipeline", "--cluster", "host:6379", "--out", str(tmp_path / "out")])
    assert "pipeline has no option --cluster; reproduce has" in capsys.readouterr().err
