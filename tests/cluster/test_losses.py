"""Machines, processes and drivers that are lost cost only what they worked on."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from agents.collect import CollectConfig, collect
from agents.workers import Needs, cluster, open_workers
from agents.workers.blocks import in_order
from jumppad_env.streams import stream
from tests.cluster import jobs

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def run(machines, function, blocks):
    with open_workers(cluster=machines.address) as workers:
        yield from in_order(workers, function, ((number,) for number in range(blocks)))


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_machine_that_is_lost_costs_the_block_it_worked_on(machines, tmp_path):
    found = run(machines, partial(jobs.note, tmp_path, 0.4), 12)
    assert next(found) == 0
    machines.lose(machines.nodes[0])
    assert list(found) == list(range(1, 12))
    begun = [int(path.name.split()[0]) for path in tmp_path.iterdir()]
    again = [number for number in set(begun) if begun.count(number) > 1]
    assert set(begun) == set(range(12)) and len(again) <= 2, "the block that it worked on, and one it had fetched"


def test_a_machine_that_joins_late_takes_its_share(machines):
    found = run(machines, jobs.machine, 40)
    before = [next(found) for _ in range(4)]
    machines.join()
    assert len(set(before)) <= 2 and len(set(found) - set(before)) == 1


def test_a_process_that_dies_costs_its_block(two_machines, tmp_path):
    assert list(run(two_machines, partial(jobs.kill_once, tmp_path), 6)) == list(range(6))


def test_a_function_that_raises_is_named_and_stops_no_other(two_machines):
    with open_workers(cluster=two_machines.address) as workers:
        futures = [workers.submit(jobs.fail, number) for number in range(6)]
        errors = [future.exception() for future in futures]
    assert [number for number, error in enumerate(errors) if error] == [3]
    assert type(errors[3]) is ValueError and str(errors[3]) == "no 3 today"
    assert "in fail" in "".join(errors[3].__notes__), "its traceback on the machine"


def test_results_larger_than_the_store_arrive(two_machines):
    size = 20 * 2**20  # 2 machines of 100 MiB
    for number, found in enumerate(run(two_machines, partial(jobs.large, size), 16)):
        assert len(found) == size and found[0] == found[-1] == number


def test_what_no_machine_has_is_refused(two_machines):
    with open_workers(cluster=two_machines.address) as workers:
        with pytest.raises(ValueError, match=r"no machine of the cluster has 1 CPU, 1 GPU"):
            workers.submit(jobs.fail, 0, needs=Needs(gpus=1))


def test_other_versions_are_refused_by_name(two_machines, monkeypatch):
    asked = {**cluster.versions(), "numpy": "1.0", "the checkout": "0"}
    monkeypatch.setattr(cluster, "versions", lambda: asked)
    with pytest.raises(ValueError, match=r"has numpy .*, not 1.0, the checkout .*, not 0; have the same"):
        list(run(two_machines, jobs.fail, 1))


def test_no_cluster_and_no_ray_are_one_line(monkeypatch):
    with pytest.raises(ConnectionError, match="no Ray cluster answers at 127.0.0.1:1 .*ray start"):
        cluster.Cluster("127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install .*\[baselines,cluster\]"):
        cluster.Cluster("auto")


def test_a_missing_token_is_one_line(two_machines, tmp_path):
    command = [sys.executable, "-m", "agents.collect", str(tmp_path / "out"), "--cluster", two_machines.address]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_TOKEN")}
    environment |= {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "RAY_AUTH_MODE": "token"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "no authentication token was found" in done.stderr and "same ~/.ray/auth_token" in done.stderr


def test_a_driver_killed_twenty_times_ends_in_the_same_bytes(two_machines, tmp_path):
    collect(CollectConfig(episodes=2000, image_size=(16, 16)), tmp_path / "whole")
    command = [sys.executable, "-m", "agents.collect", str(tmp_path / "cut"), "--episodes", "2000"]
    command += ["--image-size", "16", "16", "--cluster", two_machines.address]
    environment, rng = {**os.environ, "PYTHONPATH": str(ROOT)}, stream(0, "kills of a driver")
    for _ in range(20):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            process.wait(float(rng.uniform(0.5, 4.0)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "cut")
