"""Places on the track of a level where characters have room to stand."""

from __future__ import annotations

import math

import numpy as np

from jumppad_env.levels.level import RAMP_HALF, Level
from jumppad_env.levels.outline import S_HALF, S_HEADING, S_HIGH, S_LENGTH, S_LOW, S_X, S_Y
from jumppad_env.levels.rulebook import BLOCK_HALF, Plan

CLEARANCE = 0.75
"""m around a place that is free of walls, edges, pads and blocks; characters have a radius of 0.4 m."""
DIRECTIONS = 16
"""Points on the circle around a place that must lie on a floor too."""
AT_ONCE = 64
"""Places drawn at a time."""


def draw_place(generator: np.random.Generator, level: Level) -> np.ndarray:
    """Returns a place (3,) m on the first island of a level, all places with room to stand being equally likely.

    Args:
        generator: draws places until one has room.
        level: its terraces, gaps, pads and whatever looks like one are left out, and the way of its moving block.
    """
    plan = level.plans[0]
    angles = np.arange(DIRECTIONS) * 2 * math.pi / DIRECTIONS
    circle = np.concatenate([np.zeros((1, 2)), CLEARANCE * np.stack([np.cos(angles), np.sin(angles)], axis=1)])
    low, high = _bounds(plan)
    while True:
        places = generator.uniform(low, high, (AT_ONCE, 2))
        heights = _floor_heights(plan, places[:, None] + circle)
        roomy = np.flatnonzero(~np.isnan(heights).any(axis=1) & _free(plan, places))
        if len(roomy):
            first = roomy[0]
            return np.append(places[first] + level.origins[0], heights[first].max())


def _floor_heights(plan: Plan, places: np.ndarray) -> np.ndarray:
    """Returns the height of the highest floor of an island at places (..., 2), m, in its own frame; NaN without one."""
    offsets = places[..., None, :] - plan.floors[:, [S_X, S_Y]]
    cos, sin = np.cos(plan.floors[:, S_HEADING]), np.sin(plan.floors[:, S_HEADING])
    ahead = (offsets[..., 1] * cos - offsets[..., 0] * sin) / plan.floors[:, S_LENGTH]
    right = offsets[..., 0] * cos + offsets[..., 1] * sin
    on = (ahead >= 0) & (ahead <= 1) & (np.abs(right) <= plan.floors[:, S_HALF])
    heights = plan.floors[:, S_LOW] + ahead * (plan.floors[:, S_HIGH] - plan.floors[:, S_LOW])
    highest = np.where(on, heights, -math.inf).max(axis=-1)
    return np.where(on.any(axis=-1), highest, math.nan)


def _bounds(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Returns the corners of a rectangle (2,) m around all floors."""
    cos, sin = np.cos(plan.floors[:, S_HEADING]), np.sin(plan.floors[:, S_HEADING])
    starts, across = plan.floors[:, [S_X, S_Y]], plan.floors[:, S_HALF, None] * np.stack([cos, sin], axis=1)
    ends = starts + plan.floors[:, S_LENGTH, None] * np.stack([-sin, cos], axis=1)
    corners = np.concatenate([side + sign * across for side in (starts, ends) for sign in (-1, 1)])
    return corners.min(axis=0), corners.max(axis=0)


def _free(plan: Plan, places: np.ndarray) -> np.ndarray:
    """Returns whether nothing stands at places (N, 2) m, bool (N,): no pad, no decoy, and no block ever."""
    ramps = [*plan.pads, *(decoy for lane in plan.lanes for decoy in lane.decoys)]
    things = np.array([ramp[:2] for ramp in ramps])
    apart = np.hypot(*np.moveaxis(places[:, None] - things, -1, 0)).min(axis=1)
    free = apart > CLEARANCE + math.hypot(RAMP_HALF, 1.0)  # a ramp reaches 1 m ahead of its middle
    if plan.block is not None:
        middle, reach = plan.block.middle, plan.block.reach
        across = np.array([math.cos(middle.heading), math.sin(middle.heading)])
        offsets = places - np.array(middle[:2])
        along = np.clip(offsets @ across, -reach, reach)[:, None] * across
        free &= np.hypot(*(offsets - along).T) > CLEARANCE + math.hypot(*BLOCK_HALF[:2])
    return free
