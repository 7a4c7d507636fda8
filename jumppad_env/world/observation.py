"""What an agent observes of a state: the observation of `JumppadState-v0`, computed from states."""

import math
from typing import Any

import numpy as np

from jumppad_env.compiled import compiled
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
    STATE,
    VX,
    YAW,
    X,
    Y,
)

FIRST_PAD = 15
"""First column of an observation that depends on the pads."""
WIDTH = FIRST_PAD + 3 * len(PADS)
"""Columns of an observation."""


def observe(states: Any) -> np.ndarray:
    """Returns what `JumppadState-v0` shows of states, such as those of a dataset; bit for bit the environment's.

    Args:
        states: float64 (..., len(STATE)), without further columns.

    Returns:
        float32 (..., STATE_WIDTH), columns as in `jumppad_env.world.episodes.STATE_OBSERVATION`.

    Raises:
        ValueError: they have another shape, or hold no numbers.
    """
    states = np.asarray(states)
    if states.shape[-1:] != (len(STATE),) or states.dtype.kind not in "iuf":
        raise ValueError(f"states must be numbers (..., {len(STATE)}), got {states.dtype} {states.shape}")
    seen = observe_rows(np.array(states.reshape(-1, len(STATE)), np.float64, order="C"))
    return seen.reshape(*states.shape[:-1], seen.shape[1])


def observe_rows(states: np.ndarray) -> np.ndarray:
    """Returns the observations, float32 (N, STATE_WIDTH), of states, float64 (N, len(STATE)) in C order, unchecked."""
    seen = np.empty((len(states), WIDTH), np.float32)
    fill(states, load_island().pads, seen)
    return seen


@compiled
def fill(states, pads, seen):
    """Fills observations.

    Args:
        states: (N, len(STATE)) float64.
        pads: (P, 3) m, centers of the pads.
        seen: (N, WIDTH) float32, output.
    """
    for row in range(len(states)):
        state, shown = states[row], seen[row]
        for column in range(3):
            shown[column], shown[3 + column] = state[X + column], state[VX + column]
        shown[6], shown[7] = math.sin(state[YAW]), math.cos(state[YAW])
        shown[8], shown[9] = math.sin(state[CAMERA_YAW]), math.cos(state[CAMERA_YAW])
        shown[10], shown[11], shown[12] = state[CAMERA_TILT], state[GROUNDED], state[MOUNTED]
        shown[13], shown[14] = state[ATTACK_LEFT], state[DODGE_WAIT]
        for pad in range(len(pads)):
            shown[FIRST_PAD + 2 * pad] = pads[pad, 0] - state[X]
            shown[FIRST_PAD + 2 * pad + 1] = pads[pad, 1] - state[Y]
            shown[FIRST_PAD + 2 * len(pads) + pad] = state[PAD] == pad
