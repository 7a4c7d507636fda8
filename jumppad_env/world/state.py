"""The columns of a state, once for all that read or write one."""

from __future__ import annotations

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
    "pad",  # -1 none, else index of the pad touched first
    "flight_left",  # s of the launch still to go
    "since_pad",  # control steps since the pad was touched, -1 before
    "steps",  # control steps since the episode began
    "stride",  # m covered on the ground, in whole parts of 1 / STRIDES: legs move with it
    "look",  # what the look is drawn from, a whole number
)
STATE = PHYSICS_STATE + RULE_STATE
"""Names of the columns of a state, which is exact: setting it and playing on repeats the future bit for bit."""
STRIDES = 1024
"""Parts of a meter in which strides are counted: whole numbers take less room on disk."""
FARTHEST = 1e6
"""m, m/s, rad and rad/s: what a state may hold of places and speeds. From 1e10 on MuJoCo begins anew at the origin."""
LOOKS = 2**32
"""How many looks there are to draw from."""
X, Y, Z, YAW, VX, VY, VZ, YAW_RATE = range(8)
CAMERA_YAW, CAMERA_TILT, GROUNDED, MOUNTED, MOUNT_HELD, ATTACK_LEFT, DODGE_LEFT, DODGE_WAIT = range(8, 16)
PAD, FLIGHT_LEFT, SINCE_PAD, STEPS, STRIDE, LOOK = range(16, len(STATE))
POSITION = [X, Y, Z]
VELOCITY = [VX, VY, VZ]

Angle = TypeVar("Angle", float, np.ndarray)


def wrap_angle(angle: Angle) -> Angle:
    """Returns the angle in [-pi, pi)."""
    return (angle + math.pi) % (2 * math.pi) - math.pi
