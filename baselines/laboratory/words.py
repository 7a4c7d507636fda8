"""Words for numbers: what they rest on, what may be said of a difference, and how one stands beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from baselines.laboratory.experiment import Row
from baselines.laboratory.statistics import FEWEST, Estimate, Measure, compare, per_seed, points, significance

LEVEL = 0.05
"""Of significance."""
READING = 0.007
"""By how much the paper's numbers may be off, which are read off its figures."""
WIDE = 0.05
"""Half of an interval that is too wide to agree with anything."""
UNTOLD = "no difference can be told"
"""What is said of a difference that is not significant."""
PROBES = {"odd_start": "odd starts", "forced_miss": "forced misses"}
"""Kinds of probes, in words."""


# What numbers rest on. ------------------------------------------------------------------------------------------------


def counted(number: int, noun: str) -> str:
    """Returns "1 seed" or "5 seeds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span(values: Iterable[float]) -> str:
    """Returns "500", or "500 to 1,000" where numbers differ."""
    low, high = min(values := list(values)), max(values)
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def seeds_of(rows: Iterable[Row]) -> str:
    """Returns "5 seeds"."""
    return counted(len({row["seed"] for row in rows}), "seed")


def seeds_in_words(rows: Iterable[Row]) -> str:
    """Returns "5 seeds", or "2 seeds, too few for a test"."""
    rows = list(rows)
    return seeds_of(rows) + (", too few for a test" if len({row["seed"] for row in rows}) < FEWEST else "")


def sizes(rows: Iterable[Row], key: str = "episodes", noun: str = "episode") -> str:
    """Returns how much was measured: "5 seeds, 500 to 1,000 episodes each"."""
    rows = list(rows)
    return f"{seeds_of(rows)}, {span(row[key] for row in rows)} {noun}s each"


def probed(rows: Iterable[Row], *kinds: str) -> str:
    """Returns how much was probed: "180 to 251 forced misses each".

    Args:
        rows: of all that was probed.
        kinds: of `PROBES`.
    """
    rows = list(rows)
    parts = [f"{span(row[f'{kind}_probed'] for row in rows)} {PROBES[kind]}" for kind in kinds]
    return f"{listed(parts)} each"


def lost(rows: Iterable[Row], measure: Measure) -> str:
    """Returns how many seeds stay below half, which a mean hides: ", below half with 2 of 5 seeds", "" for none."""
    levels = per_seed(rows, measure).values()
    below = sum(level < 0.5 for level in levels)
    return f", below half with {below} of {counted(len(levels), 'seed')}" if below else ""


def intervals(rows: Iterable[Row]) -> str:
    """Returns what faint marks, whiskers and bands show."""
    seeds = len({row["seed"] for row in rows})
    said = "too few seeds for intervals" if seeds < FEWEST else f"intervals: 95% over {seeds} seeds"
    return f"faint: single seeds; {said}" if seeds > 1 else said


# Differences. ---------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """By how much one condition exceeds another, paired by seed."""

    value: Estimate
    p: float

    @property
    def is_tested(self) -> bool:
        """Whether there were seeds enough for a test."""
        return not math.isnan(self.p)

    @property
    def sign(self) -> int:
        """1 or -1 where it is significant, 0 where none can be told; never told below `FEWEST` seeds."""
        return 0 if not self.p < LEVEL else 1 if self.value.mean > 0 else -1

    def said(self, higher: str = "", lower: str = "", same: str = UNTOLD) -> str:
        """Returns a difference of shares, its test, and which of three things it says.

        Returns:
            "+3.1 ± 1.2 points, p = 0.03: higher", without the end where nothing is to be said; with too few seeds
            for a test "+3.1 points".
        """
        if not self.is_tested:
            return points(self.value)
        judged = self.judged(higher, lower, same) if higher else ""
        return f"{points(self.value)}, {significance(self.p)}{judged}"

    def judged(self, higher: str, lower: str, same: str = UNTOLD) -> str:
        """Returns ": " and which of three things it says, "" with too few seeds."""
        return f": {(same, higher, lower)[self.sign]}" if self.is_tested else ""


def difference(first: Iterable[Row], second: Iterable[Row], measure: Measure) -> Difference | None:
    """Returns by how much the first exceeds the second, None where no seed has both."""
    first, second = list(first), list(second)
    if not per_seed(first, measure).keys() & per_seed(second, measure).keys():
        return None
    return Difference(*compare(first, second, measure))


def versus(first: Iterable[Row], second: Iterable[Row], measure: Measure, higher: str, lower: str) -> str:
    """Returns what `Difference.said` of two conditions; says so where no seed has both."""
    found = difference(first, second, measure)
    return "not compared, for no seed has both" if found is None else found.said(higher, lower)


# Other numbers. -------------------------------------------------------------------------------------------------------


def beside_paper(value: Estimate, paper: float) -> str:
    """Returns how a share stands to the paper's: "which agrees with the paper's 98.7%".

    The paper's has no interval, so ours agrees where its own, widened by what the paper's may be off, holds it.
    An interval that is `WIDE` would agree with anything, and so with nothing.
    """
    theirs = f"the paper's {100 * paper:.1f}%"
    if math.isnan(value.low):
        return f"on too few seeds to judge beside {theirs}"
    half = value.high - value.mean + READING
    away = value.mean - paper
    if half > WIDE:
        return f"too uncertain to judge beside {theirs}"
    if abs(away) <= half:
        return f"which agrees with {theirs}"
    return f"which lies {100 * abs(away):.1f} points {'above' if away > 0 else 'below'} {theirs}"


def in_units(value: Estimate) -> str:
    """Returns a number that is no share as "1.25 ± 0.10"."""
    return f"{value.mean:.2f}" + ("" if math.isnan(value.low) else f" ± {value.high - value.mean:.2f}")


def short(x: float) -> str:
    """Returns a number as it fits under a tick: "7e-4", "0.15", "500", "1k", "1.2M"."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if x >= size:
            return f"{x / size:.3g}{unit}"
    if not 0 < x < 0.1:
        return f"{x:g}"
    digits, exponent = f"{x:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"


def listed(parts: Iterable[str]) -> str:
    """Returns "a", "a and b", "a, b and c"; "none" for nothing."""
    *first, last = list(parts) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last
