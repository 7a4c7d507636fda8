"""Numbers over seeds: means with 95% intervals, paired tests, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from baselines.laboratory.experiment import Row

FEWEST = 3
"""Seeds that a test and an interval need: with two, whether they agree by chance decides."""
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
    mean = float(x.mean())
    if len(x) < FEWEST:
        return Estimate(mean, math.nan, math.nan, len(x))
    half = float(stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x)))
    return Estimate(mean, mean - half, mean + half, len(x))


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


def group(rows: Iterable[Row], *keys: str) -> dict[Any, list[Row]]:
    """Returns rows by the value of one key, or by the tuple of several, in the order of their first appearance."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        key = row[keys[0]] if len(keys) == 1 else tuple(row[name] for name in keys)
        groups.setdefault(key, []).append(row)
    return groups


def per_seed(rows: Iterable[Row], measure: Measure) -> dict[int, float]:
    """Returns the mean of a number over the rows of each seed, by seed; rows where it is None are left out."""
    value = measure if callable(measure) else lambda row: row[measure]
    found = {seed: [v for row in some if (v := value(row)) is not None] for seed, some in group(rows, "seed").items()}
    return {seed: float(np.mean(values)) for seed, values in found.items() if values}


def over_seeds(rows: Iterable[Row], measure: Measure) -> Estimate:
    """Returns the mean of a number over seeds, each of which counts once."""
    return estimate(per_seed(rows, measure).values())


def compare(first: Iterable[Row], second: Iterable[Row], measure: Measure) -> tuple[Estimate, float]:
    """Returns by how much the first exceeds the second, paired by seed, and the p of no difference.

    Raises:
        ValueError: they share no seed.
    """
    one, other = per_seed(first, measure), per_seed(second, measure)
    seeds = sorted(one.keys() & other.keys())
    a, b = [one[seed] for seed in seeds], [other[seed] for seed in seeds]
    return estimate(np.subtract(a, b)), paired_p(a, b)


def percent(value: Estimate) -> str:
    """Returns a share as "93.1 ± 1.2%"."""
    half = "" if math.isnan(value.low) else f" ± {100 * (value.high - value.mean):.1f}"
    return f"{100 * value.mean:.1f}{half}%"


def points(value: Estimate) -> str:
    """Returns a difference of shares as "+3.1 ± 1.2 points"."""
    half = "" if math.isnan(value.low) else f" ± {100 * (value.high - value.mean):.1f}"
    return f"{100 * value.mean:+.1f}{half} points"


def significance(p: float) -> str:
    """Returns a p value in words: "p = 0.03", "p < 0.001", or that there are too few seeds."""
    if math.isnan(p):
        return "too few seeds for a test"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
