"""Shifts of frames, and training on them."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy
from baselines.pretrain import PretrainConfig, pretrain
from baselines.training.augmentation import draw_shifts, shift_episode, shift_frames
from baselines.training.loop import OptimizerConfig

SIZE = (16, 16)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    directory = tmp_path_factory.mktemp("people") / "d"
    collect(CollectConfig(episodes=4, image_size=SIZE), directory, workers=1)
    return directory


def test_frames_move_down_and_right_and_their_edge_is_repeated():
    frames = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    moved = shift_frames(frames, 1, -2)
    assert np.array_equal(moved[:, 1:, :2], frames[:, :-1, 2:])
    assert np.array_equal(moved[:, 0], moved[:, 1]) and np.array_equal(moved[:, :, 2], moved[:, :, 1])
    assert np.array_equal(moved[:, :, 3], moved[:, :, 1])
    assert np.array_equal(shift_frames(frames, 0, 0), frames)


def test_each_episode_of_each_batch_has_a_shift_of_its_own_up_to_the_most(people):
    dataset = Dataset(people)
    episodes = [dataset.trajectory(row) for row in range(len(dataset))]
    assert draw_shifts(4, 0, 0, 0) == [[0, 0]] * 4 and shift_episode(episodes[0], 0, 0) is episodes[0]
    seen = set()
    for index in range(40):
        moved, again = (map(shift_episode, episodes, *zip(*draw_shifts(4, 2, 0, index), strict=True)) for _ in range(2))
        for episode, *shifted in zip(episodes, moved, again, strict=True):
            before, after, same = (np.asarray(one.frames) for one in (episode, *shifted))
            found = [
                (down, right)
                for down in range(-3, 4)
                for right in range(-3, 4)
                if np.array_equal(shift_frames(before, down, right), after)
            ]
            assert len(found) == 1 and np.array_equal(after, same)
            assert np.array_equal(episode.actions, shifted[0].actions)
            seen.add(found[0])
    assert seen == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_an_agent_trains_on_shifted_frames(people, tmp_path):
    network = NetworkConfig(image_size=SIZE, channels=(8, 8), width=32, layers=1, heads=2, context=5)
    config = PretrainConfig(network, OptimizerConfig(updates=3, warmup_updates=1), batch_episodes=2)
    weights = []
    for name, shift in (("without", 0), ("with", 2), ("again", 2)):
        pretrain(dataclasses.replace(config, shift=shift), people, tmp_path / name, seed=0)
        policy = Policy.from_pretrained(tmp_path / name, torch.device("cpu"))
        weights.append(torch.cat([parameter.flatten() for parameter in policy.network.parameters()]))
    assert torch.equal(weights[1], weights[2]) and not torch.equal(weights[0], weights[1])


@pytest.mark.parametrize("shift", [-1, 16])
def test_an_impossible_shift_is_refused(shift):
    with pytest.raises(ValueError, match="shift must be"):
        PretrainConfig(NetworkConfig(image_size=SIZE, channels=(8, 8)), shift=shift)
