"""Interpolates states between two control steps, for smoother motion in a window than the rules' 10 Hz.

Interpolated states are only drawn; the simulation never continues from one.
"""

import numpy as np

from jumppad_env.rules import RULES
from jumppad_env.world import state

LINEAR = [*state.POSITION, *state.VELOCITY, state.YAW_RATE, state.CAMERA_TILT, state.STEPS, state.STRIDE]
"""Columns interpolated linearly; characters lean with the velocities and walk with the stride."""
ANGLES = [state.YAW, state.CAMERA_YAW]
"""Columns interpolated along the shorter arc, rad."""
TIMER = state.ATTACK_LEFT
"""Counts down, s; it moves the arm. All other columns take their newer value."""


def interpolate(older: np.ndarray, newer: np.ndarray, part: float) -> np.ndarray:
    """Returns the state to draw between two states, float64 (len(STATE),), without changing them.

    Args:
        older: (len(STATE),) as in `world.STATE`.
        newer: (len(STATE),), one control step later.
        part: from 0 (older) to 1 (newer, exactly); clipped.
    """
    part = min(max(part, 0.0), 1.0)
    drawn = newer.copy()
    if part == 1.0:
        return drawn
    drawn[LINEAR] = older[LINEAR] + part * (newer[LINEAR] - older[LINEAR])
    # Backwards from the newer angle, so that it is met exactly, whole turns included.
    drawn[ANGLES] -= (1.0 - part) * state.wrap_angle(newer[ANGLES] - older[ANGLES])
    if older[TIMER] != newer[TIMER]:  # a new attack counts down from its full time, not up from 0
        drawn[TIMER] += (1.0 - part) * RULES.control_step
    return drawn
