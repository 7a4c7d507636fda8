"""The whole story at the smoke preset: every stage improves its own number, and stopping loses nothing."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from baselines import artifact
from baselines.align import align
from baselines.pipeline import run_pipeline
from baselines.presets import PRESETS
from baselines.pretrain import pretrain
from baselines.reward import reward
from baselines.stages import Stages
from baselines.training.loop import read_metrics
from baselines.verify.verify import verify

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SMOKE = dataclasses.replace(PRESETS["smoke"], video_episodes=2)


def early_and_late(directory, key, part=5):
    values = [line[key] for line in read_metrics(directory)]
    count = max(1, len(values) // part)
    return np.mean(values[:count]), np.mean(values[-count:])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "smoke"
    results = run_pipeline(Stages("smoke", SMOKE, out, seed=0), ["left"])
    return out, results


def test_a_finished_stage_of_another_configuration_is_refused(finished):
    out, _ = finished
    stages = Stages("smoke", SMOKE, out, seed=0)
    assert stages.aligned("left") == out / "left/aligned"
    other = dataclasses.replace(SMOKE.aligned, kl_coefficient=0.5)
    with pytest.raises(ValueError, match="kl_coefficient"):
        stages.aligned("left", config=other)
    with pytest.raises(ValueError, match="agent"):
        stages.aligned("left", agent=stages.base())


def test_every_stage_improves_its_own_number(finished):
    out, results = finished
    outcomes = results["outcomes"]
    for stage in ("base", "finetuned"):
        early, late = early_and_late(out / stage, "loss")
        assert late < 0.8 * early, stage
    assert outcomes["finetuned"]["none"] < outcomes["base"]["none"] - 0.1, "fine-tuning makes it reach pads"
    early, late = early_and_late(out / "left/reward_model", "loss")
    assert late < 0.5 * early and results["reward_model"]["left"]["accuracy"] > 0.9
    ranked = artifact.load_manifest(out / "left/preference_finetuned", "policy")["metrics"]
    assert ranked["lowest_score"] > ranked["mean_score"], "the best rollouts score above the mean"
    preferred, aligned = (outcomes[stage]["left"]["left"] for stage in ("preference_finetuned", "aligned"))
    assert preferred > outcomes["finetuned"]["left"] + 0.05
    assert aligned > outcomes["finetuned"]["left"] + 0.3
    early, late = early_and_late(out / "left/aligned", "reward")
    assert late > early


def test_the_run_directory_is_the_contract(finished):
    out, results = finished
    stages = ["demonstrations", "curated", "base", "finetuned", "rollouts"]
    stages += [f"left/{name}" for name in ("preferences", "reward_model", "preference_finetuned", "aligned")]
    assert all(artifact.is_finished(out / stage) for stage in stages)
    written = json.loads((out / "results.json").read_text())
    assert written["preset"] == "smoke" and written["targets"] == ["left"] and written["seed"] == 0
    for outcome in (written["outcomes"]["base"], written["outcomes"]["aligned"]["left"]):
        assert sum(outcome[name] for name in ("none", "left", "middle", "right")) == pytest.approx(1.0)
        assert set(outcome["ci95"]) == {"none", "left", "middle", "right"}
    assert written["reward_model"]["left"]["comparisons"] == SMOKE.preferences.comparisons
    assert written["seconds"]["total"] >= sum(v for k, v in written["seconds"].items() if k != "total") * 0.99
    assert (out / "report" / "index.html").stat().st_size > 50_000
    assert (out / "videos" / "left_aligned.mp4").stat().st_size > 5_000


def test_a_finished_run_is_not_done_again(finished):
    out, _ = finished
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    for workers in (1, 2):
        assert run_pipeline(Stages("smoke", SMOKE, out, seed=0), ["left"], workers)["outcomes"]
        assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}, "nothing is written"


def test_a_finished_run_is_what_was_written(finished):
    out, _ = finished
    assert verify(out).faults == []
    film = out / "videos" / "left_aligned.mp4"
    whole = film.read_bytes()
    film.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    assert [str(film) in fault for fault in verify(out).faults] == [True]
    film.write_bytes(whole)
    page = out / "report" / "index.html"
    text = page.read_text()
    page.write_text(text.replace("smoke", "smoky", 1))
    assert [str(page) in fault for fault in verify(out).faults] == [True]
    page.write_text(text)


def test_stages_side_by_side_make_the_same(finished, tmp_path):
    out, results = finished
    early = ["run.json", "demonstrations", "curated", "base", "finetuned", "rollouts", "evaluations/demonstrations"]
    for name in early:
        (shutil.copytree if (out / name).is_dir() else shutil.copy)(out / name, tmp_path / name)
    again = run_pipeline(Stages("smoke", SMOKE, tmp_path, seed=0), ["left"], workers=2)
    assert again["outcomes"] == results["outcomes"]
    for path in [*out.rglob("*.safetensors"), *out.rglob("*.npy")]:
        assert path.read_bytes() == (tmp_path / path.relative_to(out)).read_bytes(), path.name


def test_another_seed_or_preset_is_refused(finished):
    out, _ = finished
    with pytest.raises(ValueError, match="another seed"):
        Stages("smoke", SMOKE, out, seed=1)
    with pytest.raises(ValueError, match="another"):
        Stages("quick", PRESETS["quick"], out, seed=0)
    with pytest.raises(ValueError, match="learning_rate"):
        changed = dataclasses.replace(SMOKE.base.optimizer, learning_rate=1.0)
        pretrain(dataclasses.replace(SMOKE.base, optimizer=changed), out / "demonstrations", out / "base", 0)


def test_a_strange_directory_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("my only copy")
    with pytest.raises(ValueError, match="not a run"):
        Stages("smoke", SMOKE, tmp_path, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_random_reward_model_and_a_head_only_alignment_can_be_asked_for(finished, tmp_path):
    out, _ = finished
    optimizer = dataclasses.replace(SMOKE.reward_model.optimizer, updates=2)
    config = dataclasses.replace(SMOKE.reward_model, initial="random", optimizer=optimizer)
    reward(config, out / "finetuned", out / "rollouts", out / "left/preferences", tmp_path / "judge", 0)
    start, judge = load_file(out / "finetuned/model.safetensors"), load_file(tmp_path / "judge/model.safetensors")
    assert not np.allclose(start["trunk.encoder.project.weight"], judge["trunk.encoder.project.weight"], atol=1e-2)

    optimizer = dataclasses.replace(SMOKE.aligned.optimizer, updates=2)
    config = dataclasses.replace(SMOKE.aligned, trained="head", optimizer=optimizer, episodes=8)
    align(config, out / "finetuned", out / "left/reward_model", tmp_path / "aligned", 0)
    aligned = load_file(tmp_path / "aligned/model.safetensors")
    changed = {name for name in start if not np.array_equal(start[name], aligned[name])}
    assert changed == {"head.weight", "head.bias"}


ALIGN = """
import dataclasses, sys
from pathlib import Path
from baselines.training import loop
loop.train.__kwdefaults__["checkpoint_seconds"] = 0.0
from baselines.align import align
from baselines.presets import PRESETS
config = PRESETS["smoke"].aligned
config = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, updates=8), episodes=8)
run = Path(sys.argv[1])
align(config, run / "left/preference_finetuned", run / "left/reward_model", Path(sys.argv[2]), 0)
"""


def test_a_stage_killed_half_way_and_run_again_ends_in_the_same_weights(finished, tmp_path):
    out, _ = finished
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(directory):
        return subprocess.Popen([sys.executable, "-c", ALIGN, str(out), str(directory)], env=environment, cwd=ROOT)

    assert start(tmp_path / "whole").wait() == 0
    killed, metrics = start(tmp_path / "killed"), tmp_path / "killed" / "metrics.jsonl"
    while not metrics.is_file() or len(metrics.read_text().splitlines()) < 3:
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not artifact.is_finished(tmp_path / "killed")
    assert start(tmp_path / "killed").wait() == 0
    whole, again = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert all(np.array_equal(whole[name], again[name]) for name in whole)
    assert len(read_metrics(tmp_path / "killed")) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "baselines.pipeline", "smoke", "--out", "{run}", "--seed", "7"], "another seed"),
        (["-m", "baselines.evaluate", "{tmp}/nothing"], "neither a directory nor a scripted population"),
        (["-m", "baselines.evaluate", "{run}/left/reward_model"], "holds 'reward_model', expected 'policy'"),
        (["-m", "baselines.pretrain", "--demonstrations", "{tmp}/nothing", "--out", "{tmp}/x"], "demonstrations"),
        (["-m", "baselines.rollouts", "--agent", "{tmp}/truncated", "--out", "{tmp}/y"], "damaged"),
        (["-m", "baselines.record", "martian", "--out", "{tmp}/z"], "martian"),
    ],
)
def test_bad_input_ends_in_one_line_and_exit_code_2(finished, tmp_path, arguments, message):
    out, _ = finished
    truncated = tmp_path / "truncated"
    shutil.copytree(out / "base", truncated)
    weights = truncated / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    command = [sys.executable, *(a.format(run=out, tmp=tmp_path) for a in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "COLUMNS": "300"})
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
