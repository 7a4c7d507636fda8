"""Words for numbers: what may be said of a difference, as its p value decides, and of a number beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from baselines.reproduce.experiment import Row
from baselines.reproduce.statistics import FEWEST, Estimate, compare, points, significance

LEVEL = 0.05
"""Of significance."""
READING = 0.007
"""By how much the paper's numbers may be off, which are read off its figures."""
WIDE = 0.05
"""Half of an interval that is too wide to agree with anything."""


def sign(difference: Estimate, p: float) -> int:
    """Returns 1 or -1 where a difference is significant, 0 where none can be told."""
    if math.isnan(p) or p >= LEVEL:
        return 0
    return 1 if difference.mean > 0 else -1


def verdict(difference: Estimate, p: float, more: str, less: str) -> str:
    """Returns what is to be said of a difference, with the numbers in brackets.

    Args:
        difference: of shares.
        p: of no difference.
        more: said where it is significant and positive.
        less: said where it is significant and negative.
    """
    if math.isnan(p):
        return f"{points(difference)} ({significance(p)})"
    words = {1: more, -1: less, 0: "no difference can be told"}[sign(difference, p)]
    return f"{words} ({points(difference)}, {significance(p)})"


def versus(
    first: Iterable[Row], second: Iterable[Row], measure: str | Callable[[Row], float | None], more: str, less: str
) -> str:
    """Returns the verdict on two conditions, paired by seed; says so where they share no seed."""
    try:
        return verdict(*compare(first, second, measure), more, less)
    except ValueError:
        return "not compared, for no seed has both"


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


def listed(parts: Iterable[str]) -> str:
    """Returns "a", "a and b", "a, b and c"; "none" for nothing."""
    *first, last = list(parts) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def seeds_in_words(rows: list[Row]) -> str:
    """Returns "5 seeds", or "2 seeds, too few for a test"."""
    count = len({row["seed"] for row in rows})
    few = ", too few for a test" if count < FEWEST else ""
    return f"{count} seed{'s' if count > 1 else ''}{few}"
