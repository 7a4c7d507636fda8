"""The comparison with other environments: installed ones are measured, missing ones are one line."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "compare_rivals.py"


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_installed_rivals_are_measured_and_failing_ones_are_named():
    done = run("--json", "--rounds", "3", "--seconds", "0.05", "--python", "false")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) == {"machine", "rivals"}
    small, large = result["rivals"]["jumppad_64"], result["rivals"]["jumppad_128"]
    assert small["steps_per_second"] == statistics.median(small["rounds"]) > 0 and len(small["rounds"]) == 3
    ratios = [mine / its for mine, its in zip(large["rounds"], small["rounds"], strict=True)]
    assert small["ratios"]["jumppad_128"] == statistics.median(ratios)
    assert large["ratios"]["jumppad_128"] == 1.0
    for name in ("vizdoom", "miniworld"):
        rival = result["rivals"][name]
        assert rival["missing"] == "its process ended with code 1" and f"pip install {name}" in rival["install"]


@pytest.mark.slow
def test_a_library_that_is_not_installed_is_one_line_of_the_table():
    done = run("--rounds", "1", "--seconds", "0.05")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7 and [line.split(",")[0] for line in lines[2:5]] == ["Jumppad", "Jumppad", "ViZDoom"]
    for line in lines[4:6]:
        assert "missing: ModuleNotFoundError" not in line or "To install it: pip install" in line


@pytest.mark.parametrize(
    "arguments", [("--seconds", "0"), ("--seconds", "nan"), ("--rounds", "0"), ("--python", "/no/such/python")]
)
def test_impossible_arguments_are_one_line(arguments):
    done = run("--rounds", "1", "--seconds", "0.01", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"error: {arguments[0]}") and done.stderr.count("\n") == 1
