"""Networks on disk: what is loaded is what was written, and nothing is built before it is known to fit."""

import json
import resource
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from baselines import artifact
from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.models.policy import Policy
from baselines.models.reward_model import RewardModel

SMALL = NetworkConfig(image_size=(16, 16), channels=(4, 8), width=16, layers=1, heads=2, context=4, components=2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A policy as a finished artifact."""
    directory = tmp_path_factory.mktemp("policy") / "base"
    with artifact.begin(directory, kind="policy", config={}, seed=0):
        Policy.initialize(SMALL, 0).save_pretrained(directory)
    return directory


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "base")


def without_manifest(directory):
    """As somebody's own weights, which no manifest tells of."""
    (directory / "manifest.json").unlink()
    return directory


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_flipped_bit_anywhere_is_named(copy, name):
    path, generator = copy / name, np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(100):
        at, bit = int(generator.integers(len(whole))), int(generator.integers(8))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
        with pytest.raises(ValueError) as caught:
            Policy.from_pretrained(copy)
        assert str(copy) in str(caught.value) and "\n" not in str(caught.value)
    path.write_bytes(whole)
    Policy.from_pretrained(copy)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(copy, value):
    path = without_manifest(copy) / "model.safetensors"
    weights = load_file(path)
    weights["head.bias"][3] = value
    save_file(weights, path)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged .head\.bias holds .* not finite"):
        Policy.from_pretrained(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w | {"head.bias": w["head.bias"].int()}, r"head\.bias is I32 \[114\], expected F32 \[114\]"),
        (lambda w: w | {"head.bias": w["head.bias"][:3]}, r"head\.bias is F32 \[3\], expected F32 \[114\]"),
        (lambda w: w | {"more": torch.zeros(1)}, r"more is F32 \[1\], expected absent"),
        (lambda w: {name: w[name] for name in w if name != "head.bias"}, r"head\.bias is absent, expected F32"),
    ],
)
def test_weights_of_another_type_or_shape_are_refused(copy, change, message):
    path = without_manifest(copy) / "model.safetensors"
    save_file(change(load_file(path)), path)
    with pytest.raises(ValueError, match=message):
        Policy.from_pretrained(copy)


@pytest.mark.parametrize(
    "changes",
    [{"width": 10**7}, {"context": 10**9}, {"layers": 10**9}, {"layers": 900}, {"components": 10**8}, {"width": 2**60}],
    ids=str,
)
def test_a_configuration_that_does_not_fit_takes_no_memory(copy, changes):
    path = without_manifest(copy) / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "network": {**config["network"], **changes}}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=str(copy)):
        Policy.from_pretrained(copy)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kB"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "x"}, "format is 'x', not an integer"),
        ({"format": None}, "format is null"),
        ({"format": 2}, "format version 2, this code reads 1; update"),
        ({"metadata": 7}, "metadata is 7, not an object"),
        ({"network": {**SMALL.__dict__, "context": True}}, "context is True, not an integer"),
        ({"network": {**SMALL.__dict__, "image_size": [16.0, 16]}}, r"image_size\[0\] is 16.0, not an integer"),
        ({"network": {**SMALL.__dict__, "depth": 3}}, "depth is unknown"),
        ({"network": [1]}, "network is a list, not an object"),
    ],
)
def test_a_damaged_configuration_is_named(copy, changes, message):
    path = without_manifest(copy) / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=message) as caught:
        Policy.from_pretrained(copy)
    assert str(copy) in str(caught.value)


@pytest.mark.parametrize("token", ["x", [1], -1.5, 0, True])
def test_a_reward_model_reads_a_step_counted_from_the_end(tmp_path, token):
    RewardModel(SMALL).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "token": token}))
    with pytest.raises(ValueError, match=r"config\.json is damaged .token is"):
        RewardModel.from_pretrained(tmp_path)


def test_a_network_is_built_only_when_it_fits(copy, monkeypatch):
    built = []
    monkeypatch.setattr(GamepadTransformer, "__init__", lambda self, config: built.append(torch.zeros(1).device.type))
    monkeypatch.setattr(GamepadTransformer, "state_dict", lambda self: {})
    with pytest.raises(ValueError, match="expected absent"):
        Policy.from_pretrained(copy)
    assert built == ["meta"]
