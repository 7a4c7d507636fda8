"""States in half of their room, without loss: ten real numbers as they are, the rest in one whole number.

Of the `len(STATE)` columns two need no room in an episode: `steps` counts from 0, `look` stays. Those that take few
values are the digits of one number, in a mixed base. Timers run down from where they start by 0.1 s at a time, which is
not exact in floating point; but it is always the same short chain of numbers, and the digit says which of them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from jumppad_env.island import load_island
from jumppad_env.rules import PADS, RULES
from jumppad_env.world import STATE
from jumppad_env.world.state import LOOK, STEPS, STRIDE, STRIDES

REAL = ("x", "y", "z", "yaw", "vx", "vy", "vz", "yaw_rate", "camera_yaw", "camera_tilt")
"""Columns that are stored as they are."""
PACKED = (*REAL, "digits")
"""Columns of packed states."""
SWITCHES = ("grounded", "mounted", "mount_held")
LONGEST_FLIGHT = 4096
"""Control steps after a pad that can be counted, and one: nearly seven minutes."""
LARGEST = 2**53
"""Whole numbers below it are exact in float64."""

_REAL = [STATE.index(name) for name in REAL]


@functools.cache
def timers() -> dict[str, tuple[float, ...]]:
    """Returns the values, s, that each timer takes, from 0 up to where it starts."""
    starts = {
        "attack_left": RULES.attack_seconds,
        "dodge_left": RULES.dodge_seconds,
        "dodge_wait": RULES.dodge_cooldown,
        "flight_left": load_island().flight_seconds,
    }
    return {name: _chain(start) for name, start in starts.items()}


def _chain(start: float) -> tuple[float, ...]:
    values = [start]
    while values[-1] > 0:  # as `jumppad_env.world.settle` counts
        left = values[-1] - RULES.control_step
        values.append(left if left >= 1e-9 else 0.0)
    return tuple(reversed(values))


@functools.cache
def _digits() -> tuple[tuple[int, np.ndarray], ...]:
    """Returns column and possible values, ascending, of each digit, the lowest first."""
    values = {
        **dict.fromkeys(SWITCHES, (0.0, 1.0)),
        "pad": range(-1, len(PADS)),
        **timers(),
        "since_pad": range(-1, LONGEST_FLIGHT - 1),
    }
    return tuple((STATE.index(name), np.array(several, np.float64)) for name, several in values.items())


def description() -> dict[str, Any]:
    """Returns what a reader of packed states needs to know, for a manifest; states of other rules have another."""
    bases = {STATE[column]: len(values) for column, values in _digits()}
    chains = {name: list(values) for name, values in timers().items()}
    return {"columns": list(PACKED), "bases": bases, "timers": chains, "strides": STRIDES}


def pack(states: np.ndarray) -> np.ndarray:
    """Packs the states of one episode.

    Args:
        states: float64 (T, len(STATE)), from the first on.

    Returns:
        float64 (T, len(PACKED)); `unpack` gives back the same bits.

    Raises:
        ValueError: a state that no play from step 0 on leads to; the message names row, column and value.
    """
    if states.ndim != 2 or states.shape[1] != len(STATE) or states.dtype != np.float64 or not len(states):
        raise ValueError(f"states must be float64 (T, {len(STATE)}), T > 0; got {states.dtype} {states.shape}")
    if not np.isfinite(states).all():
        row, column = np.argwhere(~np.isfinite(states))[0]
        raise ValueError(f"state {row} has {STATE[column]} {states[row, column]}, expected a finite number")
    number = np.zeros(len(states), np.int64)
    weight = 1
    for column, values in _digits():
        number += weight * np.searchsorted(values[:-1], states[:, column])
        weight *= len(values)
    # What does not fit, here or above, comes out of `unpack` as something else.
    strides = np.clip(states[:, STRIDE] * STRIDES, 0, LARGEST // weight - 1)
    number += weight * strides.astype(np.int64)
    packed = np.empty((len(states), len(PACKED)))
    packed[:, :-1] = states[:, _REAL]
    packed[:, -1] = number
    again = unpack(packed, np.arange(len(states)), np.repeat(states[:1, LOOK], len(states)))
    different = again.view(np.int64) != states.view(np.int64)
    if different.any():
        row, column = np.argwhere(different)[0]
        raise ValueError(
            f"state {row} has {STATE[column]} {float(states[row, column])!r}, which no play from step 0 on leads to "
            f"(expected something like {float(again[row, column])!r}); store whole episodes, as they were played"
        )
    return packed


def unpack(packed: np.ndarray, steps: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """Unpacks states.

    Args:
        packed: float64 (N, len(PACKED)).
        steps: (N,), control steps since the episode began.
        looks: (N,), the episodes' looks.

    Returns:
        float64 (N, len(STATE)).

    Raises:
        ValueError: damaged states.
    """
    digits = packed[:, -1]
    if not (np.isfinite(packed).all() and (digits >= 0).all() and (digits < LARGEST).all()):
        raise ValueError("packed states hold numbers that are none of a state")
    number = digits.astype(np.int64)
    if (number != digits).any():
        raise ValueError("packed states hold digits that are no whole number")
    states = np.empty((len(packed), len(STATE)))
    states[:, _REAL] = packed[:, :-1]
    for column, values in _digits():
        number, digit = np.divmod(number, len(values))
        states[:, column] = values[digit]
    states[:, STRIDE] = number / STRIDES
    states[:, STEPS] = steps
    states[:, LOOK] = looks
    return states
