"""Lossless compression of states to half their size: ten real numbers as they are, the rest in one integer.

Two of the `len(STATE)` columns need no space: `steps` counts from 0 and `look` is constant within an episode. Columns
with few values become the digits of one mixed-radix integer. Timers count down in steps of 0.1 s, which is not exact in
floating point, but always yields the same short sequence of numbers; the digit is an index into that sequence.
"""

import functools
from typing import Any

import numpy as np

from jumppad_env.island import load_island
from jumppad_env.rules import PADS, RULES
from jumppad_env.world import STATE
from jumppad_env.world.state import LOOK, STEPS, STRIDE, STRIDES

REAL = ("x", "y", "z", "yaw", "vx", "vy", "vz", "yaw_rate", "camera_yaw", "camera_tilt")
"""Columns that are stored unchanged."""
PACKED = (*REAL, "digits")
"""Columns of packed states."""
SWITCHES = ("grounded", "mounted", "mount_held")
LONGEST_FLIGHT = 4096
"""Largest number of control steps counted after a pad, plus one: nearly seven minutes."""
LARGEST = 2**53
"""Integers below it are exact in float64."""

_REAL = [STATE.index(name) for name in REAL]


@functools.cache
def timers() -> dict[str, tuple[float, ...]]:
    """Returns the values in s that each timer takes, from 0 up to its start."""
    starts = {
        "attack_left": RULES.attack_seconds,
        "dodge_left": RULES.dodge_seconds,
        "dodge_wait": RULES.dodge_cooldown,
        "flight_left": load_island().flight_seconds,
    }
    return {name: _chain(start) for name, start in starts.items()}


def _chain(start: float) -> tuple[float, ...]:
    values = [start]
    while values[-1] > 0:  # as `jumppad_env.world.world.settle` counts
        left = values[-1] - RULES.control_step
        values.append(left if left >= 1e-9 else 0.0)
    return tuple(reversed(values))


@functools.cache
def _digits() -> tuple[tuple[int, np.ndarray], ...]:
    """Returns the column and the possible values (ascending) of each digit, least significant first."""
    values = {
        **dict.fromkeys(SWITCHES, (0.0, 1.0)),
        "pad": range(-1, len(PADS)),
        **timers(),
        "since_pad": range(-1, LONGEST_FLIGHT - 1),
    }
    return tuple((STATE.index(name), np.array(several, np.float64)) for name, several in values.items())


def description() -> dict[str, Any]:
    """Returns what a reader needs to unpack states, for the manifest; it depends on the rules of the game."""
    bases = {STATE[column]: len(values) for column, values in _digits()}
    chains = {name: list(values) for name, values in timers().items()}
    return {"columns": list(PACKED), "bases": bases, "timers": chains, "strides": STRIDES}


def pack(states: np.ndarray) -> np.ndarray:
    """Packs the states of one episode.

    Args:
        states: float64 (T, len(STATE)), starting with the first of the episode.

    Returns:
        float64 (T, len(PACKED)); `unpack` restores the same bits.

    Raises:
        ValueError: a state that cannot occur in an episode; the message names row, column and value.
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
    # Values that do not fit, here or above, do not survive `unpack`.
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
            f"state {row} has {STATE[column]} {float(states[row, column])!r}, which cannot occur in an episode "
            f"(expected something like {float(again[row, column])!r}); store whole episodes, as they were played"
        )
    return packed


def unpack(packed: np.ndarray, steps: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """Unpacks states.

    Args:
        packed: float64 (N, len(PACKED)).
        steps: (N,), control steps since the start of the episode.
        looks: (N,), look of each state's episode.

    Returns:
        float64 (N, len(STATE)).

    Raises:
        ValueError: damaged states.
    """
    digits = packed[:, -1]
    if not (np.isfinite(packed).all() and (digits >= 0).all() and (digits < LARGEST).all()):
        raise ValueError("packed states are damaged: a number is out of range")
    number = digits.astype(np.int64)
    if (number != digits).any():
        raise ValueError("packed states are damaged: digits are not an integer")
    states = np.empty((len(packed), len(STATE)))
    states[:, _REAL] = packed[:, :-1]
    for column, values in _digits():
        number, digit = np.divmod(number, len(values))
        states[:, column] = values[digit]
    states[:, STRIDE] = number / STRIDES
    states[:, STEPS] = steps
    states[:, LOOK] = looks
    return states
