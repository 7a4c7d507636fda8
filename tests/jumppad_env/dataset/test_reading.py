"""A pickled dataset is opened again by its path, and carries no arrays."""

import copy
import dataclasses
import json
import pickle
import shutil

import numpy as np
import pytest

from jumppad_env.dataset import Dataset, Trajectory, write_dataset
from jumppad_env.files import seal
from jumppad_env.island.digest import rules_digest
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
def test_a_dataset_comes_back_with_the_same_arrays(dataset, copied):
    again = copied(dataset)
    for name in ("episodes", "actions", "states", "frames"):
        assert isinstance(getattr(again, name), np.memmap)
        assert getattr(again, name).tobytes() == getattr(dataset, name).tobytes(), name


def test_a_pickle_holds_no_array(dataset):
    assert len(pickle.dumps(dataset)) < 500


def test_the_path_may_be_relative_and_the_class_ones_own(dataset, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(Own("d"))
    monkeypatch.chdir("/")
    again = pickle.loads(pickled)
    assert type(again) is Own and len(again) == 2


class Own(Dataset):
    pass


def test_a_dataset_that_is_gone_or_another_is_refused(dataset, tmp_path):
    pickled = pickle.dumps(dataset)
    shutil.rmtree(dataset.directory)
    with pytest.raises(FileNotFoundError, match="no dataset in"):
        pickle.loads(pickled)
    write_dataset(tmp_path / "d", [still(2)], seed=0, description={})
    with pytest.raises(ValueError, match="/d is no longer the dataset that was pickled"):
        pickle.loads(pickled)


@pytest.mark.parametrize("seed", [2**63, 2**64, -2])
def test_a_seed_that_fits_no_dataset_is_refused_at_once(seed):
    with pytest.raises(ValueError, match=f"seed {seed} is not between"):
        dataclasses.replace(still(0), seed=seed)


def remade(directory, **changes):
    """Writes a dataset and changes entries of its manifest; None removes one."""
    write_dataset(directory, [still(0), still(1)], seed=0, description={})
    path = directory / "manifest.json"
    manifest = {**json.loads(path.read_text()), **changes}
    path.write_text(seal({name: value for name, value in manifest.items() if name != "sha256" and value is not None}))
    return directory


def test_a_dataset_of_other_rules_is_warned_of_and_can_be_read(tmp_path):
    with pytest.warns(UserWarning, match="/d was made by other rules or on another map .*digest 01234567 there"):
        assert len(Dataset(remade(tmp_path / "d", rules="0123456789"))) == 2


@pytest.mark.filterwarnings("error")
def test_datasets_of_the_same_or_unknown_rules_are_opened_without_a_word(tmp_path):
    assert Dataset(remade(tmp_path / "same")).manifest["rules"] == rules_digest()
    assert "rules" not in Dataset(remade(tmp_path / "old", rules=None)).manifest
