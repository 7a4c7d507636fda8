"""Paths over the island: points of the track, and progress from one to the next."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Protocol

import numpy as np

from jumppad_env.island import Places

Point = tuple[float, float]
"""x and y, m."""


class Place(Protocol):
    """Anything with a position."""

    @property
    def x(self) -> float:
        """m, to the right."""
        ...

    @property
    def y(self) -> float:
        """m, forward."""
        ...


def mirror_name(name: str) -> str:
    """Returns the name with left and right swapped: "direct_left" for "direct_right"."""
    return "right".join(part.replace("right", "left") for part in name.split("left"))


@functools.lru_cache(256)
def mirror_island(island: Places) -> Places:
    """Returns the mirror image of the island, with left and right swapped."""
    flip = np.array([-1.0, 1.0, 1.0])
    return dataclasses.replace(
        island,
        spawns=island.spawns * flip,
        landings=island.landings[::-1] * flip,
        pads=island.pads[::-1] * flip,
        ways={mirror_name(name): point * flip for name, point in island.ways.items()},
        lanes=tuple(lane * flip for lane in reversed(island.lanes)),
        plaza=(island.plaza[0] * flip, island.plaza[1]),
        passing=island.passing[::-1],
        colors=island.colors[::-1],
        jumps=tuple(places * flip for places in reversed(island.jumps)),
    )


def bearing(place: Place, point: Point) -> float:
    """Returns the direction from a place to a point, rad, counterclockwise from +y."""
    return math.atan2(place.x - point[0], point[1] - place.y)


def distance(place: Place, point: Point) -> float:
    """Returns the distance to a point, m."""
    return math.hypot(place.x - point[0], place.y - point[1])


class Path:
    """Points to reach one after the other; the last one is not replaced when it is reached.

    Args:
        points: waypoints in order.
        lookahead: distance from a point at which the path continues to the next, m.
    """

    def __init__(self, points: list[Point], lookahead: float) -> None:
        self.points = points
        self.lookahead = lookahead

    def heading(self, place: Place) -> float:
        """Returns the direction of the next point, rad."""
        points = self.points
        # A point is done when it is reached or passed, so that the next is nearer to us than to the point.
        while len(points) > 1 and (
            distance(place, points[0]) < self.lookahead or distance(place, points[1]) < math.dist(points[0], points[1])
        ):
            points.pop(0)
        return bearing(place, points[0])


def way(island: Places, *names: str, lateral: float = 0.0) -> list[Point]:
    """Returns the named points of the track, shifted to the right by `lateral` m.

    Raises:
        ValueError: the island does not name such a point.
    """
    unnamed = [name for name in names if name not in island.ways]
    if unnamed:
        raise ValueError(f"people find no way: assets/island.xml needs a site way_{unnamed[0]}")
    return [(float(island.ways[name][0]) + lateral, float(island.ways[name][1])) for name in names]


def lane(island: Places, pad: int, lateral: float) -> list[Point]:
    """Returns the path from the plaza to just before a pad, `lateral` m to the right of its center."""
    track = way(island, "stairs", "neck_in", "neck_out", lateral=_clip(lateral * 1.6, island.aside))
    return track + [(float(x) + _clip(lateral, 0.7), float(y)) for x, y, _ in island.lanes[pad]]


def pad_point(island: Places, pad: int, along: float = 0.0, across: float = 0.0) -> Point:
    """Returns a point near a pad: `along` m in launch direction from its center and `across` m to the right."""
    center, landing = island.pads[pad], island.landings[pad]
    dx, dy = float(landing[0] - center[0]), float(landing[1] - center[1])
    length = math.hypot(dx, dy)
    dx, dy = dx / length, dy / length
    return float(center[0]) + along * dx + across * dy, float(center[1]) + along * dy - across * dx


def _clip(value: float, limit: float) -> float:
    return min(limit, max(-limit, value))
