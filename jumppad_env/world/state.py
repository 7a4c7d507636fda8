"""The columns of a state: names, and indices as constants."""

import math
from typing import TypeVar

import numpy as np

PHYSICS_STATE = ("x", "y", "z", "yaw", "vx", "vy", "vz", "yaw_rate")
RULE_STATE = (
    "camera_yaw",  # rad
    "camera_tilt",  # rad, positive looks up
    "grounded",  # 0 or 1
    "mounted",  # 0 or 1: on the board
    "mount_held",  # 0 or 1: button Y was down, so that holding it toggles once
    "attack_left",  # s
    "dodge_left",  # s
    "dodge_wait",  # s until the next dodge
    "pad",  # index of the pad touched first, -1 for none
    "flight_left",  # s left of the flight from a pad
    "since_pad",  # control steps since the pad was touched, -1 before
    "steps",  # control steps since the episode began
    "stride",  # m covered on the ground, a multiple of 1 / STRIDES: phase of the legs
    "look",  # number of the look, an integer
)
STATE = PHYSICS_STATE + RULE_STATE
"""Names of the columns. A state is complete: restoring it repeats the future bit for bit."""
LEVEL_STATE = (
    "level",  # number of the level
    "island",  # index of the island that the character is on
    "taken",  # pads taken on the islands before and on this one, see `TAKEN_BASE`
    "cue",  # index of the color that the flag shows, -1 without one
)
"""Columns that follow in worlds of levels."""
STRIDES = 1024
"""Resolution of strides, per meter."""
FARTHEST = 1e6
"""m, m/s, rad and rad/s: bound of places and speeds in a state. From 1e10 on MuJoCo resets itself to the origin."""
LOOKS = 2**32
"""Number of looks."""
X, Y, Z, YAW, VX, VY, VZ, YAW_RATE = range(8)
CAMERA_YAW, CAMERA_TILT, GROUNDED, MOUNTED, MOUNT_HELD, ATTACK_LEFT, DODGE_LEFT, DODGE_WAIT = range(8, 16)
PAD, FLIGHT_LEFT, SINCE_PAD, STEPS, STRIDE, LOOK = range(16, len(STATE))
LEVEL, ISLAND, TAKEN, CUE = range(len(STATE), len(STATE) + len(LEVEL_STATE))
TAKEN_BASE = 8
"""Each island has a digit of `taken` in this base, from the first on: 0 no pad, else the pad's index plus 1."""
POSITION = [X, Y, Z]
VELOCITY = [VX, VY, VZ]

Angle = TypeVar("Angle", float, np.ndarray)


def taken_pads(taken: np.ndarray, islands: int) -> np.ndarray:
    """Returns the pads taken on each island, int64 (..., islands), -1 for none, from the column `taken` (...)."""
    return np.asarray(taken, np.int64)[..., None] // TAKEN_BASE ** np.arange(islands) % TAKEN_BASE - 1


def wrap_angle(angle: Angle) -> Angle:
    """Returns the angle in [-pi, pi)."""
    return (angle + math.pi) % (2 * math.pi) - math.pi
