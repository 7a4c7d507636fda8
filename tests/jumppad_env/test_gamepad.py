import numpy as np
import pytest

from jumppad_env import gamepad


def test_the_action_space_is_the_papers():
    assert gamepad.action_space().nvec.tolist() == [11] * 4 + [2] * 12


def test_buckets_are_a_tenth_of_the_stick_apart_and_the_center_is_exact():
    assert np.allclose(gamepad.STICK_VALUES, np.arange(-10, 11, 2) / 10, atol=1e-15, rtol=0)
    assert gamepad.STICK_VALUES[gamepad.CENTER] == 0.0


def test_left_and_right_of_a_stick_are_exactly_opposite():
    assert np.array_equal(gamepad.STICK_VALUES, -gamepad.STICK_VALUES[::-1])


def test_deflections_and_buckets_are_inverse():
    buckets = np.arange(gamepad.BUCKETS)
    assert np.array_equal(gamepad.to_buckets(gamepad.STICK_VALUES), buckets)
    assert gamepad.to_buckets(gamepad.STICK_VALUES).dtype == np.uint8
    assert np.array_equal(gamepad.to_buckets(gamepad.STICK_VALUES + 0.09), buckets)
    assert np.array_equal(gamepad.to_buckets(gamepad.STICK_VALUES - 0.09), buckets)
    assert gamepad.to_buckets(np.array([-7.0, 7.0])).tolist() == [0, 10]


def test_the_neutral_action_is_in_the_space_and_does_nothing():
    assert gamepad.action_space().contains(gamepad.NEUTRAL.astype(np.int64))
    assert not gamepad.STICK_VALUES[gamepad.NEUTRAL[:4]].any()
    assert not gamepad.NEUTRAL[4:].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, bool, list])
def test_every_kind_of_integer_is_an_action(dtype):
    action = gamepad.action_space().nvec - 1 if dtype is not bool else np.ones(16)
    action = action.tolist() if dtype is list else action.astype(dtype)
    assert np.array_equal(gamepad.validate(action, (16,)), action)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.zeros(15, int), r"shape \(15,\), expected \(16,\)"),
        (np.zeros((1, 16), int), r"shape \(1, 16\), expected \(16,\)"),
        (np.zeros(16), "dtype float64, expected integers.*ContinuousGamepad"),
        (["A"] * 16, "dtype <U1, expected integers"),
        (None, r"shape \(\), expected \(16,\)"),
        ([11] + [0] * 15, "sticks must lie in 0 to 10"),
        ([-1] + [0] * 15, "sticks must lie in 0 to 10"),
        ([0] * 15 + [2], "buttons must be 0 or 1"),
        ([0] * 15 + [-1], "buttons must be 0 or 1"),
        ([[0], [0, 1]], "action"),
    ],
)
def test_anything_else_is_rejected_and_the_message_says_why(action, message):
    with pytest.raises(ValueError, match=message):
        gamepad.validate(action, (16,))
