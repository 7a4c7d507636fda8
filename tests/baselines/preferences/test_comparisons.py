from typing import Any

import numpy as np
import pytest
import torch

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines import artifact
from baselines.preferences.comparisons import FILE, Comparisons, compare, load_comparisons, pair_batch, ranking_of


def test_the_higher_value_is_chosen_and_ties_are_left_out():
    values = np.array([0.0, 1.0, 1.0, 2.5] * 25)
    pairs = compare(values, 400, np.random.default_rng(0))
    assert (values[pairs.chosen] > values[pairs.rejected]).all()
    assert len(pairs.chosen) == len(pairs.rejected) == 400
    assert set(values[pairs.rejected]) == {0.0, 1.0} and set(values[pairs.chosen]) == {1.0, 2.5}


def test_pairs_of_different_value_are_equally_likely():
    values = np.array([1.0, 0.0, 0.0, 0.0])
    rejected = compare(values, 6000, np.random.default_rng(1)).rejected
    assert np.abs(np.bincount(rejected, minlength=4)[1:] / 6000 - 1 / 3).max() < 0.03


def test_noise_is_the_share_of_wrong_labels():
    values = np.arange(50.0)
    for noise in (0.1, 0.4):
        pairs = compare(values, 20_000, np.random.default_rng(2), noise)
        wrong = (values[pairs.chosen] < values[pairs.rejected]).mean()
        assert abs(wrong - noise) < 0.015  # four standard errors


@pytest.mark.parametrize("values", [[], [2.0], [0.5, 0.5, 0.5]])
def test_without_contrast_there_is_nothing_to_compare(values):
    with pytest.raises(ValueError, match="nothing to compare"):
        compare(np.array(values), 10, np.random.default_rng(0))


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "people"
    collect(CollectConfig(episodes=8, population="human", image_size=None), directory)
    return Dataset(directory)


NAMES = ("train_chosen", "train_rejected", "held_out_chosen", "held_out_rejected")


def stored(directory, dataset, **changes):
    """A finished artifact of comparisons between the first seven episodes."""
    with artifact.begin(
        directory, kind="preferences", config={}, seed=0, inputs={"rollouts": dataset.directory}
    ) as work:
        arrays = {name: np.arange(7) for name in NAMES} | changes
        there: dict[str, Any] = {name: array for name, array in arrays.items() if array is not None}
        np.savez(work.directory / FILE, **there)
    return directory


@pytest.mark.parametrize("left", [0, 20, 300])
def test_a_truncated_file_of_comparisons_is_refused(tmp_path, people, left):
    directory = stored(tmp_path / "preferences", people)
    assert np.array_equal(load_comparisons(directory, "train", people).chosen, np.arange(7))
    path = directory / FILE
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match="is damaged .*; delete .* and run the stage"):
        load_comparisons(directory, "train", people)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0, 1, 2, 3, 4, 5, -1]), "compares episode -1, but .*people has 0 to 7"),
        (np.array([0, 1, 2, 3, 4, 5, 8]), "compares episode 8, but .*people has 0 to 7"),
        (np.arange(7.0), "train_chosen is float64"),
        (np.arange(6), r"train pairs of \[6, 7\] entries"),
        (np.arange(8).reshape(4, 2), "with 2 dimensions"),
        (np.array(list("abcdefg")), "train_chosen is <U1"),
        (np.zeros(0, np.int64), r"train pairs of \[0, 7\] entries"),
        (None, "train_chosen is missing"),
    ],
)
def test_comparisons_must_fit_their_dataset(tmp_path, people, array, message):
    directory = stored(tmp_path / "preferences", people, train_chosen=array)
    with pytest.raises(ValueError, match=message) as caught:
        load_comparisons(directory, "train", people)
    assert FILE in str(caught.value)


def test_without_pairs_there_are_no_comparisons(tmp_path, people):
    none = np.zeros(0, np.int64)
    directory = stored(tmp_path / "preferences", people, train_chosen=none, train_rejected=none)
    with pytest.raises(ValueError, match=r"train pairs of \[0\] entries"):
        load_comparisons(directory, "train", people)


def test_comparisons_belong_to_the_episodes_that_were_compared(tmp_path, people):
    directory = stored(tmp_path / "preferences", people)
    collect(CollectConfig(episodes=9, population="human", image_size=None), tmp_path / "others")
    with pytest.raises(ValueError, match="preferences was made from other rollouts than .*others"):
        load_comparisons(directory, "train", Dataset(tmp_path / "others"))


def test_a_batch_of_pairs_holds_the_chosen_and_then_the_rejected(tmp_path):
    collect(CollectConfig(episodes=8, image_size=(16, 16)), tmp_path / "people")
    dataset = Dataset(tmp_path / "people")
    pairs = Comparisons(np.array([0, 1, 2, 3]), np.array([4, 5, 6, 7]))
    batch = pair_batch(dataset, pairs, np.array([2, 0]), torch.device("cpu"))
    for row, episode in enumerate((2, 0, 6, 4)):
        expected = dataset.trajectory(episode)
        assert batch.lengths[row] == len(expected)
        assert np.array_equal(batch.actions[row, : len(expected)].numpy(), expected.actions)

    lengths = np.asarray(dataset.episodes["length"])
    longer = float((lengths[:4] > lengths[4:]).mean())
    found = ranking_of(lambda batch: batch.lengths.float(), dataset, pairs, torch.device("cpu"))
    assert found == {"accuracy": longer, "margin": float((lengths[:4] - lengths[4:]).mean())}
