import json
import subprocess
import sys

import pytest

from jumppad_env.bench.overview import SLOW, verdict


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "jumppad_env.bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_json_has_the_keys_of_the_contract_and_nothing_else_is_on_stdout():
    result = run("--json", "--seconds", "0.3", "--seed", "5")
    assert result.returncode == 0, result.stderr
    measured = json.loads(result.stdout)
    assert list(measured) == ["steps_per_second", "plain_mujoco_128", "gl_renderer"]
    rates = measured["steps_per_second"]
    assert list(rates) == [
        *("state", "single_64", "single_128"),
        *("vector_state", "vector_64", "vector_64_high", "vector_64_one_thread", "vector_128"),
    ]
    assert all(rate > 0 for rate in rates.values())
    if "needs a GL library" in result.stderr:
        assert measured["plain_mujoco_128"] is None and measured["gl_renderer"] is None
    else:
        assert measured["plain_mujoco_128"] > 0 and isinstance(measured["gl_renderer"], str)
    assert "round 1" in result.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_impossible_times_are_one_line(seconds):
    result = run("--seconds", seconds)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("error: --seconds") and result.stderr.count("\n") == 1


def test_the_verdict_names_the_remedy(monkeypatch):
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    assert verdict(SLOW) == "the speed is as expected"
    assert "busy" in verdict(SLOW - 1)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert "unset it" in verdict(10 * SLOW)
