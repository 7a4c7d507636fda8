"""Presets: their sizes, and that the large ones train and resume on a processor."""

import dataclasses

import pytest
import torch

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines import training
from baselines.imitation import imitate
from baselines.network import GamepadTransformer
from baselines.policy import Policy
from baselines.presets import PRESETS
from baselines.pretrain import pretrain


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
def test_large_presets_train_save_and_resume_on_a_processor(tmp_path, demonstrations, name, monkeypatch):
    preset = PRESETS[name].base
    optimizer = dataclasses.replace(preset.optimizer, updates=2)
    config = dataclasses.replace(preset, optimizer=optimizer, batch_episodes=1)

    policy = Policy.initialize(config.network, 0)
    begun = {name: weight.clone() for name, weight in policy.network.named_parameters()}
    imitate(policy, Dataset(demonstrations), optimizer, 1, 0, tmp_path / "whole", "uninterrupted")
    assert all(not torch.equal(weight, begun[name]) for name, weight in policy.network.named_parameters())

    take_update = training.take_update

    def interrupted(trained, optimizers, compute_loss, config, update):
        if update == 1:
            raise KeyboardInterrupt
        return take_update(trained, optimizers, compute_loss, config, update)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "take_update", interrupted)
        patch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
        pretrain(config, demonstrations, tmp_path / "base", 0)
    pretrain(config, demonstrations, tmp_path / "base", 0)
    assert len(training.read_metrics(tmp_path / "base")) == 2
    resumed = Policy.from_pretrained(tmp_path / "base").network.state_dict()
    assert all(torch.equal(weight, resumed[name]) for name, weight in policy.network.state_dict().items())
