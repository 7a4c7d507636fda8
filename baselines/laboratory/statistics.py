"""Numbers over seeds: means with 95% intervals, paired and exact tests, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from baselines.evaluate import mean_interval

Row = dict[str, Any]
"""JSON-serializable. All rows of an experiment have the same keys; `seed` is among them once they are gathered."""
FEWEST = 3
"""Seeds that a test and an interval need: with two, whether they agree by chance decides."""
LEVEL = 0.05
"""Of significance."""
SPLIT = 0.5
"""Gap between seeds of a share, above which they form two groups and a mean would describe neither."""
Measure = str | Callable[[Row], float | None]
"""What is averaged: a key of rows, or what makes a number of one; None leaves a row out."""


class Estimate(NamedTuple):
    """A mean over seeds with its 95% interval (Student's t), whose ends are no numbers below `FEWEST` seeds."""

    mean: float
    low: float
    high: float
    count: int


def estimate(values: Iterable[float]) -> Estimate:
    """Returns the mean of one number per seed, with its interval.

    Raises:
        ValueError: no numbers.
    """
    x = np.array(list(values), dtype=np.float64)
    if not len(x):
        raise ValueError("a mean needs at least one number, got none")
    mean, low, high = mean_interval(x)
    return Estimate(mean, low, high, len(x)) if len(x) >= FEWEST else Estimate(mean, math.nan, math.nan, len(x))


def paired_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Returns the two-sided p of Student's paired t-test; not a number where there are fewer than `FEWEST` pairs.

    Args:
        first: one number per seed.
        second: of the same seeds, in the same order.
    """
    difference = np.subtract(first, second)
    if len(difference) < FEWEST:
        return math.nan
    if np.ptp(difference) == 0:
        return 1.0 if difference[0] == 0 else 0.0
    return float(stats.ttest_rel(first, second).pvalue)


def is_split(shares: Iterable[float]) -> bool:
    """Returns whether the seeds of a share form two groups, with a gap of more than `SPLIT` between them."""
    return bool((np.diff(np.sort(list(shares))) > SPLIT).any())


def count_high(shares: Iterable[float]) -> int:
    """Returns how many seeds have a share above one half."""
    return sum(share > 0.5 for share in shares)


def exact_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Returns the two-sided p of Fisher's exact test on the numbers of seeds above one half.

    Args:
        first: one share per seed.
        second: likewise.
    """
    if min(len(first), len(second)) < FEWEST:
        return math.nan
    highs = [count_high(first), count_high(second)]
    lows = [len(first) - highs[0], len(second) - highs[1]]
    found: Any = stats.fisher_exact([highs, lows])
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p values corrected for their number; those that are not numbers stay so and do not count.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    order = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    corrected, largest = [math.nan] * len(p_values), 0.0
    for rank, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        corrected[index] = largest
    return corrected


def group(rows: Iterable[Row], *keys: str) -> dict[Any, list[Row]]:
    """Returns rows by the value of one key, or by the tuple of several, in the order of their first appearance."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        key = row[keys[0]] if len(keys) == 1 else tuple(row[name] for name in keys)
        groups.setdefault(key, []).append(row)
    return groups


def where(key: str, value: Any, measure: str) -> Measure:
    """Returns what measures only the rows that have this value of a key."""
    return lambda row: row[measure] if row[key] == value else None


def per_seed(rows: Iterable[Row], measure: Measure) -> dict[int, float]:
    """Returns the mean of a number over the rows of each seed, by seed; rows where it is None are left out."""
    value = measure if callable(measure) else lambda row: row[measure]
    found = {seed: [v for row in some if (v := value(row)) is not None] for seed, some in group(rows, "seed").items()}
    return {seed: float(np.mean(values)) for seed, values in found.items() if values}


def over_seeds(rows: Iterable[Row], measure: Measure) -> Estimate:
    """Returns the mean of a number over seeds, each of which counts once."""
    return estimate(per_seed(rows, measure).values())


def compare(first: Mapping[int, float], second: Mapping[int, float]) -> tuple[Estimate, float]:
    """Returns by how much the first exceeds the second, paired by seed, and the p of no difference.

    Args:
        first: a number by seed.
        second: likewise; seeds that only one has are left out.

    Raises:
        ValueError: they share no seed.
    """
    seeds = sorted(first.keys() & second.keys())
    a, b = [first[seed] for seed in seeds], [second[seed] for seed in seeds]
    return estimate(np.subtract(a, b)), paired_p(a, b)


def significance(p: float) -> str:
    """Returns a p value as "p = 0.03", "p < 0.001", or says that there are too few seeds."""
    if math.isnan(p):
        return "too few seeds for a test"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
