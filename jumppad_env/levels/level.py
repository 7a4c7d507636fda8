"""Levels: a pure function from a number and some settings to everything that is placed.

A level is numbers only: boxes and ramps that characters touch, pieces that are drawn, and places that rules and people
need. Physics (`stock.py`), drawing (`drawing/levels/`), maps and people read the same numbers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jumppad_env.island import Passing, Places
from jumppad_env.levels.drawn import Pose, strip
from jumppad_env.levels.outline import HIGH_WALL, S_HALF, S_HEADING, S_HIGH, S_LENGTH, S_LOW, S_X, S_Y, STRIP
from jumppad_env.levels.rulebook import BLOCK_HALF, Block, Plan, lay_out
from jumppad_env.levels.settings import COLORS, LEVELS, LevelSettings
from jumppad_env.levels.stock import ABYSS, FALL_HEIGHT, FLIGHT_SECONDS, Row, load_stock, solids_of
from jumppad_env.streams import stream

GAP = 26.0
"""m along y from an island's farthest pad to the cliff or the next plaza."""
CLIFF_TOP = 4.0
"""m, height of the cliff behind the last island."""
ONTO_CLIFF = 6.0
"""m from the cliff's edge to the places where launches end."""
WALL_HALF = 0.25
"""m, half the thickness of a wall."""
WALL_HEIGHT = 1.0
"""m above the floor: what is drawn of every wall, and all of a low one."""
BARRIER = 1.0
"""m by which a high wall rises above what is drawn: too high for a jump, low enough for a launch."""
BASE = 0.5
"""m by which a wall reaches below the floor."""
FLOOR_HALF = 0.5
"""m, half the thickness of a floor."""
RAMP_HALF = 1.3
"""m, half the width of a pad's ramp."""
RAMP_HEIGHT = 0.7
"""m, height of its end."""
BLOCK = ("geom", "x", "y", "reach_x", "reach_y", "rate", "phase")
"""Columns of a moving block: its geom; the middle of its way, and how far it goes from there (m); rad per control step,
rad."""
B_GEOM, B_X, B_Y, B_REACH_X, B_REACH_Y, B_RATE, B_PHASE = range(len(BLOCK))
KEPT = 256
"""Levels kept in memory per process."""


class Level(NamedTuple):
    """A level: everything that is placed."""

    number: int
    settings: LevelSettings
    plans: tuple[Plan, ...]
    """One per island, in its own frame."""
    origins: np.ndarray
    """(K, 2) m: the middle of each island's plaza."""
    islands: tuple[Places, ...]
    """What rules and people need of each island, in world coordinates."""
    colors: np.ndarray
    """(K, P) int: color of each pad, an index into `COLORS`."""
    walls: tuple[np.ndarray, ...]
    """Of each island, (W, len(WALL)), in its own frame."""
    cliff: float
    """m: y of the cliff's edge."""
    row: Row
    """What physics needs."""
    blocks: np.ndarray
    """(K, len(BLOCK)): the moving block of each island; `geom` is -1 where there is none."""

    @property
    def landings(self) -> np.ndarray:
        """(K * P, 3) m, where the launch of each pad ends, island by island."""
        return np.concatenate([island.landings for island in self.islands])


@functools.lru_cache(KEPT)
def make_level(number: int, settings: LevelSettings) -> Level:
    """Returns the level of a number: the same in every process, whatever was made before.

    Args:
        number: 0 to `LEVELS` - 1.
        settings: what levels are like.

    Raises:
        ValueError: no such number.
    """
    if not 0 <= number < LEVELS:
        raise ValueError(f"level {number} is not between 0 and {LEVELS - 1}")
    laid_out = [lay_out(stream(number, "island", index), settings) for index in range(settings.islands)]
    plans, walls = tuple(plan for plan, _ in laid_out), tuple(walls for _, walls in laid_out)
    origins = np.zeros((settings.islands, 2))
    for index in range(1, settings.islands):
        origins[index, 1] = origins[index - 1, 1] + plans[index - 1].length + GAP + plans[index].plaza[1]
    cliff = origins[-1, 1] + plans[-1].length + GAP - ONTO_CLIFF
    colors = _colors(number, settings)
    islands = tuple(_places(index, plans, origins, cliff, colors[index]) for index in range(settings.islands))
    solids, blocks = _solids(plans, walls, origins, cliff, settings)
    stock = load_stock(settings)
    moving = blocks[blocks[:, B_GEOM] >= 0]
    swept = {int(block[B_GEOM]): (block[B_REACH_X], block[B_REACH_Y]) for block in moving}
    ramps = [
        (*island.pads[pad], plan.pads[pad].heading)
        for island, plan in zip(islands, plans, strict=True)
        for pad in range(settings.pads)
    ]
    row = stock.row(solids, np.array(ramps), swept)
    blocks[blocks[:, B_GEOM] >= 0, B_GEOM] += stock.solids.start
    return Level(
        number=number,
        settings=settings,
        plans=plans,
        origins=origins,
        islands=islands,
        colors=colors,
        walls=walls,
        cliff=cliff,
        row=row,
        blocks=blocks,
    )


def _colors(number: int, settings: LevelSettings) -> np.ndarray:
    """Returns the colors of all pads (K, P); which levels are tied is nested: more of them at a larger share."""
    colors = np.tile(np.arange(settings.pads), (settings.islands, 1))
    generator = stream(number, "colors")
    shuffled = generator.random() >= settings.color_tie
    orders = generator.random((settings.islands, len(COLORS)))[:, : settings.pads].argsort(axis=1)
    return orders if shuffled else colors


def _places(index: int, plans: tuple[Plan, ...], origins: np.ndarray, cliff: float, colors: np.ndarray) -> Places:
    """Returns the places of an island, in world coordinates."""
    plan, (x, y) = plans[index], origins[index].tolist()

    def at(poses: Sequence[Pose]) -> np.ndarray:
        """Returns places (n, 3) m."""
        return np.array([(pose.x + x, pose.y + y, pose.z) for pose in poses]).reshape(-1, 3)

    pads = at(plan.pads)
    landings = pads.copy()
    if index + 1 < len(plans):
        wide, deep = plans[index + 1].plaza
        landings[:, 0] = origins[index + 1, 0] + np.linspace(-0.45, 0.45, len(pads)) * wide
        landings[:, 1:] = origins[index + 1, 1] - 0.4 * deep, 0.0
    else:
        landings[:, 0] += 4.0 * np.array([-math.sin(pad.heading) for pad in plan.pads])
        landings[:, 1:] = cliff + ONTO_CLIFF, CLIFF_TOP
    ways = {"stairs": plan.stairs.ahead(0.5), "neck_in": plan.neck, "neck_out": plan.hub.ahead(-1.0)}
    ways |= {f"terrace_{side}": pose for side, (pose, *_) in zip(("left", "right"), plan.terraces, strict=True)}
    wide, deep = plan.plaza
    return Places(
        spawns=at(plan.spawns),
        landings=landings,
        pads=pads,
        ways=dict(zip(ways, at(list(ways.values())), strict=True)),
        lanes=tuple(at(lane.points) for lane in plan.lanes),
        plaza=(np.array([x, y, 0.0]), np.array([wide - 1.8, deep - 1.5, 0.1])),
        passing=tuple(_passing(lane.court) for lane in plan.lanes),
        jumps=tuple(at(lane.jumps) for lane in plan.lanes),
        aside=min(1.9, plan.narrowest - 0.6),
        leap=(plan.top.y + 1.0 - plan.terraces[0][0].y, plan.hub.y - 1.5 - plan.terraces[0][0].y),
        fall_height=FALL_HEIGHT,
        flight_seconds=FLIGHT_SECONDS,
        colors=tuple(colors.tolist()),
    )


def _passing(court: float) -> Passing:
    """Returns how to run past a pad, given half the width of the floor around it, m."""
    across = RAMP_HALF + (court - RAMP_HALF) / 2
    return Passing((across - 0.1, across + 0.1), (-2.5, 1.0), (1.4, 1.0), (-2.0, 1.2), both_sides=True)


def _solids(
    plans: tuple[Plan, ...], walls: tuple[np.ndarray, ...], origins: np.ndarray, cliff: float, settings: LevelSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Returns all boxes that characters touch, (n, 10): position, half size, quaternion; and the moving blocks."""
    common = np.array([
        [0.0, cliff + 31.0, CLIFF_TOP - 14.0, 75.0, 31.0, 14.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, cliff / 2, -26.0, *ABYSS, 1.0, 0.0, 0.0, 0.0],
    ])  # fmt: skip
    parts, blocks = [common], np.full((len(plans), len(BLOCK)), -1.0)
    for index, (plan, own, origin) in enumerate(zip(plans, walls, origins, strict=True)):
        terraces = np.array(
            [[pose.x, pose.y, pose.z - 1.0, wide, long, 1.0, 1.0, 0, 0, 0] for pose, wide, long in plan.terraces]
        )
        first = sum(map(len, parts))
        block = np.array([block_box(plan.block)] if plan.block else []).reshape(-1, 10)
        if plan.block:
            heading, reach = plan.block.middle.heading, plan.block.reach
            way = reach * math.cos(heading), reach * math.sin(heading)
            blocks[index] = (first, *(block[0, :2] + origin), *way, plan.block.rate, plan.block.phase)
        floors, walled = floor_boxes(plan.floors), wall_boxes(own, own[:, -1] == HIGH_WALL)
        boxes = np.concatenate([block, floors, walled, terraces, decoy_boxes(plan)])
        boxes[:, :2] += origin
        parts.append(boxes)
    solids = np.concatenate(parts)
    most = solids_of(settings)
    assert len(solids) <= most, f"{len(solids)} boxes, but the stock has {most}"
    return solids, blocks


def floor_boxes(strips: np.ndarray, thickness: float | np.ndarray = FLOOR_HALF) -> np.ndarray:
    """Returns the boxes under strips (S, len(STRIP)), (S, 10); their tops are the floors.

    Args:
        strips: (S, len(STRIP)).
        thickness: m, half of it: of all, or (S,) of each.
    """
    length, heading = strips[:, S_LENGTH], strips[:, S_HEADING]
    rise = strips[:, S_HIGH] - strips[:, S_LOW]
    slant = np.hypot(length, rise)
    cos, sin = length / slant, rise / slant  # of the slope
    boxes = np.empty((len(strips), 10))
    ahead = length / 2 + thickness * sin
    boxes[:, 0] = strips[:, S_X] - ahead * np.sin(heading)
    boxes[:, 1] = strips[:, S_Y] + ahead * np.cos(heading)
    boxes[:, 2] = strips[:, S_LOW] + rise / 2 - thickness * cos
    boxes[:, 3], boxes[:, 4], boxes[:, 5] = strips[:, S_HALF], slant / 2, thickness
    boxes[:, 6:] = quaternions(heading, np.arctan2(rise, length))
    return boxes


def wall_boxes(walls: np.ndarray, barrier: np.ndarray) -> np.ndarray:
    """Returns the boxes of walls (W, len(WALL)), (W, 10), outside of the strips that they surround.

    Args:
        walls: see `WALL`.
        barrier: (W,) bool, which of them rise by `BARRIER` above what is drawn.
    """
    dx, dy = walls[:, 2] - walls[:, 0], walls[:, 3] - walls[:, 1]
    length = np.hypot(dx, dy)
    bottom, top = walls[:, 4] - BASE, walls[:, 5] + WALL_HEIGHT + BARRIER * barrier
    boxes = np.empty((len(walls), 10))
    boxes[:, 0] = (walls[:, 0] + walls[:, 2]) / 2 + WALL_HALF * dy / length
    boxes[:, 1] = (walls[:, 1] + walls[:, 3]) / 2 - WALL_HALF * dx / length
    boxes[:, 2] = (bottom + top) / 2
    boxes[:, 3], boxes[:, 4], boxes[:, 5] = length / 2 + WALL_HALF, WALL_HALF, (top - bottom) / 2
    boxes[:, 6:] = quaternions(np.arctan2(dy, dx), np.zeros(len(walls)))
    return boxes


def block_box(block: Block) -> list[float]:
    """Returns the box of a moving block in the middle of its way, (10,)."""
    x, y, z, heading = block.middle
    return [x, y, z + BLOCK_HALF[2], *BLOCK_HALF, math.cos(heading / 2), 0.0, 0.0, math.sin(heading / 2)]


def decoy_boxes(plan: Plan) -> np.ndarray:
    """Returns the slanted boxes (n, 10) of what looks like a pad."""
    poses = [decoy for lane in plan.lanes for decoy in lane.decoys]
    rows = [strip(pose.ahead(-1.0), 2.0, RAMP_HALF, pose.z + RAMP_HEIGHT) for pose in poses]
    return floor_boxes(np.array(rows).reshape(-1, len(STRIP)), 0.05)


def quaternions(yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Returns unit quaternions (N, 4): first tilted up about x, then turned about z, rad."""
    a, b, c, d = np.cos(yaw / 2), np.sin(yaw / 2), np.cos(pitch / 2), np.sin(pitch / 2)
    return np.stack([a * c, a * d, b * d, b * c], axis=1)
