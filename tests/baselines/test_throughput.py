import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.presets import PRESETS
from baselines.throughput import forward_flops, kind_of, training_flops

ROOT = Path(__file__).parents[2]
SMALL = NetworkConfig(image_size=(16, 24), channels=(8, 12), width=32, layers=3, heads=2, context=5, components=2)


@pytest.mark.parametrize("config", [SMALL, *(preset.base.network for preset in PRESETS.values())])
@pytest.mark.parametrize("steps", [3, 40])
def test_the_closed_form_counts_what_torch_counts(config, steps):
    with torch.device("meta"):  # the shapes without the work
        network = GamepadTransformer(config)
        frames = torch.zeros(2, steps, *config.image_size, 3, dtype=torch.uint8)
        with FlopCounterMode(display=False) as forward:
            logits = network(frames)
        with FlopCounterMode(display=False) as backward:
            logits.sum().backward()
    both = forward.get_total_flops() + backward.get_total_flops()
    assert forward_flops(config, steps) * 2 * steps == forward.get_total_flops()
    assert training_flops(config, steps) * 2 * steps == both


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("aten::addmm", "matrix products"),
        ("aten::bmm", "matrix products"),
        ("aten::_efficient_attention_forward", "matrix products"),
        ("aten::_softmax_backward_data", "norms and softmax"),
        ("aten::copy_", "copies and casts"),
        ("aten::gelu_backward", "the rest"),
    ],
)
def test_kernels_are_told_apart(operation, kind):
    assert kind_of(operation) == kind


def run(*arguments):
    command = [sys.executable, "-m", "baselines.throughput", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
def test_a_presetis_measured():
    done = run("smoke", "--json", "--seconds", "0.5", "--steps", "20", "--episodes", "4")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["frames_per_update"] == 80
    assert result["frames_per_second"] == pytest.approx(80 / result["update_ms"] * 1e3, rel=0.01)
    assert sum(result["kernel_shares"].values()) == pytest.approx(1, abs=0.01)
    assert min(result["kernel_shares"].values()) > 0 and result["acting_ms"] > 0
    assert 0 < result["utilization"] < 1
    assert "training ..." in done.stderr
    assert result["beside"] is None
    done = run("smoke", "--seconds", "0.1", "--steps", "20", "--episodes", "4", "--beside", "1")
    assert "frames/s" in done.stdout and "GFLOP/s" in done.stdout, done.stderr
    assert "beside 1 busy: training" in done.stdout and "of acting alone" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--seconds", "0"), ("--steps", "0"), ("--episodes", "-3"), ("--beside", "-1")])
def test_what_cannot_be_measured_is_refused(arguments):
    done = run("smoke", *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and arguments[0] in done.stderr
