"""A height map of the ground: where the blob shadow under a character falls."""

import functools
import itertools

import numpy as np

from jumppad_env.compiled import compiled_part
from jumppad_env.drawing.rasterizer import draw_flat
from jumppad_env.drawing.scenery import load_scenery

CELL = 0.25
"""m, side of a cell of the map."""
CORNER = (-20.0, 60.0)
"""m: x and y of the map's upper left corner, y pointing up."""
CELLS = (280, 160)
"""Rows and columns of the map."""
NO_GROUND = -100.0
"""m, the height where there is no ground."""
ROOF = 2.3
"""m: parts of the scenery that reach higher are not ground."""


@functools.cache
def load_heights() -> np.ndarray:
    """Returns the height of the ground, m, float32 CELLS."""
    mesh = load_scenery(detail=False).island
    axes = np.array(
        [[1 / CELL, 0, 0, -CORNER[0] / CELL], [0, -1 / CELL, 0, CORNER[1] / CELL], [0, 0, 1.0, 0]], np.float64
    )
    heights, unused = np.full(CELLS, NO_GROUND, np.float32), np.empty(CELLS, np.uint32)
    outline = np.empty((2 * int(np.diff(mesh.faces.astype(int)).max()), 2))
    for part, (first, end) in enumerate(itertools.pairwise(mesh.part_faces.tolist())):
        own = mesh.vertices[mesh.part_vertices[part] : mesh.part_vertices[part + 1]]
        if own[:, 2].max() < ROOF:
            draw_flat(mesh.vertices, mesh.faces, mesh.corners, mesh.planes, first, end, axes, outline, heights, unused)
    return heights


FLOOR = ("x", "y", "cos", "sin", "length", "half", "height", "slope")
"""Columns of a floor of a level: middle of its start (m), cosine and sine of its direction, length and half width (m),
height at its start (m), and slope."""

NO_FLOORS = np.empty((0, len(FLOOR)))


@compiled_part
def height_below(x, y, ground):
    """Returns the height of the ground at a place, m; `NO_GROUND` where there is none.

    Args:
        x: m.
        y: m.
        ground: heights, see `load_heights`, empty on levels; and floors (n, len(FLOOR)), none on the classic island.
    """
    heights, floors = ground
    column, row = int((x - CORNER[0]) / CELL), int((CORNER[1] - y) / CELL)
    if 0 <= row < heights.shape[0] and 0 <= column < heights.shape[1]:
        return heights[row, column]
    highest = np.float32(NO_GROUND)
    for index in range(len(floors)):
        start_x, start_y, cos, sin, length, half, height, slope = floors[index]
        ahead, right = (y - start_y) * cos - (x - start_x) * sin, (x - start_x) * cos + (y - start_y) * sin
        if 0.0 <= ahead <= length and abs(right) <= half:
            highest = max(highest, np.float32(height + slope * ahead))
    return highest
