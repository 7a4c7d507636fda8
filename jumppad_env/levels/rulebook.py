"""The rules by which an island is laid out: a plaza, stairs, a neck, and a fan of lanes that end in pads.

All lengths are meters, in a frame of the island's own: the plaza's middle is the origin, and the way leads along +y.
Directions are radians, counter-clockwise from +y. Everything is drawn from one random stream, always in the same order.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from jumppad_env.levels.drawn import OVERLAP, Drawn, Pose, strip
from jumppad_env.levels.lanes import PLAIN, Lane, Shape, kinds_of, lay_lane
from jumppad_env.levels.outline import NO_WALL, STRIP, WALL, outline
from jumppad_env.levels.settings import LevelSettings

TERRACE_DEPTH = 1.5
"""m below the plaza: the terraces beside the neck, from which nothing leads back up."""
TURN_ROOM = 0.8
"""m from the top of the stairs to where the neck may turn, on a floor that is level."""
CLOSEST = 4.2
"""m between pads, at least."""
OPEN, BRIDGE, BLOCK = range(3)
"""Necks of hard islands: nothing in the way, a narrow bridge without walls, or a block that moves to and fro."""
BESIDE_BLOCK = 0.9
"""m that a moving block leaves free at the wall: nobody is squeezed."""
BLOCK_HALF = (0.55, 0.35, 0.7)
"""m, half size of a moving block."""
BEFORE_BRIDGE, AFTER_BRIDGE = 2.5, 2.3
"""m of the neck that stay wide."""
MOST_DECOYS = 2

LANES = {
    # pads: degrees between lanes; half width of a lane, m
    2: ((30, 48), (1.8, 2.2)),
    3: ((22, 34), (1.7, 2.2)),
    4: ((19, 26), (1.5, 1.9)),
    5: ((17, 22), (1.4, 1.7)),
}


def walls_of(settings: LevelSettings) -> int:
    """Returns how many walls an island has at most."""
    return 20 + 8 * settings.pads if settings.distribution_mode == "easy" else 28 + 11 * settings.pads


def floors_of_an_island(settings: LevelSettings) -> int:
    """Returns how many floors an island has at most."""
    return 4 + 2 * settings.pads if settings.distribution_mode == "easy" else 6 + 4 * settings.pads


class Block(NamedTuple):
    """A block that moves to and fro across the neck."""

    middle: Pose
    """Of its way, on the floor."""
    reach: float
    """m to either side."""
    rate: float
    """rad per control step."""
    phase: float
    """rad."""


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
    narrowest: float
    """Half width of the neck where it is narrowest, m."""
    lanes: list[Lane]
    """One per pad, from the left."""
    bridge: int
    """Index of the bridge among the floors, 0 without one."""
    block: Block | None
    terraces: list[tuple[Pose, float, float]]
    """Left and right: middle, half width and half length."""

    @property
    def length(self) -> float:
        """Length along y from the plaza's middle to the farthest pad, m."""
        return max(lane.pad.y for lane in self.lanes)

    @property
    def pads(self) -> list[Pose]:
        """Where the pads are, from the left."""
        return [lane.pad for lane in self.lanes]


def lay_out(generator: np.random.Generator, settings: LevelSettings) -> tuple[Plan, np.ndarray]:
    """Lays an island out, and returns it with its walls (W, len(WALL)); one with too many walls is drawn again."""
    walls = np.empty((walls_of(settings), len(WALL)))
    while True:
        plan = _draw(Drawn(generator), settings)
        apart = min(math.dist(one[:2], other[:2]) for one, other in itertools.combinations(plan.pads, 2))
        count = outline(plan.strips, walls)
        if count <= len(walls) and apart >= CLOSEST:
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

    hard = settings.distribution_mode == "hard"
    landing = strip(top, 2 * TURN_ROOM, neck_half)
    neck = top.ahead(TURN_ROOM).turned(math.radians(drawn.between(-10, 10) * (1.6 if hard else 1.0)))
    long = drawn.between(6.0, 9.5)
    hub = neck.ahead(long)
    kind, narrow = drawn.one_of((OPEN, BRIDGE, BLOCK)) if hard else OPEN, drawn.between(1.1, 1.5)
    rate, phase = drawn.between(0.08, 0.13), drawn.between(0.0, 2 * math.pi)
    necks = [strip(neck, long, neck_half)]
    if kind == BRIDGE:
        over = long - BEFORE_BRIDGE - AFTER_BRIDGE + 2 * OVERLAP
        necks = [
            strip(neck, BEFORE_BRIDGE, neck_half),
            strip(neck.ahead(BEFORE_BRIDGE - OVERLAP), over, narrow, wall=NO_WALL),
            strip(neck.ahead(long - AFTER_BRIDGE), AFTER_BRIDGE, neck_half),
        ]
    reach = neck_half - BLOCK_HALF[0] - BESIDE_BLOCK
    block = Block(neck.ahead(long / 2), reach, rate, phase) if kind == BLOCK else None

    degrees, halves = LANES[settings.pads]
    spacing, lane_half = math.radians(drawn.between(*degrees)), drawn.between(*halves)
    apart = lane_half / math.sin(spacing / 2) + 1.5  # from here on a lane is on its own
    fan = math.radians(drawn.between(-6, 6))
    lanes = []
    for pad in range(settings.pads):
        angle = fan + spacing * ((settings.pads - 1) / 2 - pad + drawn.between(-0.1, 0.1))
        length = max(drawn.between(15.0, 22.0), apart + (9.5 if hard else 5.0))
        court = max(min(lane_half + 1.6, 0.85 * length * math.sin(spacing / 2) - 0.3), lane_half)
        outward = (pad == 0) - (pad == settings.pads - 1)
        lane = Shape(hub.turned(angle), length, lane_half, apart, court, drawn.between(-0.3, 0.3))
        lanes.append(lay_lane(drawn.one_of(kinds_of(outward != 0)) if hard else PLAIN, lane, drawn, outward))

    beside = neck_half + 7.0
    middle_y, half_length = (hub.y - 3.0) / 2, (hub.y + 3.0) / 2
    terraces = [
        (Pose((top.x + hub.x) / 2 + side * beside, middle_y, -TERRACE_DEPTH, 0.0), 7.4, half_length) for side in (-1, 1)
    ]
    strips = [row for lane in lanes for row in lane.strips]
    floors = [row for lane in lanes for row in lane.floors]
    return Plan(
        strips=np.array([plaza, _longer(stairs), _longer(landing), *necks, *strips]).reshape(-1, len(STRIP)),
        floors=np.array([plaza, stairs, landing, *necks, *floors]).reshape(-1, len(STRIP)),
        plaza=(wide, deep),
        spawns=spawns,
        stairs=foot,
        top=top,
        neck=neck,
        hub=hub,
        neck_half=neck_half,
        narrowest=narrow if kind == BRIDGE else neck_half,
        lanes=lanes,
        bridge=4 if kind == BRIDGE else 0,
        block=block,
        terraces=terraces,
    )


def _longer(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns a strip that reaches back into the one before it."""
    x, y, heading, length, *rest = row
    return x + OVERLAP * math.sin(heading), y - OVERLAP * math.cos(heading), heading, length + OVERLAP, *rest
