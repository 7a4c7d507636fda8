"""Walkable places of the island, found by casting rays down to the ground."""

import functools
from collections import deque

import numpy as np

from jumppad_env.island.island import load_island
from jumppad_env.island.mujoco_library import mujoco

SPACING = 0.25
"""m between places; walls with their clearance are wider, so no step leads through one."""
CLEARANCE = 0.75
"""m around a place that is free of walls, beds and pads; characters have a radius of 0.4 m."""


@functools.cache
def walkable_places() -> np.ndarray:
    """Returns places (n, 3) m on a grid, with room to stand and reachable from the spawn points.

    The terraces beside the track are excluded: there is no way back up.
    """
    island = load_island()
    model, data = island.model, mujoco.MjData(island.model)
    mujoco.mj_forward(model, data)
    floors = {geom for geom in range(model.ngeom) if "_ground" in model.geom(geom).name}
    assert floors, "the MJCF has no geom with _ground in its name"  # the convention that marks floors
    character = int(model.geom_bodyid[model.geom("foot").id])
    reach = np.concatenate([island.spawns, island.pads])[:, :2]
    margin = 4.0  # m beyond pads and spawn points; the walls are closer
    low, high = reach.min(axis=0) - margin, reach.max(axis=0) + margin
    xs, ys = (np.arange(first, last, SPACING) for first, last in zip(low, high, strict=True))
    heights = np.full((len(xs), len(ys)), np.nan)  # of the floor; NaN where something else is hit first
    down, geom = np.array([0.0, 0.0, -1.0]), np.zeros(1, dtype=np.int32)
    above = 20.0
    for i, x in enumerate(xs):
        for j, y in enumerate(ys):
            fall = mujoco.mj_ray(model, data, np.array([x, y, above]), down, None, 1, character, geom)
            if int(geom[0]) in floors:
                heights[i, j] = above - fall
    return _connected(xs, ys, heights, _roomy(heights), island.spawns)


def _roomy(heights: np.ndarray) -> np.ndarray:
    """Returns, as bool, where a circle of radius CLEARANCE around a place is all floor."""
    cells = int(CLEARANCE / SPACING)
    padded = np.pad(~np.isnan(heights), cells)
    roomy = np.ones_like(heights, dtype=np.bool_)
    for di in range(-cells, cells + 1):
        for dj in range(-cells, cells + 1):
            if np.hypot(di, dj) * SPACING <= CLEARANCE:
                roomy &= padded[cells + di :, cells + dj :][: heights.shape[0], : heights.shape[1]]
    return roomy


def _connected(
    xs: np.ndarray, ys: np.ndarray, heights: np.ndarray, roomy: np.ndarray, spawns: np.ndarray
) -> np.ndarray:
    """Returns the roomy places (n, 3) connected to the spawn points (flood fill)."""
    starts = [(int(np.abs(xs - x).argmin()), int(np.abs(ys - y).argmin())) for x, y, _ in spawns]
    assert all(roomy[start] for start in starts), "no room to stand at a spawn point"
    reached, waiting = set(starts), deque(starts)
    while waiting:
        i, j = waiting.popleft()
        for neighbor in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            inside = 0 <= neighbor[0] < len(xs) and 0 <= neighbor[1] < len(ys)
            if inside and roomy[neighbor] and neighbor not in reached:
                reached.add(neighbor)
                waiting.append(neighbor)
    return np.array([(xs[i], ys[j], heights[i, j]) for i, j in sorted(reached)])
