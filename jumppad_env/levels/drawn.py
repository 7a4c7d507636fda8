"""What the rules of levels are written with: random numbers, poses, and strips of floor."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from jumppad_env.levels.outline import LOW_WALL

OVERLAP = 0.3
"""m by which a strip reaches into the one before it, so that no wall stands between them."""


class Pose(NamedTuple):
    """A place and a direction."""

    x: float
    y: float
    z: float
    heading: float

    def ahead(self, distance: float, right: float = 0.0) -> Pose:
        """Returns the pose so many meters ahead and to the right."""
        x, y, z, heading = self
        sin, cos = math.sin(heading), math.cos(heading)
        return Pose(x - distance * sin + right * cos, y + distance * cos + right * sin, z, heading)

    def turned(self, angle: float) -> Pose:
        """Returns the pose turned to the left by an angle, rad."""
        return Pose(self.x, self.y, self.z, self.heading + angle)


class Drawn:
    """Uniform numbers of one stream, one after the other."""

    def __init__(self, generator: np.random.Generator, count: int = 128) -> None:
        self._numbers = iter(generator.random(count).tolist())

    def between(self, low: float, high: float) -> float:
        """Returns the next number, scaled."""
        return low + (high - low) * next(self._numbers)

    def one_of(self, several: tuple[int, ...]) -> int:
        """Returns one of several, all equally likely."""
        return several[int(next(self._numbers) * len(several))]


def strip(start: Pose, length: float, half: float, end: float | None = None, wall: float = LOW_WALL) -> tuple[Any, ...]:
    """Returns a strip's row; `end` is the floor's height at its end, if it is not level."""
    return start.x, start.y, start.heading, length, half, start.z, start.z if end is None else end, wall
