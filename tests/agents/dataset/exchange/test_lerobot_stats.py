"""Statistics are NumPy's."""

import numpy as np
import pytest

from agents.dataset.exchange.lerobot_stats import QUANTILES, column_stats, image_stats, join


def expected(values, axis):
    stats = {name: getattr(values, name)(axis=axis) for name in ("min", "max", "mean", "std")}
    return stats | {name: np.quantile(values, share, axis=axis) for name, share in QUANTILES.items()}


@pytest.mark.parametrize("shape", [(50,), (50, 7), (1, 3)])
def test_columns(shape):
    column = np.random.default_rng(0).normal(size=shape)
    stats = column_stats(column)
    assert stats.pop("count").tolist() == [shape[0]]
    for name, value in expected(column.reshape(shape[0], -1), 0).items():
        assert stats[name].shape == value.shape and np.allclose(stats[name], value), name


@pytest.mark.parametrize("seed", range(5))
def test_images_counted_are_images_sorted(seed):
    generator = np.random.default_rng(seed)
    frames = generator.choice(generator.integers(256, size=6), size=(3, 4, 5, 3)).astype(np.uint8)
    stats = image_stats(frames)
    assert stats.pop("count").tolist() == [3]
    for name, value in expected(frames / 255.0, (0, 1, 2)).items():
        assert stats[name].shape == (3, 1, 1) and np.allclose(stats[name].ravel(), value), name


def test_parts_join_to_the_whole():
    generator = np.random.default_rng(0)
    parts = [generator.normal(mean, size=(count, 2)) for mean, count in ((0, 3), (5, 40), (-2, 1))]
    joined = join([{"x": column_stats(part)} for part in parts])["x"]
    whole = column_stats(np.concatenate(parts))
    for name in ("min", "max", "mean", "std", "count"):
        assert np.allclose(joined[name], whole[name]), name
    for name, share in QUANTILES.items():  # bounds of the parts' own
        own = [np.quantile(part, share, axis=0) for part in parts]
        assert np.allclose(joined[name], np.min(own, axis=0) if share <= 0.5 else np.max(own, axis=0))
