import dataclasses
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import artifact
from jumppad_env.files import PARTIAL, content_digest, seal


@dataclasses.dataclass(frozen=True)
class Optimizer:
    learning_rate: float = 0.0003
    betas: tuple[float, float] = (0.9, 0.95)


@dataclasses.dataclass(frozen=True)
class Config:
    optimizer: Optimizer = Optimizer()
    token: int = -1
    source: Path = Path("somewhere")


def begin(directory, config=None, kind="reward_model", seed=0, inputs=None):
    return artifact.begin(directory, kind=kind, config=config or Config(), seed=seed, inputs=inputs)


def make(directory, content="weights", **options):
    with begin(directory, **options) as work:
        assert not work.finished
        (directory / "model").write_text(content)
        (directory / "training_state").mkdir(exist_ok=True)
        (directory / "training_state" / "state").write_text("moments")
        work.metrics["accuracy"] = 0.99


def reseal(path, content):
    path.write_text(seal({key: value for key, value in content.items() if key != "sha256"}))


def snapshot(directory):
    return {path: path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_an_artifact_of_other_rules_is_warned_of_and_not_gone_on_with(tmp_path):
    make(tmp_path / "finished")
    with pytest.raises(KeyboardInterrupt), begin(tmp_path / "begun"):
        raise KeyboardInterrupt
    for path in (tmp_path / "finished/manifest.json", tmp_path / "begun/begun.json"):
        reseal(path, {**json.loads(path.read_text()), "rules": "0123456789"})
    with pytest.warns(UserWarning, match="finished was made by other rules .*digest 01234567 there"):
        artifact.load_manifest(tmp_path / "finished", "reward_model")
    for name in ("finished", "begun"):
        with pytest.raises(ValueError, match="rules 0123456789 there, .* requested"), begin(tmp_path / name):
            pass


@pytest.mark.filterwarnings("error")
def test_an_artifact_that_does_not_tell_its_rules_is_used_as_before(tmp_path):
    make(tmp_path)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    assert len(manifest.pop("rules")) == 64
    reseal(path, manifest)
    artifact.load_manifest(tmp_path, "reward_model")
    with begin(tmp_path) as work:
        assert work.finished


def test_a_finished_artifact_says_what_it_is(tmp_path):
    make(tmp_path / "rollouts", kind="rollouts", content="other")
    directory = tmp_path / "reward"
    make(directory, inputs={"rollouts": tmp_path / "rollouts"}, seed=3)
    assert {path.name for path in directory.iterdir()} == {"manifest.json", "model"}  # no training_state, no begun.json
    manifest = artifact.load_manifest(directory, "reward_model")
    digest = content_digest(json.loads((tmp_path / "rollouts" / "manifest.json").read_text()))
    assert manifest["inputs"] == {"rollouts": digest}
    assert manifest["files"] == {"model": hashlib.sha256(b"weights").hexdigest()}
    optimizer = {"learning_rate": 0.0003, "betas": [0.9, 0.95]}
    assert manifest["config"] == {"optimizer": optimizer, "token": -1, "source": "somewhere"}
    assert (manifest["kind"], manifest["format"], manifest["seed"]) == ("reward_model", artifact.FORMAT, 3)
    assert manifest["metrics"] == {"accuracy": 0.99}
    assert manifest["seconds"] >= 0
    assert manifest["versions"].keys() == {"python", "numpy", "numba", "torch", "mujoco", "jumppad_env"}
    assert manifest["versions"]["python"] == sys.version.split()[0]


def test_begun_again_it_is_found_finished_and_untouched(tmp_path):
    make(tmp_path)
    before = snapshot(tmp_path)
    with begin(tmp_path) as work:
        assert work.finished
        assert work.metrics == {"accuracy": 0.99}
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_artifact_is_unfinished_and_goes_on(tmp_path, error):
    with pytest.raises(error), begin(tmp_path):
        (tmp_path / "half").write_text("half")
        raise error
    assert not artifact.is_finished(tmp_path)
    with pytest.raises(FileNotFoundError, match="is unfinished .no manifest.json"):
        artifact.load_manifest(tmp_path, "reward_model")
    with begin(tmp_path) as work:
        assert not work.finished
        assert (tmp_path / "half").read_text() == "half"
    assert artifact.is_finished(tmp_path)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"config": Config(Optimizer(learning_rate=0.001))},
            "holds another configuration: optimizer.learning_rate 0.0003 there, 0.001 requested; choose another --out",
        ),
        ({"config": Config(source=Path("elsewhere"))}, "source somewhere there, elsewhere requested"),
        ({"seed": 4}, "seed 0 there, 4 requested"),
        ({"kind": "policy"}, "holds 'reward_model', not 'policy'"),
        ({"inputs": {}}, "inputs.rollouts [0-9a-f]{64} there, missing requested"),
    ],
)
def test_another_configuration_is_refused_and_nothing_changes(tmp_path, finished, changes, message):
    make(tmp_path / "rollouts", kind="rollouts")
    directory = tmp_path / "reward"
    options: dict[str, Any] = {"inputs": {"rollouts": tmp_path / "rollouts"}}
    if finished:
        make(directory, **options)
    else:
        with pytest.raises(RuntimeError), begin(directory, **options):
            (directory / "model").write_text("half")
            raise RuntimeError
    before = snapshot(tmp_path)
    with pytest.raises(ValueError, match=message) as caught, begin(directory, **{**options, **changes}):
        pass
    assert "\n" not in str(caught.value)
    assert snapshot(tmp_path) == before


def test_an_input_that_was_made_anew_is_another_input(tmp_path):
    make(tmp_path / "a", kind="rollouts", content="first")
    make(tmp_path / "b", kind="rollouts", content="second")
    make(tmp_path / "reward", inputs={"rollouts": tmp_path / "a"})
    options: dict[str, Any] = {"inputs": {"rollouts": tmp_path / "b"}}
    with pytest.raises(ValueError, match="inputs.rollouts"), begin(tmp_path / "reward", **options):
        pass


def test_an_unfinished_input_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(FileNotFoundError, match="rollouts .*missing or unfinished"):
        make(tmp_path / "reward", inputs={"rollouts": tmp_path / "nowhere"})
    assert not (tmp_path / "reward").exists()


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="is no unfinished artifact"):
        make(tmp_path)
    assert snapshot(tmp_path) == {tmp_path / "thesis.tex": b"years of work"}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ('{"kind": "reward_model", "for', "manifest.json is damaged"),
        ("[]", "manifest.json is damaged"),
        ('{"kind": "policy", "format": 1}', "holds 'policy', expected 'reward_model'"),
        ('{"kind": "reward_model", "format": 3}', "format version 3, this code reads 2: it is newer, update"),
        ('{"kind": "reward_model", "format": 0}', "format version 0, this code reads 2: it is older"),
    ],
)
def test_manifests_that_cannot_be_used_are_named(tmp_path, manifest, message):
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ValueError, match=message) as caught:
        artifact.load_manifest(tmp_path, "reward_model")
    assert str(tmp_path) in str(caught.value)


def test_no_artifact_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no artifact"):
        artifact.load_manifest(tmp_path / "nowhere", "reward_model")


def test_seconds_add_up_over_interruptions(tmp_path):
    start = time.monotonic()
    for _ in range(2):
        with pytest.raises(RuntimeError), begin(tmp_path):
            time.sleep(0.2)
            raise RuntimeError
        time.sleep(0.3)  # nobody works: not counted
    make(tmp_path)
    elapsed = time.monotonic() - start
    assert 0.4 <= artifact.load_manifest(tmp_path, "reward_model")["seconds"] <= elapsed - 0.6 + 0.001


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_leaves_an_unfinished_artifact_with_its_seconds(tmp_path):
    program = "\n".join(
        [
            "import sys, time; from pathlib import Path; from tests.baselines.test_artifact import begin",
            "with begin(Path(sys.argv[1])) as work:",
            "    time.sleep(0.5); (work.directory / 'half').write_text('half')",
            "    print('written', flush=True); time.sleep(60)",
        ]
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    start = time.monotonic()
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        os.kill(process.pid, signal.SIGKILL)
    assert not artifact.is_finished(tmp_path)
    make(tmp_path)
    elapsed = time.monotonic() - start
    assert 0.4 <= artifact.load_manifest(tmp_path, "reward_model")["seconds"] <= elapsed  # clocks of files are coarse


def test_leftovers_of_a_kill_after_the_manifest_go_away(tmp_path):
    make(tmp_path)
    (tmp_path / "begun.json").write_text("{}")
    (tmp_path / "training_state").mkdir()
    (tmp_path / f"model{PARTIAL}").write_text("half")
    with begin(tmp_path) as work:
        assert work.finished
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", "model"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_explained_and_harms_nothing_finished(tmp_path):
    make(tmp_path / "finished")
    before = snapshot(tmp_path / "finished")
    with (
        pytest.raises(OSError, match="free some space and run the same command") as caught,
        begin(tmp_path / "new"),
    ):
        Path("/dev/full").write_text("weights")
    assert caught.value.errno == errno.ENOSPC
    assert str(tmp_path / "new") in str(caught.value)
    assert not artifact.is_finished(tmp_path / "new")
    assert snapshot(tmp_path / "finished") == before
    make(tmp_path / "new")


def test_the_record_of_what_was_begun_is_there_from_the_start(tmp_path):
    with begin(tmp_path, seed=7):
        begun = json.loads((tmp_path / "begun.json").read_text())
        assert (begun["kind"], begun["seed"], begun["config"]["token"]) == ("reward_model", 7, -1)
        assert not artifact.is_finished(tmp_path)


def test_two_processes_do_not_make_one_artifact(tmp_path):
    code = (
        "import sys; from pathlib import Path; from baselines import artifact\n"
        f"with artifact.begin(Path({str(tmp_path / 'a')!r}), kind='policy', config={{}}, seed=0): pass"
    )
    with artifact.begin(tmp_path / "a", kind="policy", config={}, seed=0):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 1 and "is being written by another process" in done.stderr
    assert artifact.is_finished(tmp_path / "a")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_a_damaged_file_are_refused_in_one_line_wherever_it_is_cut_or_changed(tmp_path, save):
    path, wanted = tmp_path / "arrays.npz", {"one": np.arange(50), "two": np.ones((3, 4), np.float32)}
    save(path, **wanted)
    kinds = {"one": ("i", 1), "two": ("f", 2)}
    whole = path.read_bytes()
    assert all(np.array_equal(a, b) for a, b in zip(artifact.read_arrays(path, kinds), wanted.values(), strict=True))
    generator, refused = np.random.default_rng(0), 0
    for trial in range(400):
        at = int(generator.integers(len(whole)))
        changed = bytes([whole[at] ^ (1 << trial % 8)])
        path.write_bytes(whole[:at] if trial % 4 == 0 else whole[:at] + changed + whole[at + 1 :])
        try:
            artifact.read_arrays(path, kinds)
        except ValueError as error:
            assert str(path) in str(error) and "run the stage that makes it again" in str(error)
            refused += 1
    assert refused > 200, "what is left are bytes that no reader looks at"
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="three.*delete .* and run the stage"):
        artifact.read_arrays(path, {"three": ("i", 1)})
    with pytest.raises(FileNotFoundError):
        artifact.read_arrays(tmp_path / "none.npz", kinds)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("lacking", "changes", "refused"),
    [
        ("token", {}, ""),
        ("optimizer.betas", {}, ""),
        ("optimizer", {}, ""),
        ("token", {"token": 3}, "configuration: token -1 there, 3 requested;"),
        (
            "optimizer.betas",
            {"optimizer": Optimizer(betas=(0.0, 0.0))},
            "betas \\[0.9, 0.95\\] there, \\[0.0, 0.0\\] req",
        ),
        ("optimizer", {"optimizer": Optimizer(0.5)}, "optimizer.learning_rate 0.0003 there, 0.5 requested;"),
    ],
)
def test_a_field_that_a_stored_configuration_lacks_has_its_default(tmp_path, finished, lacking, changes, refused):
    if finished:
        make(tmp_path)
    else:
        with pytest.raises(KeyboardInterrupt), begin(tmp_path):
            raise KeyboardInterrupt
    path = tmp_path / ("manifest.json" if finished else "begun.json")
    stored = json.loads(path.read_text())
    within, _, key = lacking.rpartition(".")
    del (stored["config"][within] if within else stored["config"])[key]
    reseal(path, stored)
    config = dataclasses.replace(Config(), **changes)
    if refused:
        with pytest.raises(ValueError, match=refused), begin(tmp_path, config):
            pass
    else:
        with begin(tmp_path, config) as work:
            assert work.finished == finished


def test_a_field_that_was_removed_from_the_code_is_a_difference(tmp_path):
    make(tmp_path)
    stored = json.loads((tmp_path / "manifest.json").read_text())
    stored["config"]["dropout"] = 0.1
    reseal(tmp_path / "manifest.json", stored)
    with pytest.raises(ValueError, match="dropout 0.1 there, missing requested"), begin(tmp_path):
        pass


def test_a_sealed_manifest_does_not_pass_for_one_of_an_earlier_version(tmp_path):
    make(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(ValueError, match="was changed after it was written"):
        artifact.load_manifest(tmp_path, "reward_model")
    older = {**json.loads(path.read_text()), "seconds": 1.0}
    del older["sha256"]
    path.write_text(json.dumps(older))
    assert artifact.load_manifest(tmp_path, "reward_model")["seconds"] == 1.0
