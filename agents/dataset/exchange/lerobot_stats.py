"""Feature statistics in LeRobot's format, per episode and for a whole dataset.

Names, shapes and aggregation follow `compute_stats.py` of LeRobot 0.6.2 (https://github.com/huggingface/lerobot).
Quantiles of an episode are exact here; LeRobot estimates them from histograms.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Stats = dict[str, np.ndarray]
QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}


def column_stats(column: np.ndarray) -> Stats:
    """Returns statistics of each component of a feature.

    Args:
        column: (T,) or (T, D), numbers or bools.

    Returns:
        min, max, mean, std and quantiles, float64 (D,) with D = 1 for (T,), and count, int64 (1,).
    """
    values = column.reshape(len(column), -1).astype(np.float64)
    quantiles = np.quantile(values, list(QUANTILES.values()), axis=0)
    return {
        "min": values.min(axis=0),
        "max": values.max(axis=0),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
        "count": np.array([len(column)]),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def image_stats(frames: np.ndarray) -> Stats:
    """Returns statistics of each color channel, scaled to [0, 1].

    Args:
        frames: uint8 (T, H, W, 3).

    Returns:
        As `column_stats`, but of shape (3, 1, 1); count is the number of frames.
    """
    channels = [_counted(np.bincount(frames[..., channel].ravel(), minlength=256)) for channel in range(3)]
    stats = {name: np.array([channel[name] for channel in channels]).reshape(3, 1, 1) / 255 for name in channels[0]}
    return {**stats, "count": np.array([len(frames)])}


def _counted(counts: np.ndarray) -> dict[str, float]:
    """Returns statistics of uint8 values from their histogram, which is faster than sorting millions of pixels."""
    levels = np.arange(256)
    total = counts.sum()
    mean = float(counts @ levels / total)
    up_to = np.cumsum(counts)
    present = np.flatnonzero(counts)
    stats = {
        "min": float(present[0]),
        "max": float(present[-1]),
        "mean": mean,
        "std": float(np.sqrt(counts @ (levels - mean) ** 2 / total)),
    }
    for name, share in QUANTILES.items():
        rank, weight = divmod(share * (total - 1), 1)  # linear interpolation, as in np.quantile
        low, high = np.searchsorted(up_to, [rank, min(rank + 1, total - 1)], side="right")
        stats[name] = float(low + weight * (high - low))
    return stats


def join(parts: list[Mapping[str, Stats]]) -> dict[str, Stats]:
    """Aggregates the statistics of all episodes.

    Means and standard deviations are exact. Quantiles cannot be aggregated exactly: as in LeRobot, lower quantiles and
    the median are the minimum over episodes, upper quantiles the maximum.

    Args:
        parts: per episode, statistics by feature.
    """
    return {feature: _join([part[feature] for part in parts]) for feature in parts[0]}


def _join(parts: list[Stats]) -> Stats:
    stacked = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    counts = stacked["count"].reshape(-1, *[1] * (stacked["mean"].ndim - 1))
    total = counts.sum()
    mean = (stacked["mean"] * counts).sum(axis=0) / total
    variance = ((stacked["std"] ** 2 + (stacked["mean"] - mean) ** 2) * counts).sum(axis=0) / total
    quantiles = {
        name: stacked[name].min(axis=0) if share <= 0.5 else stacked[name].max(axis=0)
        for name, share in QUANTILES.items()
    }
    return {
        "min": stacked["min"].min(axis=0),
        "max": stacked["max"].max(axis=0),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": np.array([total]),
        **quantiles,
    }
