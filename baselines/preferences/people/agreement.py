"""How far answers can be trusted: people with themselves, with each other, with what is known, and with a side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import bdtr  # scipy.stats takes a second to import

from agents.outcomes import wilson_interval
from baselines.preferences.people.store import Given


def trust(given: Sequence[Given], truth: np.ndarray | None = None) -> dict[str, Any]:
    """Returns what a panel shows about answers; shares as `_share`, None where nothing was asked.

    Args:
        given: valid answers.
        truth: (episodes,) synthetic value of each episode, higher is better.
    """
    once = [one for one in given if not one.repeat and one.value is not None]
    kinds: dict[str, int] = defaultdict(int)
    for one in given:
        kinds[one.answer] += 1
    golden = [one.value == one.known for one in once if one.known is not None]
    told = []
    if truth is not None:
        told = [
            one.value == float(truth[one.first] > truth[one.second])
            for one in once
            if truth[one.first] != truth[one.second]
        ]
    return {
        "kinds": dict(kinds),
        "consistent": _share(_repeated(given)),
        "golden": _share(golden),
        "synthetic": _share(told),
        "sides": sides(given),
        "alpha": krippendorff_alpha(_ratings(once)),
        "kappas": {
            f"{first}, {second}": kappa for (first, second), kappa in sorted(pairwise_kappas(_ratings(once)).items())
        },
    }


def sides(given: Sequence[Given]) -> dict[str, Any]:
    """Returns how often the left side was preferred to the right, and the p of no taste for a side (binomial test)."""
    left, right = (sum(one.answer == side for one in given) for side in ("left", "right"))
    tail = float(bdtr(min(left, right), left + right, 0.5))
    p = min(1.0, 2 * tail) if left + right else None  # both tails are the same
    return {"left": left, "right": right, "p": p}


def _repeated(given: Sequence[Given]) -> list[bool]:
    """Returns for every repeat whether it was answered as before."""
    first = {(one.annotator, one.pair): one.value for one in given if not one.repeat and one.value is not None}
    again = [one for one in given if one.repeat and one.value is not None]
    return [first[key] == one.value for one in again if (key := (one.annotator, one.pair)) in first]


def _share(values: Sequence[bool]) -> dict[str, Any] | None:
    if not values:
        return None
    count = sum(values)
    return {"share": count / len(values), "of": len(values), "ci95": list(wilson_interval(count, len(values)))}


def _ratings(given: Sequence[Given]) -> dict[int, dict[str, float]]:
    """Returns each person's value of each pair; the last one counts."""
    ratings: dict[int, dict[str, float]] = defaultdict(dict)
    for one in given:
        if one.value is not None:
            ratings[one.pair][one.annotator] = one.value
    return ratings


def krippendorff_alpha(ratings: dict[int, dict[str, float]]) -> float | None:
    """Returns Krippendorff's alpha of nominal ratings by any number of people; None without two of a pair.

    Source: Krippendorff (2011), "Computing Krippendorff's alpha-reliability", with coincidences of all pairs of values.
    """
    names = sorted({value for by in ratings.values() for value in by.values()})
    coincidences = np.zeros((len(names), len(names)))
    for by in ratings.values():
        values = [names.index(value) for value in by.values()]
        for one, other in combinations(values, 2):
            coincidences[one, other] += 1 / (len(values) - 1)
            coincidences[other, one] += 1 / (len(values) - 1)
    totals = coincidences.sum(axis=1)
    n = totals.sum()
    if n < 2:
        return None
    observed = n - np.trace(coincidences)
    expected = (n * n - (totals**2).sum()) / (n - 1)
    return 1.0 if expected == 0 else float(1 - observed / expected)


def pairwise_kappas(ratings: dict[int, dict[str, float]]) -> dict[tuple[str, str], float]:
    """Returns Cohen's kappa of every two people who answered the same pairs.

    Source: Cohen (1960), "A coefficient of agreement for nominal scales".
    """
    both: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for by in ratings.values():
        for one, other in combinations(sorted(by), 2):
            both[one, other].append((by[one], by[other]))
    found = {}
    for people, values in both.items():
        first, second = np.array(values).T
        agreed = float((first == second).mean())
        chance = sum(float((first == value).mean() * (second == value).mean()) for value in (0.0, 0.5, 1.0))
        found[people] = 1.0 if chance == 1 else (agreed - chance) / (1 - chance)
    return found
