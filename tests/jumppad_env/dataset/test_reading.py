"""A pickled dataset is opened again by its path, and carries no arrays."""

import copy
import dataclasses
import pickle
import shutil

import numpy as np
import pytest

from jumppad_env.dataset import Dataset, Trajectory, write_dataset
from jumppad_env.world import STATE

LENGTH = 50


def still(seed):
    """Returns an episode of nobody who does anything."""
    states = np.zeros((LENGTH, len(STATE)))
    states[:, STATE.index("steps")] = np.arange(LENGTH)
    states[:, [STATE.index("pad"), STATE.index("since_pad")]] = -1
    frames = np.random.default_rng(seed).integers(0, 256, (LENGTH, 16, 16, 3), np.uint8)
    actions = np.zeros((LENGTH, 16), np.uint8)
    return Trajectory(seed, "rider", "", -1, False, actions, states, frames)


@pytest.fixture
def dataset(tmp_path):
    write_dataset(tmp_path / "d", [still(0), still(1)], seed=0, description={})
    return Dataset(tmp_path / "d")


@pytest.mark.parametrize("copied", [lambda thing: pickle.loads(pickle.dumps(thing)), copy.deepcopy])
def test_a_dataset_and_its_states_come_back_with_the_same_arrays(dataset, copied):
    again = copied(dataset)
    for name in ("episodes", "actions", "packed_states", "frames"):
        assert isinstance(getattr(again, name), np.memmap)
        assert getattr(again, name).tobytes() == getattr(dataset, name).tobytes(), name
    assert np.array_equal(copied(dataset.states)[:], dataset.states[:])


def test_a_pickle_holds_no_array(dataset):
    assert len(pickle.dumps(dataset)) < 500 and len(pickle.dumps(dataset.states)) < 500


def test_the_path_may_be_relative_and_the_class_ones_own(dataset, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(Own("d"))
    monkeypatch.chdir("/")
    again = pickle.loads(pickled)
    assert type(again) is Own and len(again) == 2


class Own(Dataset):
    pass


def test_a_dataset_that_is_gone_or_another_is_refused(dataset, tmp_path):
    pickled = [pickle.dumps(dataset), pickle.dumps(dataset.states)]
    shutil.rmtree(dataset.directory)
    for one in pickled:
        with pytest.raises(FileNotFoundError, match="no dataset in"):
            pickle.loads(one)
    write_dataset(tmp_path / "d", [still(2)], seed=0, description={})
    for one in pickled:
        with pytest.raises(ValueError, match="/d is no longer the dataset that was pickled"):
            pickle.loads(one)


@pytest.mark.parametrize("seed", [2**63, 2**64, -2])
def test_a_seed_that_fits_no_dataset_is_refused_at_once(seed):
    with pytest.raises(ValueError, match=f"seed {seed} is not between"):
        dataclasses.replace(still(0), seed=seed)
