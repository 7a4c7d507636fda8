"""Meshes of levels: the pieces of a level take the places of a stock of unit shapes."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled
from jumppad_env.drawing.levels.pieces import counts
from jumppad_env.drawing.scenery import Mesh, load_model, load_scenery, make_mesh
from jumppad_env.drawing.shapes import box_faces, cone_faces, disc_faces, faces_in_body
from jumppad_env.island import load_island
from jumppad_env.levels import LevelSettings
from jumppad_env.rules import CHARACTERS, PADS

NOTHING = Mesh(
    np.empty((0, 3), order="F"), np.zeros(1, np.uint32), np.empty(0, np.uint32), np.empty((0, 4)),
    np.zeros(1, np.uint32), np.zeros(1, np.uint32), np.empty((0, 4)),
)  # fmt: skip
"""A mesh without parts: on levels nothing stands still, for every level has its own pieces."""


class LevelScenery(NamedTuple):
    """What all levels of some settings share: the shapes of all pieces, and the classic landmarks."""

    mesh: Mesh
    """One part per piece, in its own frame and of unit size; then the landmarks and clutter, as `Scenery.movable`."""
    pieces: Mesh
    """The first of these."""
    up: np.ndarray
    """(F,) bool: whether a face of a piece is its top."""
    of_faces: np.ndarray
    """(F,) int: piece of each face."""

    def materials_of(self, table: np.ndarray) -> np.ndarray:
        """Returns the material of each face of the pieces (F,), given their table."""
        top, side = table[self.of_faces, 8], table[self.of_faces, 9]
        return np.where(self.up, top, side).astype(np.int64)


@functools.cache
def load_level_scenery(settings: LevelSettings, *, detail: bool) -> LevelScenery:
    """Returns what all levels of some settings share."""
    return _load(counts(settings), detail)


@functools.cache
def _load(numbers: tuple[int, ...], detail: bool) -> LevelScenery:
    shapes = (box_faces(), disc_faces(), _ramp_faces(), cone_faces())
    pieces = make_mesh([faces for faces, count in zip(shapes, numbers, strict=True) for _ in range(count)])
    return LevelScenery(
        mesh=_together(pieces, load_scenery(detail=detail).movable),
        pieces=pieces,
        up=pieces.planes[:, 2] > 0.9,
        of_faces=np.repeat(np.arange(sum(numbers)), np.diff(pieces.part_faces.astype(int))),
    )


def _together(first: Mesh, second: Mesh) -> Mesh:
    """Returns the mesh of the parts of both."""

    def after(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.concatenate([one[:-1], other + one[-1]]).astype(np.uint32)

    return Mesh(
        vertices=np.asfortranarray(np.concatenate([first.vertices, second.vertices])),
        faces=after(first.faces, second.faces),
        corners=np.concatenate([first.corners, second.corners + len(first.vertices)]).astype(np.uint32),
        planes=np.concatenate([first.planes, second.planes]),
        part_vertices=after(first.part_vertices, second.part_vertices),
        part_faces=after(first.part_faces, second.part_faces),
        spheres=np.concatenate([first.spheres, second.spheres]),
    )


def _ramp_faces() -> list[np.ndarray]:
    """Returns the faces of a pad's ramp in a frame whose origin is the middle of its base."""
    model, middle = load_model(next(iter(CHARACTERS))), PADS.index("middle")
    return [face - load_island().pads[middle] for face in faces_in_body(model, model.geom("pad_middle").id)]


@compiled
def place_block(block, steps, mesh, vertices, planes, spheres):
    """Places the faces of a moving block, a box, where it is after some control steps.

    Args:
        block: (len(MOVING),).
        steps: control steps since the episode began.
        mesh: of all pieces, of which the first is a box.
        vertices: (8, 3) m, output.
        planes: (6, 4), output.
        spheres: (1, 4), output.
    """
    table = np.zeros((1, 10))
    turn = math.sin(block[9] * steps + block[10])
    table[0, 0], table[0, 1], table[0, 2] = block[0] + block[7] * turn, block[1] + block[8] * turn, block[2]
    table[0, 3], table[0, 4], table[0, 5], table[0, 6] = block[3], block[4], block[5], block[6]
    place_pieces(mesh, table, vertices, planes, spheres)


@compiled
def place_pieces(mesh, table, vertices, planes, spheres):
    """Scales, turns and moves unit shapes to their places.

    Args:
        mesh: `jumppad_env.drawing.scenery.Mesh` of all pieces, each in its own frame.
        table: (n, 10), see `jumppad_env.drawing.levels.pieces.Pieces.table`.
        vertices: (V, 3) m, output.
        planes: (F, 4), output; all zero, and so invisible, for pieces without a size.
        spheres: (n, 4) m, output.
    """
    for part in range(len(table)):
        x, y, z, wide, long, high = (
            table[part, 0],
            table[part, 1],
            table[part, 2],
            table[part, 3],
            table[part, 4],
            table[part, 5],
        )
        cos, sin = math.cos(table[part, 6]), math.sin(table[part, 6])
        level, slant = math.cos(table[part, 7]), math.sin(table[part, 7])
        first, last = mesh.part_vertices[part], mesh.part_vertices[part + 1]
        if wide == 0.0:
            planes[mesh.part_faces[part] : mesh.part_faces[part + 1]] = 0.0
            spheres[part] = 0.0
            vertices[first:last] = 0.0
            continue
        radius = 0.0
        for index in range(first, last):
            right, ahead, up = (
                mesh.vertices[index, 0] * wide,
                mesh.vertices[index, 1] * long,
                mesh.vertices[index, 2] * high,
            )
            ahead, up = level * ahead - slant * up, slant * ahead + level * up
            right, ahead = cos * right - sin * ahead, sin * right + cos * ahead
            vertices[index, 0], vertices[index, 1], vertices[index, 2] = right + x, ahead + y, up + z
            radius = max(radius, right * right + ahead * ahead + up * up)
        spheres[part, 0], spheres[part, 1], spheres[part, 2], spheres[part, 3] = x, y, z, math.sqrt(radius)
        for face in range(mesh.part_faces[part], mesh.part_faces[part + 1]):
            right, ahead, up = mesh.planes[face, 0] / wide, mesh.planes[face, 1] / long, mesh.planes[face, 2] / high
            length = math.sqrt(right * right + ahead * ahead + up * up)
            right, ahead, up = right / length, ahead / length, up / length
            ahead, up = level * ahead - slant * up, slant * ahead + level * up
            right, ahead = cos * right - sin * ahead, sin * right + cos * ahead
            corner = mesh.corners[mesh.faces[face]]
            planes[face, 0], planes[face, 1], planes[face, 2] = right, ahead, up
            planes[face, 3] = right * vertices[corner, 0] + ahead * vertices[corner, 1] + up * vertices[corner, 2]
