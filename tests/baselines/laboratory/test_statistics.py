import math

import numpy as np
import pytest
from scipy import stats

from baselines.laboratory.statistics import (
    compare,
    estimate,
    exact_p,
    group,
    holm,
    is_split,
    over_seeds,
    paired_p,
    per_seed,
    significance,
    where,
)

VALUES = [0.31, 0.36, 0.28, 0.4, 0.33]
OTHERS = [0.25, 0.35, 0.3, 0.31, 0.2]


def rows_of(values, measure="share"):
    return [{"seed": seed, measure: value} for seed, value in enumerate(values)]


def test_the_interval_is_student_s():
    found = estimate(VALUES)
    low, high = stats.t.interval(0.95, len(VALUES) - 1, loc=np.mean(VALUES), scale=stats.sem(VALUES))
    assert found == pytest.approx((np.mean(VALUES), low, high, 5))


def test_three_seeds_have_the_interval_of_the_closed_form():
    # t of two degrees of freedom: P(T < t) = 1/2 + t / (2 sqrt(2 + t^2)), so t^2 = 2 q^2 / (1 - q^2) with q = 0.95.
    found = estimate([0.0, 1.0, 2.0])
    assert found.high - found.mean == pytest.approx(math.sqrt(2 * 0.95**2 / (1 - 0.95**2)) / math.sqrt(3))


def test_fewer_have_no_interval_and_none_no_mean():
    for values in ([0.4], [0.2, 0.6]):
        found = estimate(values)
        assert (found.mean, found.count) == (0.4, len(values)) and math.isnan(found.low) and math.isnan(found.high)
    with pytest.raises(ValueError, match="at least one"):
        estimate([])


def test_intervals_of_normal_numbers_hold_the_truth_as_often_as_they_say():
    generator = np.random.default_rng(0)
    held = [low <= 3.0 <= high for _, low, high, _ in (estimate(generator.normal(3.0, 2.0, 4)) for _ in range(2000))]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_a_paired_test_is_a_test_of_the_differences():
    _, paired = stats.ttest_1samp(np.subtract(VALUES, OTHERS), 0.0)
    _, unpaired = stats.ttest_ind(VALUES, OTHERS)
    assert paired_p(VALUES, OTHERS) == pytest.approx(paired)
    assert paired_p(VALUES, OTHERS) != pytest.approx(unpaired)


def test_pairs_that_all_differ_alike_need_no_variance():
    assert paired_p([0.5, 0.75, 1.0], [0.5, 0.75, 1.0]) == 1.0
    assert paired_p([0.5, 0.75, 1.0], [0.25, 0.5, 0.75]) == 0.0


def test_two_seeds_are_too_few_for_a_test():
    assert math.isnan(paired_p([0.5, 0.75], [0.25, 0.5])) and math.isnan(paired_p([0.5], [0.25]))


def test_groups_come_in_the_order_of_their_first_rows():
    rows = [{"a": 2, "b": 1}, {"a": 1, "b": 1}, {"a": 2, "b": 3}]
    assert group(rows, "a") == {2: [rows[0], rows[2]], 1: [rows[1]]}
    assert list(group(rows, "a", "b")) == [(2, 1), (1, 1), (2, 3)]


def test_every_seed_counts_once_however_many_rows_it_has():
    rows = [{"seed": 0, "x": 0.0}, {"seed": 0, "x": 1.0}, {"seed": 0, "x": None}, {"seed": 1, "x": 1.0}]
    assert per_seed(rows, "x") == {0: 0.5, 1: 1.0}
    assert over_seeds(rows, "x").mean == 0.75
    assert per_seed([*rows, {"seed": 2, "x": None}], "x").keys() == {0, 1}
    assert per_seed([rows[0], rows[3]], lambda row: 2 * row["x"]) == {0: 0.0, 1: 2.0}


def test_a_comparison_pairs_by_seed_in_any_order_and_leaves_out_what_one_lacks():
    first, second = dict(enumerate(VALUES)), dict(enumerate(OTHERS))
    value, p = compare({9: 7.0, **dict(reversed(first.items()))}, second)
    assert value == pytest.approx(estimate(np.subtract(VALUES, OTHERS)))
    assert p == pytest.approx(paired_p(VALUES, OTHERS))
    with pytest.raises(ValueError):
        compare({0: 0.5}, {1: 0.5})


def test_a_measure_may_be_of_some_rows_only():
    rows = [{"seed": 0, "kind": "a", "x": 1.0}, {"seed": 0, "kind": "b", "x": 5.0}, {"seed": 1, "kind": "b", "x": 3.0}]
    assert per_seed(rows, where("kind", "a", "x")) == {0: 1.0} and per_seed(rows, where("kind", "b", "x")) == {
        0: 5.0,
        1: 3.0,
    }


def test_p_is_written_in_words():
    assert significance(math.nan) == "too few seeds for a test"
    assert significance(0.0004) == "p < 0.001" and significance(0.0312) == "p = 0.031"


def test_holm_multiplies_by_how_many_are_left_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0] and holm([]) == []
    found = holm([0.02, math.nan, 0.01])
    assert found[0] == found[2] == pytest.approx(0.02) and math.isnan(found[1]), "what is no number does not count"


def test_seeds_in_two_groups_are_told_from_seeds_that_are_spread():
    assert is_split([0.976, 0.0, 0.0, 0.0, 0.96]) and is_split([0.0, 0.96, 0.98, 0.99, 0.99])
    assert not is_split([0.276, 0.426, 0.761, 0.13, 0.976]) and not is_split([0.4]) and not is_split([])


def test_the_exact_test_is_on_counts_of_seeds_above_one_half():
    # All of 5 against none of 5: 1 of 252 ways on each side.
    assert exact_p([0.9] * 5, [0.1] * 5) == pytest.approx(2 / 252)
    assert exact_p([0.9, 0.1, 0.9], [0.8, 0.2, 0.6]) == 1.0 and math.isnan(exact_p([0.9] * 2, [0.1] * 2))
