"""Interpolation between two states."""

import numpy as np
import pytest

from jumppad_env.game.interpolation import ANGLES, LINEAR, TIMER, interpolate
from jumppad_env.world import STATE
from jumppad_env.world.state import GROUNDED, MOUNTED, PAD, SINCE_PAD, YAW


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two states without a common number; angles differ by less than half a turn."""
    older = np.random.default_rng(0).normal(size=len(STATE))
    return older, older + np.random.default_rng(1).uniform(0.1, 3.0, len(STATE))


def test_interpolation_ends_exactly_at_the_newer_state(pair):
    older, newer = pair
    newer[YAW] += 6 * np.pi  # turned round three times: still that very number
    assert np.array_equal(interpolate(older, newer, 1.0), newer)
    assert np.array_equal(interpolate(newer, newer, 0.3), newer)


def test_interpolation_starts_at_the_older_state(pair):
    older, newer = pair
    start = interpolate(older, newer, 0.0)
    assert np.array_equal(start[LINEAR], older[LINEAR])
    assert start[ANGLES] == pytest.approx(older[ANGLES], abs=1e-12)


def test_positions_are_linear_and_discrete_columns_switch_at_once(pair):
    older, newer = pair
    state = interpolate(older, newer, 0.25)
    for column, (value, old, new) in enumerate(zip(state, older, newer, strict=True)):
        expected = 0.75 * old + 0.25 * new if column in LINEAR + ANGLES else new
        assert column == TIMER or value == pytest.approx(expected, abs=1e-12), STATE[column]
    assert {MOUNTED, PAD, GROUNDED, SINCE_PAD}.isdisjoint(LINEAR + ANGLES)


@pytest.mark.parametrize("column", ANGLES)
@pytest.mark.parametrize(
    ("old", "new", "middle"),
    [(3.0, -3.0, np.pi), (-3.0, 3.0, -np.pi), (0.2, 0.4, 0.3), (0.2, 0.4 + 2 * np.pi, 0.3), (7.0, 7.2, 7.1)],
)
def test_angles_take_the_shorter_arc(column, old, new, middle):
    older, newer = np.zeros(len(STATE)), np.zeros(len(STATE))
    older[column], newer[column] = old, new
    steps = [interpolate(older, newer, part)[column] for part in np.linspace(0, 1, 11)]
    assert np.cos(steps[5] - middle) == pytest.approx(1.0, abs=1e-12)
    assert np.abs(np.diff(steps)).max() < 0.05, "no jump on the way"


@pytest.mark.parametrize(("old", "new"), [(0.0, 0.4), (0.4, 0.3), (0.1, 0.0)])
def test_the_time_left_of_an_attack_counts_down(old, new):
    older, newer = np.zeros(len(STATE)), np.zeros(len(STATE))
    older[TIMER], newer[TIMER] = old, new
    left = [interpolate(older, newer, part)[TIMER] for part in (0.0, 0.25, 1.0)]
    assert left == pytest.approx([new + 0.1, new + 0.075, new])


@pytest.mark.parametrize(("part", "same"), [(-0.5, 0.0), (1.5, 1.0)])
def test_interpolation_stays_between_the_two_states(pair, part, same):
    assert np.array_equal(interpolate(pair[0], pair[1], part), interpolate(pair[0], pair[1], same))


def test_neither_state_is_changed(pair):
    kept = [state.copy() for state in pair]
    interpolate(pair[0], pair[1], 0.5)[:] = 0.0
    interpolate(pair[0], pair[1], 1.0)[:] = 0.0
    assert np.array_equal(pair, kept)
