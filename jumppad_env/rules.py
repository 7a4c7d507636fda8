"""Constants of the game: pads, characters, speeds and times. The rules themselves are code in `world/world.py`.

Geometry and physical parameters are in the MJCF (`assets/*.xml`).
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Pad = Literal["left", "middle", "right"]
PADS: tuple[Pad, ...] = get_args(Pad)
"""Names of the jump pads; `info["pad"]` is the index, -1 for none."""


@dataclass(frozen=True)
class Character:
    """Traits of a character. Its shape and colors are in ``assets/<name>.xml``."""

    board_speed: float
    """m/s, top speed on the hoverboard."""
    foot_speed: float
    """m/s, top speed on foot."""
    has_board: bool = True
    """Whether it has a board; those that do start mounted."""


CHARACTERS = {
    "rider": Character(board_speed=9.0, foot_speed=6.0),
    "bruiser": Character(board_speed=8.5, foot_speed=5.5),
    "scout": Character(board_speed=9.4, foot_speed=6.4),
    "mystic": Character(board_speed=9.0, foot_speed=5.8),
    "walker": Character(board_speed=7.0, foot_speed=7.0, has_board=False),
}


class Rules(NamedTuple):
    """Constants of control and movement. Units: meters, seconds, radians."""

    control_step: float = 0.1
    """s; 10 Hz, as in the paper."""
    camera_turn_rate: float = math.radians(170)
    """rad/s at full deflection of the right stick; the response is quadratic, for fine control near the center."""
    camera_tilt_rate: float = math.radians(60)
    camera_tilt_range: tuple[float, float] = (-0.60, 0.30)
    """rad; positive looks up."""
    camera_tilt_start: float = -0.12
    body_turn_rate: float = 12.0
    """rad/s at which the body turns towards its movement."""
    jump_height: float = 1.3
    """m; enough to clear 1.2 m."""
    attack_seconds: float = 0.5
    attack_slowdown: float = 1 / 3
    dodge_distance: float = 3.0
    dodge_seconds: float = 0.2
    dodge_cooldown: float = 1.0
    """s between the starts of two dodges."""


RULES = Rules()
