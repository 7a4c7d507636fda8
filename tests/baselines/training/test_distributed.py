"""Two processes under torchrun make the training of one, whoever begins it and whoever is killed."""

import os
import re
import shutil
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from agents.collect import CollectConfig, collect
from baselines import artifact
from baselines.models import precision
from baselines.models.precision import DEVICE
from baselines.preferences import PreferencesConfig, preferences
from baselines.pretrain import pretrain
from baselines.training import distributed, loop
from baselines.training.loop import read_metrics
from jumppad_env.command_line import command_line
from tests.baselines.training.ranks import KILLED, NETWORK, PRETRAIN, READ, make

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]

ROOT = Path(__file__).parents[3]
EPISODES = 15
OPTIONS = {
    "config.optimizer.updates": PRETRAIN.optimizer.updates,
    "config.batch-episodes": PRETRAIN.batch_episodes,
    "config.shift": PRETRAIN.shift,
    "config.evaluate-every": PRETRAIN.evaluate_every,
    "config.network.image-size": NETWORK.image_size,
    "config.network.channels": NETWORK.channels,
    "config.network.width": NETWORK.width,
    "config.network.layers": NETWORK.layers,
    "config.network.heads": NETWORK.heads,
    "config.network.context": NETWORK.context,
}


def torchrun(options, words, place=ROOT, **environment):
    """Starts torchrun in a folder."""
    command = [sys.executable, "-m", "torch.distributed.run", *options.split(), "-m", "tests.baselines.training.ranks"]
    settings = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        [*command, *map(str, words)],
        cwd=place,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def one_machine(*words, **environment):
    """Runs two ranks; port 0 is any free one. Returns exit code, output and errors."""
    options = "--nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint 127.0.0.1:0 --local-addr 127.0.0.1"
    with torchrun(options, words, **environment) as process:
        out, said = process.communicate()
    return process.returncode, out, said


def command(folder, out):
    """The words of the command that makes PRETRAIN."""
    words = ["command", "baselines.pretrain", "--demonstrations", folder / "people", "--out", out]
    for name, value in OPTIONS.items():
        words += [f"--{name}", *(value if isinstance(value, tuple) else [value])]
    return words


def interrupted(folder, out, update):
    """Begins PRETRAIN in this process, and stops amid an update."""
    with pytest.MonkeyPatch.context() as patch:
        compute = loop.compute_gradient

        def compute_gradient(*arguments):
            if arguments[-1] == update:
                raise KeyboardInterrupt
            return compute(*arguments)

        patch.setattr(loop, "compute_gradient", compute_gradient)
        with pytest.raises(KeyboardInterrupt):
            pretrain(PRETRAIN, folder / "people", folder / out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two datasets, and all trainings by one process."""
    folder = tmp_path_factory.mktemp("distributed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "has_bfloat16", lambda device: False)
        for seed, name in enumerate(("people", "others")):
            collect(CollectConfig(episodes=EPISODES, seed=seed, image_size=(16, 16)), folder / name, workers=1)
        pretrain(PRETRAIN, folder / "people", folder / "alone")
        interrupted(folder, "begun", 30)
        config = PreferencesConfig(label="speed", comparisons=12, held_out=6)
        preferences(config, folder / "others", folder / "preferences")
        make(folder, folder / "stages_alone")
        yield folder


@pytest.fixture(scope="module")
def together(folder):
    """Two machines with a rank each, which share no folder; what each of them said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        options = f"--nnodes 2 --nproc-per-node 1 --master-addr 127.0.0.1 --master-port {free.getsockname()[1]}"
    machines = []
    for number in range(2):
        place = folder / f"machine_{number}"
        shutil.copytree(folder / "people", place / "people")
        (place / "read").mkdir()
        words = command(Path(), "together")
        machines.append(torchrun(f"{options} --node-rank {number}", words, place, **{READ: str(place / "read")}))
    said = [machine.communicate()[1] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    return said


@pytest.fixture(scope="module")
def stages(folder):
    return one_machine("stages", folder)


def assert_same_training(found, expected):
    lines, wanted = read_metrics(found), read_metrics(expected)
    assert len(lines) == len(wanted) and all(a.keys() == b.keys() for a, b in zip(lines, wanted, strict=True))
    for key in wanted[-1]:
        values, want = ([line[key] for line in each if key in line] for each in (lines, wanted))
        # Rounding is largest in the gradient, and may decide where one of 64 evaluated episodes ends.
        rel, most = {"gradient_norm": (1e-4, 0.0)}.get(key, (0.0, 0.05) if key.startswith("played") else (1e-5, 1e-6))
        assert values == pytest.approx(want, rel=rel, abs=most), key


def assert_same_artifact(found, expected):
    """Everything but rounding is the same, down to the names of files."""
    assert_same_training(found, expected)
    names = [{path.relative_to(place).as_posix() for path in place.rglob("*")} for place in (found, expected)]
    assert names[0] == names[1] and "manifest.json" in names[0] and "training_state" not in names[0]
    manifests = [artifact.read_manifest(place) for place in (found, expected)]
    for key in ("kind", "config", "seed", "inputs"):
        assert manifests[0][key] == manifests[1][key], key
    assert manifests[0]["metrics"].keys() == manifests[1]["metrics"].keys()
    weights, wanted = (load_file(place / "model.safetensors") for place in (found, expected))
    # The scores of a pair are subtracted: the gradients of a reward model's last biases are nothing but rounding.
    for name in wanted.keys() - ({"head.bias", "trunk.norm.bias"} if manifests[0]["kind"] == "reward_model" else set()):
        assert weights[name] == pytest.approx(wanted[name], rel=1e-3, abs=1e-4), name


def test_two_ranks_make_the_curve_of_one_process_and_rank_0_alone_writes_and_tells(folder, together):
    assert_same_artifact(folder / "machine_0/together", folder / "alone")
    assert not (folder / "machine_1/together").exists()
    assert [said.count("device:") for said in together] == [1, 0]
    # A bar may show its end twice, when the last update took long.
    assert ["100/100" in said for said in together] == [True, False]


def test_each_episode_is_read_once_an_epoch(folder, together):
    ranks = [list(map(int, (folder / f"machine_{i}/read/{i}").read_text().split())) for i in range(2)]
    shares = [(PRETRAIN.batch_episodes + 1) // 2, PRETRAIN.batch_episodes // 2]
    epochs = PRETRAIN.optimizer.updates * PRETRAIN.batch_episodes // EPISODES
    batches = EPISODES // PRETRAIN.batch_episodes
    for epoch in range(epochs):
        parts = [
            read[epoch * batches * share : (epoch + 1) * batches * share]
            for read, share in zip(ranks, shares, strict=True)
        ]
        assert sorted(sum(parts, [])) == list(range(EPISODES)), epoch


def test_a_killed_rank_ends_the_others_and_one_process_goes_on(folder):
    code, _, said = one_machine(*command(folder, folder / "killed"), **{KILLED: "1 40"})
    assert code == 1 and said.count("pre-train: saved at update 40") == 1
    assert said.count("run the same command again to resume") == 1
    assert len(read_metrics(folder / "killed")) == 40
    pretrain(PRETRAIN, folder / "people", folder / "killed")
    assert_same_artifact(folder / "killed", folder / "alone")


def test_two_ranks_go_on_with_what_one_process_began(folder, stages):
    assert_same_artifact(folder / "begun", folder / "alone")
    began = [(folder / name / "metrics.jsonl").read_text().splitlines()[:30] for name in ("begun", "alone")]
    assert began[0] == began[1]


@pytest.mark.parametrize("name", ["finetuned", "reward", "preferred"])
def test_every_training_can_be_shared(folder, stages, name):
    assert_same_artifact(folder / "stages_shared" / name, folder / "stages_alone" / name)


def test_what_cannot_be_shared_is_refused_in_one_line(folder, stages):
    refusal = "a batch of 1 cannot be shared among 2 ranks; make it larger or start fewer"
    code, out, said = stages
    assert code == 1 and out.count(refusal) == 2
    errors = re.findall(r"^error: .*$", said, re.MULTILINE)
    assert len(errors) == 1 and errors[0].startswith("error: rank 1 differs from rank 0: inputs.demonstrations ")
    codes = re.findall(r"exitcode *: (-?\d+)", said)
    assert codes[-1] == "2" and set(codes) <= {"2", "-15"}, "-15: torchrun hurried one that was ending with 2"
    assert not (folder / "refused").exists()


def test_ranks_that_do_not_meet_say_so(monkeypatch, capsys):
    monkeypatch.setattr(distributed, "MEETING", timedelta(seconds=1))
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit), command_line(), distributed.processes():
        raise AssertionError
    wanted = r"error: no connection to the other ranks at 127\.0\.0\.1:9 \(.*; check the addresses .*\n"
    assert re.fullmatch(wanted, capsys.readouterr().err)


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:0", "cuda:1"])
def test_each_rank_has_a_gpu_of_its_own(monkeypatch, tmp_path, device):
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "rank", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv(DEVICE, device)
    words = r"device is cuda:0, but each rank has a GPU of its own" if device == "cuda:0" else "(?i)process group"
    with pytest.raises(ValueError, match=words):
        with distributed.begin(tmp_path, kind="policy", config=PRETRAIN, seed=0, inputs={}, batch=2):
            raise AssertionError
    assert os.environ[DEVICE] == ("cuda:1" if device == "cuda" else device)


def test_one_process_is_no_group(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    with distributed.processes():
        assert (distributed.rank(), distributed.world_size()) == (0, 1)
        assert distributed.share([1, 2, 3]) == [1, 2, 3] and distributed.from_rank_0("x") == "x"
