"""The rules by which an island is laid out: a plaza, stairs, a neck, and a fan of lanes that end in pads.

All lengths are meters, in a frame of the island's own: the plaza's middle is the origin, and the way leads along +y.
Directions are radians, counter-clockwise from +y. Everything is drawn from one random stream, always in the same order.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from jumppad_env.levels.outline import HIGH_WALL, LOW_WALL, STRIP, WALL, outline
from jumppad_env.levels.settings import LevelSettings

OVERLAP = 0.3
"""m by which a strip reaches into the one before it, so that no wall stands between them."""
TERRACE_DEPTH = 1.5
"""m below the plaza: the terraces beside the neck, from which nothing leads back up."""
TURN_ROOM = 0.8
"""m from the top of the stairs to where the neck may turn, on a floor that is level."""
COURT = 4.5
"""m before a pad's middle at which its lane widens, so that there is room beside the pad."""
BEHIND_PAD = 2.2
"""m from a pad's middle to the end of its lane."""

LANES = {
    # pads: degrees between lanes; half width of a lane, m
    2: ((30, 48), (1.8, 2.2)),
    3: ((22, 34), (1.7, 2.2)),
    4: ((19, 26), (1.5, 1.9)),
    5: ((17, 22), (1.4, 1.7)),
}


def walls_of(settings: LevelSettings) -> int:
    """Returns how many walls an island has at most."""
    return 20 + 8 * settings.pads


class Pose(NamedTuple):
    """A place and a direction."""

    x: float
    y: float
    z: float
    heading: float

    def ahead(self, distance: float, right: float = 0.0) -> Pose:
        """Returns the pose so many meters ahead and to the right."""
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        return self._replace(x=self.x - distance * sin + right * cos, y=self.y + distance * cos + right * sin)

    def turned(self, angle: float) -> Pose:
        """Returns the pose turned to the left by an angle, rad."""
        return self._replace(heading=self.heading + angle)


class Plan(NamedTuple):
    """An island as laid out, in its own frame."""

    strips: np.ndarray
    """(S, len(STRIP)): where players walk; walls stand around their union."""
    floors: np.ndarray
    """(S, len(STRIP)): the same without overlaps at changes of height; players stand on these."""
    plaza: tuple[float, float]
    """Half size of the plaza along x and y, m."""
    spawns: list[Pose]
    stairs: Pose
    """Foot of the stairs, in the middle."""
    top: Pose
    """Top of the stairs."""
    neck: Pose
    """Where the neck begins, a little further on, and its direction."""
    hub: Pose
    """End of the neck, from where the lanes fan out."""
    neck_half: float
    """Half width of stairs' top and neck, m."""
    lanes: list[list[Pose]]
    """Of each pad, from the left: points along the middle of its lane, from where it is on its own."""
    pads: list[Pose]
    """From the left."""
    lane_half: float
    """Half width of lanes, m."""
    courts: list[float]
    """Half width of the floor around each pad, m."""
    terraces: list[tuple[Pose, float, float]]
    """Left and right: middle, half width and half length."""

    @property
    def length(self) -> float:
        """M from the plaza's middle to the farthest pad, along y."""
        return max(pad.y for pad in self.pads)


class Drawn:
    """Uniform numbers of one stream, one after the other."""

    def __init__(self, generator: np.random.Generator, count: int = 128) -> None:
        self._numbers = iter(generator.random(count).tolist())

    def between(self, low: float, high: float) -> float:
        """Returns the next number, scaled."""
        return low + (high - low) * next(self._numbers)


def strip(start: Pose, length: float, half: float, end: float | None = None, wall: float = LOW_WALL) -> tuple[Any, ...]:
    """Returns a strip's row; `end` is the floor's height at its end, if it is not level."""
    return start.x, start.y, start.heading, length, half, start.z, start.z if end is None else end, wall


def lay_out(generator: np.random.Generator, settings: LevelSettings) -> tuple[Plan, np.ndarray]:
    """Lays an island out, and returns it with its walls (W, len(WALL)); one with too many walls is drawn again."""
    walls = np.empty((walls_of(settings), len(WALL)))
    while True:
        plan = _draw(Drawn(generator), settings)
        count = outline(plan.strips, walls)
        if count <= len(walls):
            return plan, walls[:count]


def _draw(drawn: Drawn, settings: LevelSettings) -> Plan:
    wide, deep = drawn.between(6.2, 8.2), drawn.between(5.6, 7.2)
    front = Pose(0.0, deep, 0.0, 0.0)
    plaza = strip(front.ahead(-2 * deep), 2 * deep, wide)
    spawns = [
        Pose(x * wide, y * deep, 0.0, 0.0)
        for y in (-drawn.between(0.35, 0.55), drawn.between(0.25, 0.45))
        for x in (-drawn.between(0.25, 0.45), drawn.between(0.25, 0.45))
    ]

    rise, slope, neck_half = drawn.between(0.4, 1.6), drawn.between(0.13, 0.2), drawn.between(2.5, 3.4)
    foot = front._replace(x=drawn.between(-0.25, 0.25) * wide)
    top = foot.ahead(rise / slope)._replace(z=rise)
    stairs = strip(foot, rise / slope, neck_half, rise)

    landing = strip(top, 2 * TURN_ROOM, neck_half)
    neck = top.ahead(TURN_ROOM).turned(math.radians(drawn.between(-10, 10)))
    hub = neck.ahead(drawn.between(6.0, 9.5))
    neck_strip = strip(neck, math.dist(neck[:2], hub[:2]), neck_half)

    degrees, halves = LANES[settings.pads]
    spacing, lane_half = math.radians(drawn.between(*degrees)), drawn.between(*halves)
    apart = lane_half / math.sin(spacing / 2) + 1.5  # from here on a lane is on its own
    fan = math.radians(drawn.between(-6, 6))
    strips, lanes, pads, courts = [], [], [], []
    for pad in range(settings.pads):
        angle = fan + spacing * ((settings.pads - 1) / 2 - pad + drawn.between(-0.1, 0.1))
        lane, length = hub.turned(angle), max(drawn.between(15.0, 22.0), apart + 5.0)
        strips.append(strip(lane.ahead(-1.5), length + 1.5 + BEHIND_PAD, lane_half, wall=HIGH_WALL))
        court = min(lane_half + 1.6, 0.85 * length * math.sin(spacing / 2) - 0.3)
        courts.append(max(court, lane_half))
        strips.append(strip(lane.ahead(length - COURT), COURT + BEHIND_PAD, courts[-1], wall=HIGH_WALL))
        lanes.append([lane.ahead(min(apart, length - 5.0)), lane.ahead(length - 3.2)])
        pads.append(lane.ahead(length, drawn.between(-0.3, 0.3)))

    beside = neck_half + 7.0
    middle, half_length = (hub.y - 3.0) / 2, (hub.y + 3.0) / 2
    terraces = [
        (Pose((top.x + hub.x) / 2 + side * beside, middle, -TERRACE_DEPTH, 0.0), 7.4, half_length) for side in (-1, 1)
    ]
    return Plan(
        strips=np.array([plaza, _longer(stairs), _longer(landing), neck_strip, *strips]).reshape(-1, len(STRIP)),
        floors=np.array([plaza, stairs, landing, neck_strip, *strips]).reshape(-1, len(STRIP)),
        plaza=(wide, deep),
        spawns=spawns,
        stairs=foot,
        top=top,
        neck=neck,
        hub=hub,
        neck_half=neck_half,
        lanes=lanes,
        pads=pads,
        lane_half=lane_half,
        courts=courts,
        terraces=terraces,
    )


def _longer(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns a strip that reaches back into the one before it."""
    x, y, heading, length, *rest = row
    return x + OVERLAP * math.sin(heading), y - OVERLAP * math.cos(heading), heading, length + OVERLAP, *rest
