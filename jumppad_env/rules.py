"""The rules of play in one table: speeds, times and characters. Geometry lives in the MJCF, not here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Pad = Literal["left", "middle", "right"]
PADS: tuple[Pad, ...] = get_args(Pad)
"""Names of the jump pads; `info["pad"]` is the index, -1 for none."""


@dataclass(frozen=True)
class Character:
    """What sets one character apart. Its shape and colors are in ``assets/<name>.xml``."""

    board_speed: float
    """m/s, top speed on the hoverboard."""
    foot_speed: float
    """m/s, top speed on foot."""
    has_board: bool = True
    """Whether it owns a board to mount; characters start mounted."""


CHARACTERS = {
    "rider": Character(board_speed=9.0, foot_speed=6.0),
    "bruiser": Character(board_speed=8.5, foot_speed=5.5),
    "scout": Character(board_speed=9.4, foot_speed=6.4),
    "mystic": Character(board_speed=9.0, foot_speed=5.8),
    "walker": Character(board_speed=7.0, foot_speed=7.0, has_board=False),
}


class Rules(NamedTuple):
    """Constants of the game. Units: meters, seconds, radians."""

    control_step: float = 0.1
    """s; 10 Hz, as in the paper."""
    camera_turn_rate: float = math.radians(170)
    """rad/s at full deflection of the right stick; the response is quadratic, for fine aim near the center."""
    camera_tilt_rate: float = math.radians(60)
    camera_tilt_range: tuple[float, float] = (-0.60, 0.30)
    """rad; positive looks up."""
    camera_tilt_start: float = -0.12
    body_turn_rate: float = 12.0
    """rad/s, how fast the body turns to where it moves."""
    jump_height: float = 1.3
    """m; clears 1.2 m."""
    attack_seconds: float = 0.5
    attack_slowdown: float = 1 / 3
    dodge_distance: float = 3.0
    dodge_seconds: float = 0.2
    dodge_cooldown: float = 1.0
    """s from the start of a dodge until the next can start."""


RULES = Rules()
