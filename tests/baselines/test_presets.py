"""Presets: their sizes, and that the large ones train and resume on a processor."""

import dataclasses

import pytest
import torch

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines.models.network import GamepadTransformer
from baselines.models.policy import Policy
from baselines.presets import PRESETS
from baselines.training.imitation import imitate
from baselines.training.loop import read_metrics


@pytest.mark.parametrize(("name", "millions"), [("quick", (0.5, 1.5)), ("small", (9, 11.5)), ("paper", (101, 105))])
def test_networks_have_the_sizes_that_are_promised(name, millions):
    with torch.device("meta"):  # the shapes without the memory
        network = GamepadTransformer(PRESETS[name].base.network)
    assert millions[0] < sum(parameter.numel() for parameter in network.parameters()) / 1e6 < millions[1]


@pytest.mark.parametrize("name", PRESETS)
def test_people_are_drawn_at_the_size_that_the_network_reads(name):
    preset = PRESETS[name]
    assert preset.demonstrations.image_size == preset.curated.image_size == preset.base.network.image_size


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory):
    directory = tmp_path_factory.mktemp("people") / "demonstrations"
    collect(CollectConfig(episodes=3, population="direct_left", image_size=(128, 128)), directory)
    return directory


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small", "paper"])
def test_large_presets_train_save_and_resume_on_a_processor(tmp_path, demonstrations, name):
    preset, dataset = PRESETS[name].base, Dataset(demonstrations)

    def trained_for(updates, directory):
        policy = Policy.initialize(preset.network, 0)
        # The warm-up is longer, so that one update is the beginning of two.
        config = dataclasses.replace(preset.optimizer, updates=updates, accumulate=1)
        imitate(policy, dataset, config, 1, 0, tmp_path / directory, directory)
        return policy.network

    whole = trained_for(2, "whole").state_dict()
    begun = Policy.initialize(preset.network, 0).network.state_dict()
    assert all(not torch.equal(weight, begun[name]) for name, weight in whole.items())
    del begun
    trained_for(1, "parts")
    Policy(trained_for(2, "parts")).save_pretrained(tmp_path / "saved")
    assert [line["update"] for line in read_metrics(tmp_path / "parts")] == [0, 1]
    saved = Policy.from_pretrained(tmp_path / "saved").network.state_dict()
    assert saved.keys() == whole.keys()
    assert all(torch.equal(saved[name], weight) for name, weight in whole.items())
