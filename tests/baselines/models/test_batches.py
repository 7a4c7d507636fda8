from collections import Counter

import numpy as np
import pytest
import torch

from baselines.models.batches import batch_indices, make_batch
from jumppad_env.dataset import Trajectory
from jumppad_env.world import STATE


def trajectory(length, value=1, frames=True):
    return Trajectory(
        seed=0,
        character="rider",
        mode="",
        pad=-1,
        fell=False,
        actions=np.full((length, 16), 1, dtype=np.uint8),
        states=np.zeros((length, len(STATE))),
        frames=np.full((length, 8, 8, 3), value, dtype=np.uint8) if frames else None,
    )


def test_every_episode_is_drawn_once_an_epoch():
    lengths = np.random.default_rng(0).integers(40, 100, size=50)
    for epoch in range(3):
        drawn = [batch_indices(lengths, 8, update, seed=1) for update in range(epoch * 6, epoch * 6 + 6)]
        counts = Counter(np.concatenate(drawn).tolist())
        assert len(counts) == 48 and set(counts.values()) == {1}


def test_batches_follow_from_seed_and_update_alone():
    lengths = np.random.default_rng(0).integers(40, 100, size=50)
    assert np.array_equal(batch_indices(lengths, 8, 11, seed=1), batch_indices(lengths, 8, 11, seed=1))
    assert not np.array_equal(batch_indices(lengths, 8, 11, seed=1), batch_indices(lengths, 8, 11, seed=2))
    assert not np.array_equal(batch_indices(lengths, 8, 11, seed=1), batch_indices(lengths, 8, 12, seed=1))


def test_similar_lengths_come_together():
    lengths = np.random.default_rng(0).integers(10, 100, size=800)
    padded = sum(int(lengths[batch_indices(lengths, 10, update, seed=0)].max()) * 10 for update in range(80))
    assert padded < 1.15 * lengths.sum(), "hardly any padding; unsorted batches would have over 1.6"


def test_padding_is_zero_and_masked():
    batch = make_batch([trajectory(3), trajectory(5)], torch.device("cpu"))
    assert batch.frames.shape == (2, 5, 8, 8, 3) and batch.lengths.tolist() == [3, 5]
    assert batch.frames[0, 3:].sum() == 0 and (batch.frames[1] == 1).all()
    assert batch.mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]


def test_state_trajectories_cannot_be_shown():
    with pytest.raises(ValueError, match="frames"):
        make_batch([trajectory(3, frames=False)], torch.device("cpu"))
