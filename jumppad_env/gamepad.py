"""The gamepad: the format of actions, and two simpler formats that are turned into it.

An action is 16 integers: four stick axes in 11 buckets each, then 12 buttons, up (0) or down (1).
Source: section 3.1 of "Aligning Agents like Large Language Models" (arXiv 2406.04208).
"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces

AXES = ("left_x", "left_y", "right_x", "right_y")
BUTTONS = ("A", "B", "X", "Y", "LB", "RB", "LT", "RT", "L3", "R3", "DPAD_UP", "DPAD_DOWN")
BUCKETS = 11
CENTER = BUCKETS // 2
FACTORS = len(AXES) + len(BUTTONS)

LEFT_X, LEFT_Y, RIGHT_X, RIGHT_Y = range(len(AXES))
A, B, X, Y = (len(AXES) + BUTTONS.index(button) for button in "ABXY")

STICK_VALUES = (np.arange(BUCKETS) - CENTER) / CENTER
"""Deflection of each bucket, right and up positive, exactly symmetric."""

_LARGEST = np.array([BUCKETS - 1] * len(AXES) + [1] * len(BUTTONS), dtype=np.uint64)

NEUTRAL = np.array([CENTER] * len(AXES) + [0] * len(BUTTONS), dtype=np.uint8)
"""Sticks centered, no button pressed."""


DISCRETE_MOVES = (
    ("wait", 0.0, 0.0, 0.0, None),
    ("forward", 0.0, 1.0, 0.0, None),
    ("backward", 0.0, -1.0, 0.0, None),
    ("left", -1.0, 0.0, 0.0, None),
    ("right", 1.0, 0.0, 0.0, None),
    ("forward, turn left", 0.0, 1.0, -0.6, None),
    ("forward, turn right", 0.0, 1.0, 0.6, None),
    ("turn left", 0.0, 0.0, -0.6, None),
    ("turn right", 0.0, 0.0, 0.6, None),
    ("forward, jump", 0.0, 1.0, 0.0, A),
)
"""Name, left stick x and y, right stick x, button of each discrete action."""


def action_space() -> spaces.MultiDiscrete:
    """Returns ``MultiDiscrete([11, 11, 11, 11] + [2] * 12)``."""
    return spaces.MultiDiscrete([BUCKETS] * len(AXES) + [2] * len(BUTTONS))


def to_buckets(deflections: np.ndarray) -> np.ndarray:
    """Returns the buckets (uint8) nearest to stick deflections, which are clipped to [-1, 1]."""
    return np.rint((np.clip(deflections, -1.0, 1.0) + 1.0) * CENTER).astype(np.uint8)


def validate(actions: object, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the actions as an integer array of the given shape.

    Raises:
        ValueError: wrong shape, not integers, or a value out of range.
    """
    try:
        array = np.asarray(actions)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"action {actions!r} is not an array of shape {shape}") from error
    if array.shape != shape:
        raise ValueError(
            f"action has shape {array.shape}, expected {shape}: {len(AXES)} stick buckets (0 to {BUCKETS - 1}), "
            f"then {len(BUTTONS)} buttons (0 or 1)"
        )
    if array.dtype.kind not in "iub":
        raise ValueError(
            f"action has dtype {array.dtype}, expected integers; "
            "for continuous sticks use jumppad_env.ContinuousGamepad"
        )
    if not _fits(array):
        raise ValueError(
            f"action {array.tolist() if array.ndim == 1 else 'batch'} is out of range: "
            f"sticks must lie in 0 to {BUCKETS - 1}, buttons must be 0 or 1"
        )
    return array


def _fits(actions: np.ndarray) -> bool:
    if actions.ndim == 1:  # a few numbers of Python take less time than NumPy's functions
        numbers = actions.tolist()
        return min(numbers) >= 0 and all(map(operator.le, numbers, _LARGEST.tolist()))
    return not (actions.astype(np.uint64) > _LARGEST).any()  # negative values become huge


def from_continuous(actions: object, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the gamepad actions of stick deflections, rounded to the nearest bucket, and buttons, down above 0.

    Args:
        actions: (..., 16) numbers in [-1, 1]; what lies beyond counts as the end.
        shape: (..., 16), expected.

    Raises:
        ValueError: wrong shape, or not finite.
    """
    try:
        array = np.asarray(actions, dtype=np.float64)
    except (TypeError, ValueError):  # names, or rows of different lengths
        array = np.empty(0)
    if array.shape != shape or not np.isfinite(array).all():
        rows = "" if len(shape) == 1 else f"{shape[0]} rows of "
        raise ValueError(f"action must be {rows}{FACTORS} finite numbers in [-1, 1], got {actions!r}")
    axes = len(AXES)
    return np.concatenate([to_buckets(array[..., :axes]), (array[..., axes:] > 0).astype(np.uint8)], axis=-1)


def _moves() -> np.ndarray:
    table = np.tile(NEUTRAL, (len(DISCRETE_MOVES), 1))
    for row, (_, left_x, left_y, right_x, button) in zip(table, DISCRETE_MOVES, strict=True):
        row[: len(AXES)] = to_buckets(np.array([left_x, left_y, right_x, 0.0]))
        if button is not None:
            row[button] = 1
    return table


_MOVES = _moves()


def from_discrete(actions: object, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the gamepad actions of some `DISCRETE_MOVES`.

    Args:
        actions: (...) integers from 0 to 9.
        shape: (..., 16), expected of the gamepad actions.

    Raises:
        ValueError: wrong shape, or not such integers.
    """
    try:
        array: np.ndarray = np.asarray(actions)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    last = len(_MOVES) - 1
    if array.shape != shape[:-1] or array.dtype.kind not in "iu" or (array < 0).any() or (array > last).any():
        many = f"{shape[0]} integers" if len(shape) > 1 else "an integer"
        raise ValueError(f"action {actions!r} must be {many} from 0 to {last}")
    return _MOVES[array]


FORMATS: dict[str, tuple[Callable[[], spaces.Space[Any]], Callable[..., np.ndarray]]] = {
    "gamepad": (action_space, validate),
    "continuous": (partial(spaces.Box, -1.0, 1.0, (FACTORS,), np.float32), from_continuous),
    "discrete": (partial(spaces.Discrete, len(DISCRETE_MOVES)), from_discrete),
}
"""For each value of the keyword `actions`: makes the space of a single action; turns actions into the gamepad's."""
