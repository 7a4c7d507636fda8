"""Maps of levels, from the numbers that physics and drawing read."""

from __future__ import annotations

import math

import numpy as np

from agents.figures.island_map import LAUNCH, MAP_COLORS, MARGIN, IslandMap
from agents.figures.palette import PAD_COLORS
from jumppad_env.drawing.levels.pieces import DISC_RADIUS, STEPS
from jumppad_env.levels import COLORS, Level
from jumppad_env.levels.level import wall_boxes
from jumppad_env.levels.rulebook import BLOCK_HALF, Plan

LEVEL_COLORS = MAP_COLORS | {
    "stairs": "#bcc5ca",
    "bridge": "#c9a87c",
    "way of the block": "#f6dcb8",
    "block": "#e08a1e",
    **PAD_COLORS,
    "decoy": "#ffffff",
}
"""Colors of the layers, from bottom to top. Pads are discs in their colors, decoys rings."""


def load_level_map(level: Level) -> IslandMap:
    """Returns the map of all islands of a level."""
    layers: dict[str, list[np.ndarray]] = {layer: [] for layer in LEVEL_COLORS}
    for plan, walls, colors, origin in zip(level.plans, level.walls, level.colors, level.origins, strict=True):
        for layer, polygons in _outlines(plan, walls, [COLORS[color] for color in colors]):
            layers[layer] += [polygon + origin for polygon in polygons]
    seen = np.concatenate(layers["wall"])
    (left, bottom), (right, top) = seen.min(axis=0) - MARGIN, seen.max(axis=0) + (MARGIN, LAUNCH)
    bounds = (float(left), float(right), float(bottom), float(top))
    filled = {layer: polygons for layer, polygons in layers.items() if polygons}
    return IslandMap(filled, level.islands[0].spawns[:, :2], bounds, LEVEL_COLORS)


def _outlines(plan: Plan, walls: np.ndarray, colors: list[str]) -> list[tuple[str, list[np.ndarray]]]:
    """Returns layers and polygons (n, 2) m of an island, in its own frame."""
    floors = [rectangle(*row[:5]) for row in plan.floors.tolist()]
    run = math.dist(plan.stairs[:2], plan.top[:2]) / STEPS
    treads = [rectangle(*plan.stairs.ahead(run * (step + 0.7))[:2], 0.0, 0.3 * run, plan.neck_half)
              for step in range(STEPS)]  # fmt: skip
    found = [
        ("terrace", [rectangle(pose.x, pose.y - long, 0.0, 2 * long, half) for pose, half, long in plan.terraces]),
        ("ground", [floor for index, floor in enumerate(floors) if index != plan.bridge or not index]),
        ("stairs", treads),
        ("bridge", [floors[plan.bridge]] if plan.bridge else []),
        ("wall", [
            rectangle(x + long * sin, y - long * cos, math.atan2(sin, cos), 2 * long, wide)
            for x, y, wide, long, cos, sin in _upright(walls)
        ]),
    ]  # fmt: skip
    if plan.block:
        heading, (wide, long, _) = plan.block.middle.heading, BLOCK_HALF
        start = plan.block.middle.ahead(-long)
        now = start.ahead(0.0, plan.block.reach * math.sin(plan.block.phase))
        found.append(("way of the block", [rectangle(*start[:2], heading, 2 * long, plan.block.reach + wide)]))
        found.append(("block", [rectangle(*now[:2], heading, 2 * long, wide)]))
    for pad, color in zip(plan.pads, colors, strict=True):
        found.append((color, [disc(pad.x, pad.y, DISC_RADIUS)]))
    for lane, color in zip(plan.lanes, (*colors[1:], colors[0]), strict=True):
        found.append((color, [disc(decoy.x, decoy.y, DISC_RADIUS) for decoy in lane.decoys]))
        found.append(("decoy", [disc(decoy.x, decoy.y, 0.6 * DISC_RADIUS) for decoy in lane.decoys]))
    return found


def _upright(walls: np.ndarray) -> list[list[float]]:
    """Returns middle, half width along x and y of their own frame, cosine and sine of walls' directions."""
    boxes = wall_boxes(walls, np.zeros(len(walls), np.bool_))
    yaw = 2 * np.arctan2(boxes[:, 9], boxes[:, 6])
    return np.column_stack([boxes[:, [0, 1, 3, 4]], np.cos(yaw), np.sin(yaw)]).tolist()


def rectangle(x: float, y: float, heading: float, length: float, half: float) -> np.ndarray:
    """Returns the corners (4, 2) m of a rectangle that starts at a place and leads in a direction, rad from +y."""
    cos, sin = math.cos(heading), math.sin(heading)
    corners = ((0.0, -half), (0.0, half), (length, half), (length, -half))
    return np.array([(x - ahead * sin + right * cos, y + ahead * cos + right * sin) for ahead, right in corners])


def disc(x: float, y: float, radius: float) -> np.ndarray:
    """Returns a circle as a polygon (24, 2) m."""
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])
