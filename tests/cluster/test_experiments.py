"""Experiments on a cluster: the rows and artifacts of one process, with a shared folder or not, whatever is lost."""

import threading
import time

import pytest

from baselines.laboratory import runner
from baselines.laboratory.graph import sending
from baselines.laboratory.graph.task import Task
from jumppad_env.files import is_finished
from tests.cluster import small_experiment
from tools.kill_at_random import differences

pytestmark = pytest.mark.slow


def tasks(out, seeds=1):
    return [Task("small", small_experiment.__name__, "smoke", seed, out) for seed in range(seeds)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process makes."""
    out = tmp_path_factory.mktemp("alone") / "run"
    runner.run(tasks(out), workers=1)
    return out


def test_rows_and_artifacts_are_those_of_one_process(two_machines, alone, tmp_path):
    runner.run(tasks(tmp_path / "processes" / "run"), workers=2)
    runner.run(tasks(tmp_path / "cluster" / "run"), cluster=two_machines.address)
    assert differences(alone, tmp_path / "processes" / "run") == []
    assert differences(alone, tmp_path / "cluster" / "run") == []
    assert len(list((alone / "seed-0").glob("base_*"))) == 3 and tasks(alone)[0].rows.is_file()


def test_without_a_shared_folder_artifacts_are_sent_and_fetched(two_machines, alone, tmp_path, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.setattr(sending, "TOKEN", "written-elsewhere")  # the machines look for another file
    fetched = []
    unpack = sending.Packed.unpack
    monkeypatch.setattr(sending.Packed, "unpack", lambda packed, place: fetched.append(place) or unpack(packed, place))
    runner.run(tasks(out), cluster=two_machines.address)
    assert differences(alone, out) == []
    assert len(fetched) == 7 and all(place.is_relative_to(out) for place in fetched)


@pytest.mark.parametrize("shared", [True, False])
def test_a_machine_that_is_lost_costs_its_node(machines, alone, tmp_path, shared, monkeypatch):
    if not shared:
        monkeypatch.setattr(sending, "TOKEN", "written-elsewhere")
    out = tmp_path / "run"

    def lose():
        while not is_finished(out / "seed-0" / "people"):
            time.sleep(0.05)
        machines.lose(machines.nodes[0])

    thread = threading.Thread(target=lose)
    thread.start()
    runner.run(tasks(out), cluster=machines.address)
    thread.join()
    assert differences(alone, out) == []


def test_a_node_that_raises_is_named_and_others_go_on(two_machines, tmp_path):
    good, bad = tasks(tmp_path / "run", 2)
    bad = Task(bad.experiment, "tests.cluster.failing_experiment", bad.preset, bad.seed, bad.out)
    with pytest.raises(ChildProcessError, match=r"1 of 2 did not finish \(small, seed 1: .*no rows today"):
        runner.run([good, bad], cluster=two_machines.address)
    assert good.rows.is_file()
    assert "in measure" in bad.rows.with_suffix(".error").read_text(), "the traceback on its machine"
