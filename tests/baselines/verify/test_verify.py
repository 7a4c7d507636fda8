"""Verification: a run is what was written, its parts belong together, and what differs is named."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from baselines.artifact import read_manifest
from baselines.pretrain import pretrain
from baselines.verify.verify import print_verification, verify
from jumppad_env.files import seal
from tools.fuzzing.miniature import PRESET, make_miniature, stages_of


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = tmp_path_factory.mktemp("verify") / "run"
    make_miniature(run)
    shutil.rmtree(run / "unfinished")
    return run


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


@pytest.mark.parametrize("replay", [False, True])
def test_a_whole_run_is_right(run, replay, capsys):
    found = verify(run, replay)
    page = [fault for fault in found.faults if "index.html" in fault]
    assert found.faults == page, "the miniature has no page"
    assert print_verification(run / "base") == 0 and "1 artifacts" in capsys.readouterr().out


def only_fault(run, replay=False):
    """Returns the one fault beside the page, which the miniature lacks."""
    (fault,) = [fault for fault in verify(run, replay).faults if "index.html" not in fault]
    assert "\n" not in fault
    return fault


@pytest.mark.parametrize(
    "name",
    ["base/model.safetensors", "left/preferences/comparisons.npz", "evaluations/base/paths.npz", "base/metrics.jsonl"],
)
def test_a_flipped_bit_is_named_once(run, name):
    data = bytearray((run / name).read_bytes())
    data[len(data) // 2] ^= 1
    (run / name).write_bytes(data)
    assert str(run / name) in only_fault(run)


def test_a_missing_file_is_named(run):
    (run / "base" / "config.json").unlink()
    assert f"{run / 'base' / 'config.json'} is missing" in only_fault(run)


def test_frames_are_checked_without_a_replay(run):
    path = run / "rollouts" / "frames.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "rollouts: frames.npy: its checksum differs" in only_fault(run)


def test_forged_play_is_found_by_a_replay(run):
    for name in ("demonstrations", "curated"):
        directory = run / name
        actions = np.load(directory / "actions.npy")
        actions[3] = np.where(actions[3] > 0, 0, 1)
        np.save(directory / "actions.npy", actions)
        manifest = read_manifest(directory)
        manifest["files"]["actions.npy"] = hashlib.sha256((directory / "actions.npy").read_bytes()).hexdigest()
        (directory / "manifest.json").write_text(seal(manifest))
    assert any("states.npy: episode 0" in fault for fault in verify(run, True).faults)
    assert not any("states.npy" in fault for fault in verify(run).faults)


def test_a_stage_that_was_lost_and_made_again_fits_its_successors(run):
    shutil.rmtree(run / "base")
    stages = stages_of(run)
    stages.aligned("left")  # makes the base anew and compares all others
    assert not [fault for fault in verify(run).faults if "base" in fault]


def test_a_stage_that_was_made_in_another_way_is_named(run):
    shutil.rmtree(run / "base")
    pretrain(PRESET.base, run / "demonstrations", run / "base", seed=5)
    faults = verify(run).faults
    assert any("finetuned was made from another base than the run holds" in fault for fault in faults)


def test_an_unfinished_stage_is_named(run):
    (run / "base" / "manifest.json").rename(run / "base" / "begun.json")
    assert any(f"{run / 'base'} is unfinished" in fault for fault in verify(run).faults)


@pytest.mark.parametrize("name", ["run.json", "results.json", "base/manifest.json", "rollouts/manifest.json"])
def test_changed_json_is_named(run, name):
    text = (run / name).read_text()
    (run / name).write_text(text.replace('"seed": 0', '"seed": 1', 1))
    assert any(str(run / name) in fault and "was changed after" in fault for fault in verify(run).faults)


def test_results_of_an_earlier_version_have_no_checksum(run):
    results = json.loads((run / "results.json").read_text())
    del results["format"], results["sha256"]
    (run / "results.json").write_text(json.dumps(results, indent=2))
    assert f"{run / 'results.json'} has no checksum" in only_fault(run)


def test_times_that_were_changed_are_named(run):
    text = (run / "timings.jsonl").read_text()
    (run / "timings.jsonl").write_text(text.replace("1.5", "1.6", 1))
    assert str(run / "timings.jsonl") in only_fault(run)


@pytest.mark.parametrize("name", ["../../outside", "/etc/hostname"])
def test_a_manifest_reaches_nothing_outside_of_its_directory(run, name):
    manifest = json.loads((run / "base" / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (run / "base" / "manifest.json").write_text(seal(manifest))
    assert any("names a file outside of its directory" in fault for fault in verify(run).faults)


def test_there_must_be_something_to_verify(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run, artifact or dataset"):
        verify(tmp_path)
