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


@pytest.mark.parametrize("left", [0, 20, 300])
def test_a_truncated_file_of_comparisons_is_refused(tmp_path, left):
    with artifact.begin(tmp_path / "preferences", kind="preferences", config={}, seed=0) as work:
        names = ("train_chosen", "train_rejected", "held_out_chosen", "held_out_rejected")
        np.savez(work.directory / FILE, **dict.fromkeys(names, np.arange(9)))  # pyright: ignore[reportArgumentType]
    assert np.array_equal(load_comparisons(tmp_path / "preferences", "train").chosen, np.arange(9))
    path = tmp_path / "preferences" / FILE
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match="is damaged .*; delete .* and run the stage"):
        load_comparisons(tmp_path / "preferences", "train")


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
