"""Each example runs and does what its docstring promises; the slow ones learn."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = {path.name: path for path in sorted((ROOT / "examples").glob("*.py"))}


def run(name: str, *arguments: str) -> str:
    """Runs an example and returns what it prints."""
    for start, package in (("sb3", "stable_baselines3"), ("torchrl", "torchrl")):
        if name.startswith(start) and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = subprocess.run([sys.executable, EXAMPLES[name], *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rates(pattern: str, output: str) -> list[float]:
    """Returns the percentages that the pattern finds, as shares."""
    return [int(found) / 100 for found in re.findall(pattern, output)]


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_takes_steps_and_a_seed_and_names_its_command(name):
    assert {"--steps", "--seed"} <= set(re.findall(r"--[a-z]+", run(name, "--help")))
    assert f"python examples/{name}" in EXAMPLES[name].read_text()


@pytest.mark.slow
def test_wrapped_pixels_are_stacked_and_every_episode_is_recorded(tmp_path):
    output = run("pixels_wrappers.py", "--steps", "70", "--out", str(tmp_path / "videos"))
    assert "observation: uint8 (4, 64, 64)" in output
    [length] = re.findall(r"episode: return 1\.0, (\d+) steps", output)
    assert 50 <= int(length) <= 70
    videos = sorted((tmp_path / "videos").glob("*.mp4"))
    assert [video.name for video in videos] == ["left-episode-0.mp4", "left-episode-1.mp4"]
    assert all(video.stat().st_size > 1000 for video in videos)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["middle", "right"])
def test_wrapped_pixels_in_color_lead_to_the_other_pads_too(tmp_path, target):
    output = run("pixels_wrappers.py", "--color", "--target", target, "--steps", "80", "--out", str(tmp_path))
    assert "observation: uint8 (12, 64, 64)" in output and "return 1.0" in output


@pytest.mark.slow
def test_the_single_file_ppo_learns():
    success = rates(r"success +(\d+)%", run("cleanrl_ppo.py", "--steps", "120000"))
    assert success[0] < 0.05 and success[-1] > 0.3


@pytest.mark.slow
def test_the_single_file_ppo_updates():
    assert "success   0%" in run("cleanrl_ppo.py", "--steps", "6000")


@pytest.mark.slow
def test_stable_baselines_learns():
    output = run("sb3_ppo.py", "--steps", "40000", "--episodes", "30")
    [random], [trained] = rates(r"random: (\d+)%", output), rates(r"trained: (\d+)%", output)
    assert random == 0 and trained > 0.8


@pytest.mark.slow
def test_stable_baselines_learns_on_the_native_vector_environment():
    success = re.findall(r"success_rate +\| (\S+)", run("sb3_native.py", "--steps", "70000"))
    assert float(success[0]) < 0.1 and float(success[-1]) > 0.7


@pytest.mark.slow
def test_torchrl_collects_episodes():
    output = run("torchrl_collector.py", "--steps", "8192")
    assert "replay buffer: 8,192 steps; a sample: observations (256, 24)" in output
    [episodes] = re.findall(r"\d+ of (\d+) episodes reached a pad", output)
    assert int(episodes) >= 64, "32 rows of 256 steps, of at most 100 an episode"


@pytest.mark.parametrize(
    ("words", "told"), [((), "error: give a command"), (("true",), "error: there is no ray in .venv")]
)
def test_the_batch_script_names_what_is_missing(tmp_path, words, told):
    environment = {"PATH": "/usr/bin:/bin"}  # without the packages of this one
    command = ["bash", str(ROOT / "examples" / "slurm.sh"), *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 2 and done.stderr.startswith(told) and done.stderr.count("\n") == 1


def test_machines_to_rent_fit_rays_schema():
    util = pytest.importorskip("ray.autoscaler._private.util", reason="needs the extra `cluster`")
    yaml = pytest.importorskip("yaml")
    config = util.prepare_config(yaml.safe_load((ROOT / "examples/ray-aws.yaml").read_text()))
    util.validate_config(config)
    for command in (*config["setup_commands"], *config["worker_start_ray_commands"]):
        assert command.startswith(("sudo ", "cd jumppad"))
    config["max_wrokers"] = 3
    with pytest.raises(Exception, match="max_wrokers"):
        util.validate_config(config)
