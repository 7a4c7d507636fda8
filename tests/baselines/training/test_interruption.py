"""A training that is cut off: whenever and however, it goes on and ends in the same bytes."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from torch.optim.optimizer import register_optimizer_step_post_hook

from baselines.training import loop
from baselines.training.loop import OptimizerConfig, read_metrics, train
from jumppad_env.files import write_atomically
from jumppad_env.machine import signals
from jumppad_env.machine.signals import Terminated
from tests.baselines.training.tiny import CONFIG, assert_same_weights, imitation, network_of, run

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted")
    return run(directory), (directory / "metrics.jsonl").read_text()


@pytest.mark.parametrize("checkpoint_seconds", [0.0, 1e9])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_run_ends_in_the_same_weights(tmp_path, uninterrupted, error, checkpoint_seconds):
    for stop_at in (11, 23):
        network = network_of()
        compute_loss = imitation(network)

        def interrupted(update, compute_loss=compute_loss, stop_at=stop_at):
            if update == stop_at:
                raise error("in the middle")
            return compute_loss(update)

        with pytest.raises(error, match="in the middle"):
            train(network, interrupted, CONFIG, tmp_path, description="test", checkpoint_seconds=checkpoint_seconds)
        assert len(read_metrics(tmp_path)) == stop_at
    expected, metrics = uninterrupted
    assert_same_weights(run(tmp_path), expected)
    assert (tmp_path / "metrics.jsonl").read_text() == metrics


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_ends_in_the_same_weights(tmp_path, uninterrupted):
    program = "\n".join(
        [
            "import sys; from pathlib import Path; from tests.baselines.training.test_interruption import *",
            "network = network_of(); compute_loss = imitation(network)",
            "def announced(update): print(update, flush=True); return compute_loss(update)",
            "train(network, announced, CONFIG, Path(sys.argv[1]), description='killed', checkpoint_seconds=0.0)",
        ]
    )
    for kill_at in (5, 17):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            first = None
            for line in process.stdout:
                first = int(line) if first is None else first
                if int(line) == kill_at:
                    os.kill(process.pid, signal.SIGKILL)
                    break
        assert process.returncode == -signal.SIGKILL
        # The second process went on where the first was killed.
        assert first == 0 if kill_at == 5 else first is not None and first >= 5
    expected, metrics = uninterrupted
    assert_same_weights(run(tmp_path), expected)
    assert (tmp_path / "metrics.jsonl").read_text() == metrics


def test_a_kill_while_saving_leaves_the_old_state(tmp_path, uninterrupted):
    network = network_of()
    compute_loss = imitation(network)

    def interrupted(update):
        if update == 12:
            raise RuntimeError("stop")
        return compute_loss(update)

    with pytest.raises(RuntimeError):
        train(network, interrupted, CONFIG, tmp_path, description="test", checkpoint_seconds=0.0)
    (tmp_path / "training_state" / "state.safetensors.jumppad-partial").write_bytes(b"half of the next st")
    with (tmp_path / "metrics.jsonl").open("a") as log:
        log.write('{"update": 12, "lo')
    expected, metrics = uninterrupted
    assert_same_weights(run(tmp_path), expected)
    assert (tmp_path / "metrics.jsonl").read_text() == metrics


def interrupt(network, config, directory, stop_at):
    compute_loss = imitation(network)

    def interrupted(index):
        if index == stop_at:
            raise KeyboardInterrupt
        return compute_loss(index)

    with pytest.raises(KeyboardInterrupt):
        train(network, interrupted, config, directory, description="test", checkpoint_seconds=0.0)


@pytest.mark.parametrize("stop_at", [7, 8])
def test_accumulated_updates_resume_bit_for_bit(tmp_path, stop_at):
    config = OptimizerConfig("muon", updates=6, warmup_updates=0, accumulate=2)
    expected = run(tmp_path / "whole", config=config)
    interrupt(network_of(), config, tmp_path / "parts", stop_at)
    assert_same_weights(run(tmp_path / "parts", config=config), expected)
    assert (tmp_path / "parts/metrics.jsonl").read_text() == (tmp_path / "whole/metrics.jsonl").read_text()


def stop_at(update, directory, error: type[BaseException] = KeyboardInterrupt):
    """Trains until an error while the gradient of an update is computed, and returns the first update it computed."""
    network = network_of()
    compute_loss, computed = imitation(network), []

    def interrupted(index):
        computed.append(index)
        if index == update:
            raise error
        return compute_loss(index)

    with pytest.raises(error):
        train(network, interrupted, CONFIG, directory, description="tiny", checkpoint_seconds=1e9)
    return computed[0]


def ends_as(uninterrupted, directory):
    expected, metrics = uninterrupted
    assert_same_weights(run(directory), expected)
    return (directory / "metrics.jsonl").read_text() == metrics


@pytest.mark.parametrize("error", [KeyboardInterrupt, Terminated, SystemExit])
def test_an_interruption_costs_no_finished_update(tmp_path, uninterrupted, error, capsys):
    assert stop_at(11, tmp_path, error) == 0
    assert "tiny: saved at update 11\n" in capsys.readouterr().err
    assert stop_at(23, tmp_path, error) == 11
    assert "tiny: saved at update 23\n" in capsys.readouterr().err
    assert stop_at(23, tmp_path, error) == 23
    assert "saved" not in capsys.readouterr().err, "nothing is new"
    assert ends_as(uninterrupted, tmp_path)


def test_errors_and_large_states_save_nothing(tmp_path, uninterrupted, monkeypatch, capsys):
    assert stop_at(5, tmp_path, RuntimeError) == 0
    monkeypatch.setattr(loop, "SMALL_STATE", 1000)
    assert stop_at(9, tmp_path) == 0
    assert stop_at(7, tmp_path) == 0
    assert "saved" not in capsys.readouterr().err
    assert ends_as(uninterrupted, tmp_path)


@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_amid_an_update_waits_for_its_end_and_a_later_one_does_not(
    tmp_path, uninterrupted, capsys, monkeypatch, times
):
    """Muon has stepped by then, and AdamW not: half of the weights are of the next update."""
    monkeypatch.setattr(signals, "SAME", 0.0)
    steps = []

    def hit(optimizer, *_):
        steps.append(type(optimizer).__name__)
        if steps == ["Muon", "AdamW"] * 6 + ["Muon"]:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    hook = register_optimizer_step_post_hook(hit)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a script
    try:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, checkpoint_seconds=1e9)
    finally:
        signal.signal(signal.SIGINT, before)
        hook.remove()
    whole = times == 1
    assert len(steps) == (14 if whole else 13)
    assert ("saved at update 7" in capsys.readouterr().err) == whole
    assert len(read_metrics(tmp_path)) == (7 if whole else 6)
    assert stop_at(20, tmp_path) == (7 if whole else 0)
    assert ends_as(uninterrupted, tmp_path)


def test_an_interruption_after_the_step_leaves_no_state_ahead_of_the_log(tmp_path, uninterrupted):
    def after_update(update):
        if update == 8:
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, checkpoint_seconds=1e9, after_update=after_update)
    assert len(read_metrics(tmp_path)) == 8 and stop_at(20, tmp_path) == 0
    assert ends_as(uninterrupted, tmp_path)


def test_a_training_in_another_thread_is_an_ordinary_one(tmp_path, uninterrupted):
    done = []
    thread = threading.Thread(target=lambda: done.append(run(tmp_path)))
    thread.start()
    thread.join()
    assert_same_weights(done[0], uninterrupted[0])


RESUME = "run the same command again to resume"
REWARD = """
import signal
import sys
from pathlib import Path
import torch
from torch.nn.functional import logsigmoid
from baselines.models.network import NetworkConfig
from baselines.models.precision import choose_device
from baselines.models.reward_model import RewardModel
from baselines.models.threads import count_threads
from baselines.training.loop import OptimizerConfig, train
from jumppad_env.command_line import command_line
from jumppad_env.streams import stream

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a script
with command_line():
    choose_device()
    torch.manual_seed(0)
    size = NetworkConfig(image_size=(32, 32), channels=(16, 32), width=64, layers=1, heads=2, context=6)
    model = RewardModel(size)

    def compute_loss(update):
        print(update, count_threads(), flush=True)
        if str(update) == sys.argv[2]:
            signal.raise_signal(int(sys.argv[3]))
        frames = torch.from_numpy(stream(0, "frames", update).integers(0, 256, (16, 12, 32, 32, 3), dtype="uint8"))
        chosen, rejected = model.score(frames, torch.full((16,), 12)).chunk(2)
        return -logsigmoid(chosen - rejected).mean(), {}

    out = Path(sys.argv[1])
    train(model, compute_loss, OptimizerConfig(updates=14), out, description="reward model", checkpoint_seconds=1e9)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes end otherwise there")
def test_signals_and_other_numbers_of_threads_change_no_byte(tmp_path):
    def go_on(name, threads, stop_at=None, way=signal.SIGTERM):
        """Trains with a number of threads, up to a signal at an update; returns code, first update, words."""
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, "-c", REWARD, str(tmp_path / name), str(stop_at), str(int(way))]
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True)
        updates = [line.split() for line in done.stdout.splitlines()]
        assert {int(line[1]) for line in updates} == {threads}
        assert int(updates[-1][0]) == (13 if stop_at is None else stop_at), done.stderr
        return done.returncode, int(updates[0][0]), done.stderr

    def files(name):
        return {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}

    assert go_on("one", 1)[:2] == go_on("two", 2)[:2] == (0, 0)
    first = 0
    for threads, stop_at, way in ((1, 3, signal.SIGTERM), (2, 6, signal.SIGINT), (1, 9, signal.SIGTERM)):
        code, began, said = go_on("cut", threads, stop_at, way)
        assert (code, began) == (128 + way, first)
        words = "stopped by SIGTERM" if way == signal.SIGTERM else "stopped"
        assert said.endswith(f"reward model: saved at update {stop_at}\n\n{words}; {RESUME}\n")
        first = stop_at
    assert go_on("cut", 2)[:2] == (0, first)
    assert files("one") == files("two") == files("cut")
    assert set(files("one")) == {"metrics.jsonl", "state.safetensors"}


@pytest.mark.parametrize(("seconds", "few"), [(0.0, False), (0.05, True)])
def test_states_are_saved_as_often_as_their_cost_allows(tmp_path, monkeypatch, seconds, few):
    saves = []

    def slowly(path, content):
        if path.name == loop.STATE:
            saves.append(path)
            time.sleep(seconds)
        write_atomically(path, content)

    monkeypatch.setattr(loop, "write_atomically", slowly)
    monkeypatch.setattr(loop, "encode_state", lambda tensors, update: b"" if seconds == 0 else bytes(10**6))
    monkeypatch.setattr(loop, "SHORTEST", 0.0)
    if seconds == 0:
        monkeypatch.setattr(loop, "LONGEST", 0.0)
    run(tmp_path)
    assert (len(saves) <= CONFIG.updates / 2) == few, f"{len(saves)} states of {CONFIG.updates} updates"
