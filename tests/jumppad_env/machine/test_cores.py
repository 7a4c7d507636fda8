"""Cores are counted by affinity and by the quotas of cgroups, of both versions."""

import importlib
import os
from pathlib import Path

import pytest

from jumppad_env.machine import cores

ROOT = Path(__file__).parents[3]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 64 cores; the returned function writes its files."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    monkeypatch.setattr(cores, "PROC", tmp_path / "proc")
    monkeypatch.setattr(cores, "CGROUPS", tmp_path / "cgroup")

    def write(place: str, text: str) -> None:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def test_without_cgroups_the_affinity_counts(machine):
    assert cores.count_cores() == 64 and not cores.has_quota()


@pytest.mark.parametrize(
    ("quota", "count"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("max 100000", 64),
        ("9900000 100000", 64),
        ("", 64),
    ],
)
def test_a_quota_of_version_2(quota, count, machine):
    machine("proc/cgroup", "0::/\n")
    machine("cgroup/cpu.max", quota)
    assert cores.count_cores() == count and cores.has_quota() == (count < 64)


def test_the_smallest_quota_of_all_groups_above_counts(machine):
    machine("proc/cgroup", "0::/slice/job/step\n")
    machine("cgroup/slice/cpu.max", "800000 100000\n")
    machine("cgroup/slice/job/cpu.max", "300000 100000\n")
    machine("cgroup/slice/job/step/cpu.max", "max 100000\n")
    assert cores.count_cores() == 3


@pytest.mark.parametrize("folder", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize("path", ["/docker/abc", "/"])
def test_a_quota_of_version_1(folder, path, machine):
    machine("proc/cgroup", f"12:memory:/other\n4:cpu,cpuacct:{path}\n1:name=systemd:/init\n")
    machine(f"cgroup/{folder}/cpu.cfs_quota_us", "400000\n")  # in a container its own group is the root
    machine(f"cgroup/{folder}/cpu.cfs_period_us", "100000\n")
    assert cores.count_cores() == 4
    machine(f"cgroup/{folder}/cpu.cfs_quota_us", "-1\n")
    assert cores.count_cores() == 64


def test_cores_are_counted_in_one_place():
    files = [path for folder in ("jumppad_env", "agents", "baselines") for path in (ROOT / folder).rglob("*.py")]
    assert {path.name for path in files if "cpu_count" in path.read_text()} == {"cores.py"}


def test_torch_gets_no_more_threads_than_the_quota_allows(machine, monkeypatch):
    import baselines

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    importlib.reload(baselines)
    assert "OMP_NUM_THREADS" not in os.environ
    machine("proc/cgroup", "0::/\n")
    machine("cgroup/cpu.max", "200000 100000")
    importlib.reload(baselines)
    assert os.environ["OMP_NUM_THREADS"] == "2"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the user's own
    importlib.reload(baselines)
    assert os.environ["OMP_NUM_THREADS"] == "1"
