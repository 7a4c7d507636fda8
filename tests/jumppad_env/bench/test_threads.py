import json
import subprocess
import sys

import pytest

from jumppad_env.bench.threads import OBSERVATIONS, count_rows, summary, table
from jumppad_env.machine.cores import count_cores

RATES = {  # three rounds, the second on a machine half as fast
    (1, "pixels_64"): [100.0, 50.0, 110.0],
    (1, "state"): [400.0, 200.0, 400.0],
    (2, "pixels_64"): [180.0, 100.0, 220.0],
    (2, "state"): [600.0, 300.0, 600.0],
    (4, "pixels_64"): [200.0, 100.0, 220.0],
    (4, "state"): [800.0, 400.0, 800.0],
}


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "jumppad_env.bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_a_speed_up_is_the_median_of_the_ratios_of_each_round():
    result = summary(RATES, rows=128, cores=2, frame_skip=5)
    points = {point["threads"]: point for point in result["curve"]}
    assert points[1]["speed_up"] == {"pixels_64": 1.0, "state": 1.0}
    assert points[2]["decisions_per_second"] == {"pixels_64": 180.0, "state": 600.0}
    assert points[2]["speed_up"] == {"pixels_64": 2.0, "state": 1.5}, "not 1.8, the ratio of the medians"
    assert points[2]["physics_frames_per_second"] == {"pixels_64": 900.0, "state": 3000.0}


def test_only_more_threads_than_cores_are_marked():
    result = summary(RATES, rows=128, cores=2, frame_skip=5)
    assert [point["more_than_cores"] for point in result["curve"]] == [False, False, True]
    lines = table(result).splitlines()
    assert [line.startswith("4 *") for line in lines].count(True) == 1
    assert [" * " in line for line in lines[2:5]] == [False, False, True]
    assert lines[-1] == "* more threads than the 2 cores of this machine"
    assert "*" not in table(summary(RATES, rows=128, cores=4, frame_skip=5))


def test_every_thread_has_environments():
    assert count_rows([1]) == count_rows([2, 1]) == 64
    assert count_rows([1, 8, 2]) == 256 and count_rows([512]) == 512 * 32


@pytest.mark.slow
def test_one_thread_is_always_measured_and_frames_count_the_physics_of_a_decision():
    more = count_cores() + 1
    done = run("--threads", str(more), "--json", "--seconds", "0.1")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert list(result) == ["environments", "cores", "frame_skip", "curve"]
    assert result["environments"] == count_rows([more]) and result["cores"] == count_cores()
    assert result["frame_skip"] == 5, "0.1 s in steps of 20 ms"
    assert [(point["threads"], point["more_than_cores"]) for point in result["curve"]] == [(1, False), (more, True)]
    for point in result["curve"]:
        for name in OBSERVATIONS:
            decisions, frames = point["decisions_per_second"][name], point["physics_frames_per_second"][name]
            assert decisions > 0 and frames == pytest.approx(5 * decisions, abs=0.1)


def test_threads_below_one_are_one_line():
    done = run("--threads", "2", "0")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "error: --threads 0 must be at least 1\n"
