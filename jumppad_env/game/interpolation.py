"""Interpolates states between two control steps, for smoother motion in a window than the rules' 10 Hz.

Interpolated states are only drawn; the simulation never continues from one.
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
"""Columns interpolated linearly; characters lean with the velocities and walk with the stride."""
ANGLES = [YAW, CAMERA_YAW]
"""Columns interpolated along the shorter arc, rad."""
TIMER = ATTACK_LEFT
"""Counts down, s; it moves the arm. All other columns take their newer value."""


def interpolate(older: np.ndarray, newer: np.ndarray, part: float) -> np.ndarray:
    """Returns the state to draw between two states, float64 (len(STATE),), without changing them.

    Args:
        older: (len(STATE),) as in `world.STATE`.
        newer: (len(STATE),), one control step later.
        part: from 0 (older) to 1 (newer, exactly); clipped.
    """
    part = min(max(part, 0.0), 1.0)
    state = newer.copy()
    if part == 1.0:
        return state
    state[LINEAR] = older[LINEAR] + part * (newer[LINEAR] - older[LINEAR])
    # Backwards from the newer angle, so that it is met exactly, whole turns included.
    state[ANGLES] -= (1.0 - part) * wrap_angle(newer[ANGLES] - older[ANGLES])
    if older[TIMER] != newer[TIMER]:  # a new attack counts down from its full time, not up from 0
        state[TIMER] += (1.0 - part) * RULES.control_step
    return state
