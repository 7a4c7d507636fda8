"""States between two control steps, so that a window shows smoother motion than the 10 Hz of the rules.

They are for the eye only: no state in between is ever played on from.
"""

from __future__ import annotations

import numpy as np

from jumppad_env.rules import RULES
from jumppad_env.world.state import (
    ATTACK_LEFT,
    CAMERA_TILT,
    CAMERA_YAW,
    STEPS,
    STRIDE,
    VX,
    VY,
    VZ,
    YAW,
    YAW_RATE,
    X,
    Y,
    Z,
    wrap_angle,
)

LINEAR = [X, Y, Z, VX, VY, VZ, YAW_RATE, CAMERA_TILT, STEPS, STRIDE]
"""Columns that change evenly; figures lean with the velocities and walk with the stride."""
ANGLES = [YAW, CAMERA_YAW]
"""Columns that turn on the shorter way round, rad."""
TIMER = ATTACK_LEFT
"""Counts down, s: the arm swings with it. Every other column takes its newer value."""


def interpolate(older: np.ndarray, newer: np.ndarray, part: float) -> np.ndarray:
    """Returns the state to draw between two states, float64 (len(STATE),); neither is changed.

    Args:
        older: (len(STATE),) as in `world.STATE`.
        newer: (len(STATE),), one control step later.
        part: of the way from the older (0) to the newer (1), which is met exactly; clipped to that range.
    """
    part = min(max(part, 0.0), 1.0)
    state = newer.copy()
    if part == 1.0:
        return state
    state[LINEAR] = older[LINEAR] + part * (newer[LINEAR] - older[LINEAR])
    # Back from the newer angle, so that it is met to the last bit, whole turns included.
    state[ANGLES] -= (1.0 - part) * wrap_angle(newer[ANGLES] - older[ANGLES])
    if older[TIMER] != newer[TIMER]:  # an attack that has just begun comes down from its full time, not up from 0
        state[TIMER] += (1.0 - part) * RULES.control_step
    return state
