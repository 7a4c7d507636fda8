"""The gamepad: the format of actions.

An action is 16 integers: four stick axes in 11 buckets each, then 12 buttons, up (0) or down (1).
Source: section 3.1 of "Aligning Agents like Large Language Models" (arXiv 2406.04208).
"""

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
    if (array.astype(np.uint64) > _LARGEST).any():  # negative values become huge
        raise ValueError(
            f"action {array.tolist() if array.ndim == 1 else 'batch'} is out of range: "
            f"sticks must lie in 0 to {BUCKETS - 1}, buttons must be 0 or 1"
        )
    return array
