"""What an agent observes of a state: the observation of `JumppadState-v0`, computed from states."""

from typing import Any

import numpy as np

from jumppad_env.island import load_island
from jumppad_env.rules import PADS
from jumppad_env.world.state import (
    ATTACK_LEFT,
    CAMERA_TILT,
    CAMERA_YAW,
    DODGE_WAIT,
    GROUNDED,
    MOUNTED,
    PAD,
    POSITION,
    STATE,
    VELOCITY,
    YAW,
)


def observe(states: Any) -> np.ndarray:
    """Returns what `JumppadState-v0` shows of states, such as those of a dataset; bit for bit the environment's.

    Args:
        states: float64 (..., len(STATE)), as an array or as the `states` of a dataset.

    Returns:
        float32 (..., STATE_WIDTH), columns as in `jumppad_env.world.episodes.STATE_OBSERVATION`.

    Raises:
        ValueError: they have another shape, or hold no numbers.
    """
    states = np.asarray(states)
    if states.shape[-1:] != (len(STATE),) or states.dtype.kind not in "iuf":
        raise ValueError(f"states must be numbers (..., {len(STATE)}), got {states.dtype} {states.shape}")
    rows = states.reshape(-1, len(STATE)).astype(np.float64, copy=False)
    single = [rows[:, column] for column in (CAMERA_TILT, GROUNDED, MOUNTED, ATTACK_LEFT, DODGE_WAIT)]
    seen = columns(rows[:, POSITION], rows[:, VELOCITY], rows[:, YAW], rows[:, CAMERA_YAW], single, rows[:, PAD])
    return seen.reshape(*states.shape[:-1], seen.shape[1])


def columns(
    position: np.ndarray,
    velocity: np.ndarray,
    heading: np.ndarray,
    camera_yaw: np.ndarray,
    single: list[np.ndarray],
    pad: np.ndarray,
) -> np.ndarray:
    """Returns the observation, float32 (N, STATE_WIDTH).

    Args:
        position: (N, 3) m.
        velocity: (N, 3) m/s.
        heading: (N,) rad.
        camera_yaw: (N,) rad.
        single: (N,) each: camera's tilt, grounded, mounted, time of the attack and until the next dodge.
        pad: (N,) index of the pad touched, -1 for none.
    """
    way = load_island().pads[None, :, :2] - position[:, None, :2]
    parts = [
        position,
        velocity,
        np.stack([np.sin(heading), np.cos(heading)], axis=1),
        np.stack([np.sin(camera_yaw), np.cos(camera_yaw)], axis=1),
        *(column[:, None] for column in single),
        way.reshape(len(position), 2 * len(PADS)),
        pad[:, None] == np.arange(len(PADS)),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float32)
