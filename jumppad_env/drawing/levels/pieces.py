"""What levels look like: pieces of a few shapes, placed by numbers, in the materials of the classic island."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from jumppad_env.drawing.ground import FLOOR
from jumppad_env.drawing.scenery import Material, load_materials
from jumppad_env.levels import COLORS, Level, LevelSettings
from jumppad_env.levels.drawn import Pose
from jumppad_env.levels.lanes import BEHIND_PAD
from jumppad_env.levels.level import (
    B_PHASE,
    B_RATE,
    B_REACH_X,
    B_REACH_Y,
    B_X,
    B_Y,
    CLIFF_TOP,
    floor_boxes,
    wall_boxes,
)
from jumppad_env.levels.outline import S_HALF, S_HEADING, S_LENGTH, S_X, S_Y
from jumppad_env.levels.rulebook import BLOCK_HALF, MOST_DECOYS, Plan, floors_of_an_island, walls_of

PAINTS = ((0.90, 0.12, 0.10), (0.10, 0.25, 0.95), (0.98, 0.82, 0.10), (0.10, 0.70, 0.20), (0.62, 0.15, 0.85))
"""Colors of pads, banners and flags, in the order of `COLORS`."""
STEPS = 5
"""Steps of stairs, which are drawn; players walk on a slope."""
SHAPES = ("box", "disc", "ramp", "cone")
BOX, DISC, RAMP, CONE = range(len(SHAPES))
MOVING = ("x", "y", "z", "wide", "long", "high", "yaw", "reach_x", "reach_y", "rate", "phase")
"""Columns of a moving block: middle of its way (m), half size (m), direction (rad); see `jumppad_env.levels.BLOCK`."""
BLOCK_PAINT = "crane"
"""Material of moving blocks."""
DISC_RADIUS = 1.75
"""m, of the disc around a pad."""
BANNER = 1.9
"""m, half width of the banner behind a pad."""
HEDGE = 0.3
"""m, half width of a hedge between lanes and of the rock below it: it fits between their walls."""


def counts(settings: LevelSettings) -> tuple[int, int, int, int]:
    """Returns how many pieces of each shape the stock of a level has."""
    pads, islands = settings.pads, settings.islands
    decoys = MOST_DECOYS if settings.distribution_mode == "hard" else 0
    slabs = 2 * (floors_of_an_island(settings) - 2)
    others = 1 + STEPS + 3 + 2 + 2 * (pads - 1) + 3 * pads  # plaza, arch, terraces, hedges, banners
    boxes = 3 + 2 + islands * (walls_of(settings) + slabs + others)
    return boxes, islands * (8 + 2 * (pads + decoys)), islands * (pads + decoys), islands * 2 * (pads - 1)


class Pieces:
    """Pieces of a level in the order in which they are placed, by shape."""

    def __init__(self, settings: LevelSettings) -> None:
        self._rows: list[list[tuple[float, ...]]] = [[] for _ in SHAPES]
        self._most = counts(settings)
        self._material = _numbers()

    def add(
        self, shape: int, place: tuple[float, float, float], size: tuple[float, float, float], yaw: float, top: str,
        side: str | None = None, pitch: float = 0.0,
    ) -> None:  # fmt: skip
        """Places a piece: its middle, half size (m), directions (rad), and materials of its top and its sides."""
        material = self._material
        self._rows[shape].append((*place, *size, yaw, pitch, material[top], material[side or top]))

    def table(self) -> np.ndarray:
        """Returns all pieces of the stock (n, 10), shape by shape; unused ones have no size."""
        tables = []
        for rows, most, shape in zip(self._rows, self._most, SHAPES, strict=True):
            assert len(rows) <= most, f"{len(rows)} pieces of shape {shape}, but the stock has {most}"
            tables.append(np.zeros((most, 10)))
            if rows:
                tables[-1][: len(rows)] = rows
        return np.concatenate(tables)


@functools.cache
def materials() -> tuple[Material, ...]:
    """Returns the materials of levels: those of the classic island, then the colors of pads."""
    paints = zip(COLORS, PAINTS, strict=True)
    return (*load_materials(), *(Material(name, np.array(color), 0.25) for name, color in paints))


@functools.cache
def _numbers() -> dict[str, int]:
    return {material.name: index for index, material in enumerate(materials())}


def build(level: Level, cue: int) -> np.ndarray:
    """Returns the pieces of a level, (n, 10).

    Args:
        level: which.
        cue: index of the color that the flag shows, -1 without one.
    """
    pieces = Pieces(level.settings)
    for plan, origin, colors, walls in zip(level.plans, level.origins.tolist(), level.colors, level.walls, strict=True):
        _build_island(pieces, plan, walls, [COLORS[color] for color in colors], *origin)
    if cue >= 0:
        plan = level.plans[0]
        x, y = plan.stairs.x - plan.neck_half - 0.9, plan.stairs.y - 1.2
        pieces.add(BOX, (x, y, 1.8), (0.07, 0.07, 1.8), 0.0, "iron")
        pieces.add(BOX, (x + 0.95, y, 3.0), (0.9, 0.05, 0.6), 0.0, COLORS[cue])
    edge = level.cliff
    pieces.add(BOX, (0.0, edge + 31.0, CLIFF_TOP - 14.0), (75.0, 31.0, 14.0), 0.0, "cliff")
    pieces.add(BOX, (0.0, edge + 0.6, CLIFF_TOP - 1.0), (75.0, 0.9, 0.9), 0.0, "stone", "cliff_dark")
    pieces.add(BOX, (0.0, edge + 46.0, CLIFF_TOP + 3.5), (75.0, 16.0, 3.5), 0.0, "cliff", "cliff_dark")
    return pieces.table()


def _build_ramp(pieces: Pieces, pad: Pose, color: str, x: float, y: float) -> None:
    pieces.add(DISC, (pad.x + x, pad.y + y, pad.z + 0.03), (DISC_RADIUS, DISC_RADIUS, 1.0), 0.0, color)
    pieces.add(DISC, (pad.x + x, pad.y + y, pad.z + 0.05), (1.45, 1.45, 1.0), 0.0, "iron")
    pieces.add(RAMP, (pad.x + x, pad.y + y, pad.z), (1.0, 1.0, 1.0), pad.heading, color)


class PlaceBox(Protocol):
    """Places a box whose middle is so far from a pose, and whose sides follow its direction."""

    def __call__(
        self, pose: Pose, ahead: float, right: float, up: float, size: tuple[float, float, float], top: str,
        side: str | None = None,
    ) -> None:  # fmt: skip
        """Takes m ahead, to the right and up, half sizes (m), and the materials of top and sides."""
        ...


def _build_island(pieces: Pieces, plan: Plan, walls: np.ndarray, colors: list[str], x: float, y: float) -> None:
    def box(
        pose: Pose, ahead: float, right: float, up: float, size: tuple[float, float, float], top: str,
        side: str | None = None,
    ) -> None:  # fmt: skip
        middle = pose.ahead(ahead, right)
        pieces.add(BOX, (middle.x + x, middle.y + y, pose.z + up), size, pose.heading, top, side)

    wide, deep = plan.plaza
    level = Pose(0.0, 0.0, 0.0, 0.0)
    box(level, 0.0, 0.0, -0.75, (wide + 0.5, deep + 0.5, 0.75), "planks", "stone_dark")
    run, rise = plan.top.y - plan.stairs.y, plan.top.z
    for step in range(STEPS):
        begin, height = run * step / STEPS, rise * (step + 1) / STEPS
        size = (plan.neck_half + 0.3, (run - begin) / 2 + 0.3, height / 2 + 0.2)
        box(plan.stairs, (run + begin) / 2 + 0.3, 0.0, height / 2 - 0.2, size, "stone", "stone_dark")
    for side in (-1.0, 1.0):
        box(plan.top, 0.4, side * (plan.neck_half + 0.3), 1.9, (0.16, 0.16, 1.9), "iron")
    box(plan.top, 0.4, 0.0, 3.9, (plan.neck_half + 0.6, 0.2, 0.16), "iron")
    _build_floors(pieces, plan, x, y)
    _build_lanes(pieces, box, plan, colors, x, y)
    for pose, half, long in plan.terraces:
        box(pose, 0.0, 0.0, -1.0, (half, long, 1.0), "terrace")
    for row in wall_boxes(walls, np.zeros(len(walls), np.bool_)).tolist():
        yaw = 2 * math.atan2(row[9], row[6])
        pieces.add(BOX, (row[0] + x, row[1] + y, row[2]), (row[3], row[4], row[5]), yaw, "edge", "wall")
    for spawn in plan.spawns:
        for radius, up, look in ((1.3, 0.03, "teal"), (0.9, 0.05, "iron")):
            pieces.add(DISC, (spawn.x + x, spawn.y + y, up), (radius, radius, 1.0), 0.0, look)


def _build_floors(pieces: Pieces, plan: Plan, x: float, y: float) -> None:
    """Places what is seen of the floors after the stairs: slabs, and a path along their middle."""
    before = len(plan.floors) - sum(len(lane.floors) for lane in plan.lanes)
    ends = itertools.accumulate((len(lane.floors) for lane in plan.lanes), initial=before)
    courts = {end - 1 for end in list(ends)[1:]}  # the last floor of each lane
    strips, kinds = [], []
    for index, row in enumerate(plan.floors[2:].tolist(), 2):
        start_x, start_y, heading, length, half, low, high, _ = row
        pitch = math.atan2(high - low, length)

        def slab(wide: float, thick: float, above: float, top: str, side: str) -> None:
            strips.append((start_x, start_y, heading, length, wide, low + above, high + above, 0.0))  # noqa: B023
            kinds.append((thick, top, side, pitch))  # noqa: B023

        if index == plan.bridge:
            slab(half, 0.12, 0.0, "planks", "stone_dark")
            continue
        slab(half + 0.5, 1.5, -0.05, "stone" if index == 2 else "grass", "cliff")
        if index > 2 and index not in courts:
            slab(half * 0.55, 0.03, 0.0, "path", "path")
    boxes = floor_boxes(np.array(strips), np.array([thick for thick, *_ in kinds])).tolist()
    for strip, (right, ahead, up, *size), (_, top, side, pitch) in zip(strips, boxes, kinds, strict=True):
        pieces.add(BOX, (right + x, ahead + y, up), (size[0], size[1], size[2]), strip[2], top, side, pitch)


def _build_lanes(pieces: Pieces, box: PlaceBox, plan: Plan, colors: list[str], x: float, y: float) -> None:
    for pad, color in zip(plan.pads, colors, strict=True):
        for side in (-1.0, 1.0):
            box(pad, BEHIND_PAD + 0.2, side * BANNER, 2.2, (0.14, 0.14, 2.2), "iron")
        box(pad, BEHIND_PAD + 0.2, 0.0, 3.6, (BANNER, 0.1, 1.25), color)
        _build_ramp(pieces, pad, color, x, y)
    for lane, color in zip(plan.lanes, (*colors[1:], colors[0]), strict=True):
        for decoy in lane.decoys:
            _build_ramp(pieces, decoy, color, x, y)
    for hedge, length in _hedges(plan):
        middle = length / 2
        box(hedge, middle, 0.0, -1.5, (HEDGE, middle, 1.5), "cliff")
        box(hedge, middle, 0.0, 0.55, (HEDGE, middle, 0.55), "hedge")
        for share in (0.15, 0.85):
            tree = hedge.ahead(length * share)
            pieces.add(CONE, (tree.x + x, tree.y + y, tree.z + 1.0), (0.6, 0.6, 2.8), 0.3, "cypress")


def _hedges(plan: Plan) -> Iterator[tuple[Pose, float]]:
    """Yields where hedges between lanes begin, and how long they are, m: as long as there is room."""
    ahead = np.arange(0.0, 20.0, 0.5)
    for left, right in itertools.pairwise(plan.lanes):
        between = plan.hub._replace(heading=(left.strips[0][S_HEADING] + right.strips[0][S_HEADING]) / 2)
        reach = min(math.dist(plan.hub[:2], lane.pad[:2]) for lane in (left, right))
        x, y = between.x - ahead * math.sin(between.heading), between.y + ahead * math.cos(between.heading)
        free = np.flatnonzero((_outside(plan.strips, x, y) > HEDGE) & (ahead < reach))
        if len(free) > 2 and len(free) == free[-1] - free[0] + 1:
            begin, end = ahead[free[[0, -1]]].tolist()
            yield between.ahead(begin), end - begin


def _outside(strips: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns how far places (n,) are outside of all strips (S, len(STRIP)), m; negative inside."""
    right, ahead = x[:, None] - strips[:, S_X], y[:, None] - strips[:, S_Y]
    cos, sin = np.cos(strips[:, S_HEADING]), np.sin(strips[:, S_HEADING])
    right, ahead = right * cos + ahead * sin, ahead * cos - right * sin
    aside = np.abs(right) - strips[:, S_HALF]
    return np.maximum(aside, np.maximum(-ahead, ahead - strips[:, S_LENGTH])).min(axis=1)


def with_paints(colors: np.ndarray, emissions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns colors (M, 3) and emissions (M,) of the classic materials with those of the pads' colors behind."""
    added = materials()[len(colors) :]
    return (
        np.concatenate([colors, [material.color for material in added]]),
        np.concatenate([emissions, [material.emission for material in added]]),
    )


def floors_of(level: Level) -> np.ndarray:
    """Returns the floors of a level, (n, len(ground.FLOOR)), as many for all levels of the same settings."""
    rows = []
    for plan, (x, y) in zip(level.plans, level.origins.tolist(), strict=True):
        for start_x, start_y, heading, length, half, low, high, _ in plan.floors.tolist():
            slope = (high - low) / length
            rows.append((start_x + x, start_y + y, math.cos(heading), math.sin(heading), length, half, low, slope))
        for pose, half, long in plan.terraces:
            rows.append((pose.x + x, pose.y + y - long, 1.0, 0.0, 2 * long, half, pose.z, 0.0))
    rows.append((0.0, level.cliff, 1.0, 0.0, 62.0, 75.0, CLIFF_TOP, 0.0))
    terraces = 2
    floors = np.zeros((1 + level.settings.islands * (floors_of_an_island(level.settings) + terraces), len(FLOOR)))
    floors[:, FLOOR.index("half")] = -1.0  # unused ones lie under nothing
    floors[: len(rows)] = rows
    return floors


def moving_blocks(level: Level) -> np.ndarray:
    """Returns the moving block of each island, (K, len(MOVING)); one without a size where there is none."""
    rows = np.zeros((len(level.plans), len(MOVING)))
    for row, plan, block in zip(rows, level.plans, level.blocks, strict=True):
        if plan.block is not None:
            row[:3] = block[B_X], block[B_Y], plan.block.middle.z + BLOCK_HALF[2]
            row[3:7] = *BLOCK_HALF, plan.block.middle.heading
            row[7:] = block[B_REACH_X], block[B_REACH_Y], block[B_RATE], block[B_PHASE]
    return rows


def clutter_spots(level: Level) -> np.ndarray:
    """Returns places (n, 3) m for clutter: on the terraces of the first island."""
    places = [
        (pose.x + half * across, pose.y + long * along, pose.z)
        for pose, half, long in level.plans[0].terraces
        for across in (-0.3, 0.2, 0.7)
        for along in (-0.7, -0.2, 0.3, 0.8)
    ]
    return np.array(places)
