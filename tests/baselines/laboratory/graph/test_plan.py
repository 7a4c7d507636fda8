"""What `python -m baselines.reproduce --plan` prints."""

from baselines.laboratory.graph import plan
from baselines.laboratory.graph.task import Task
from baselines.laboratory.rows import write_measured
from baselines.reproduce.__main__ import main

WORDS = ["reproduce", "outcomes", "drift", "--preset", "smoke", "--seeds", "2", "--plan"]


def planned(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", [*WORDS, *map(str, words)])
    main()
    return capsys.readouterr().out


def test_a_plan_says_what_is_missing_and_makes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plan, "count_cores", lambda: 3)
    said = planned(monkeypatch, capsys, "--device", "cpu", "--out", tmp_path / "out")
    assert not list(tmp_path.iterdir())
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line}
    assert lines["stage"] == ["stage", "nodes", "to", "make", "CPUs", "GPUs", "memory", "hours"]
    assert lines["evaluate"][1:5] == ["12", "12", "1", "0"] and lines["collect"][1:3] == ["4", "4"]
    assert "drift     20 of 20 artifacts missing (seeds 0, 1)" in said
    assert "44 of 44 nodes are to be made" in said and "seed-0/base > seed-0/finetuned > seed-0/rollouts >" in said
    assert [word.rstrip(":") for word in said.splitlines()[-1].split() if word[-1] == ":"][1:] == list("1238") + ["64"]


def test_a_plan_leaves_out_what_is_there_or_published(tmp_path, monkeypatch, capsys):
    task = Task("drift", "baselines.reproduce.alignment.drift", "smoke", 1, tmp_path / "out")
    content = {"experiment": "drift", "preset": "smoke", "seed": 1, "seconds": 1.0, "rows": [{"kl": 0.5}]}
    write_measured(task.rows, {**content, "provenance": {"commit": "0123", "device": "a processor"}})
    before = sorted(tmp_path.rglob("*"))
    said = planned(monkeypatch, capsys, "--out", tmp_path / "out")
    assert "drift     20 of 20 artifacts missing (seed 0); measured (seed 1)" in said
    assert sorted(tmp_path.rglob("*")) == before
