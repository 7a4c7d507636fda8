"""The device of a process: chosen once, said once, and never another than the one asked for."""

import os

import pytest
import torch

from baselines.models.precision import DEVICE, announce_device, choose_device, use_device

NO_GPU = not torch.cuda.is_available()


@pytest.fixture(autouse=True)
def own_choice(monkeypatch):
    monkeypatch.setenv(DEVICE, "auto")  # and what a test sets is taken back
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    announce_device.cache_clear()


def test_by_default_it_is_a_gpu_where_there_is_one():
    use_device("auto")
    assert choose_device().type == ("cpu" if NO_GPU else "cuda")


def test_what_is_asked_for_is_used_by_this_process_and_those_it_starts(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # so that the CPU is not the default
    use_device("cpu")
    assert choose_device() == torch.device("cpu") and os.environ[DEVICE] == "cpu"
    use_device("auto")
    assert choose_device() == torch.device("cpu"), "auto changes nothing"


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", ""])
def test_names_that_no_device_has_are_refused(name):
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda or cuda:0"):
        use_device(name)


def test_a_gpu_that_is_not_here_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    for name in ("cuda", "cuda:3"):
        with pytest.raises(ValueError, match=f"device {name} is not here: 0 GPUs are usable.*give --device cpu"):
            use_device(name)
    monkeypatch.setenv(DEVICE, "cuda")
    with pytest.raises(ValueError, match="is not here"):
        choose_device()


def test_it_is_said_once_in_one_line(capsys):
    for _ in range(3):
        announce_device(torch.device("cpu"))
    said = capsys.readouterr().err
    assert said in ("device: cpu, float32\n", "device: cpu, bfloat16\n")


def test_processes_without_progress_say_nothing(capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    announce_device(torch.device("cpu"))
    assert not capsys.readouterr().err
