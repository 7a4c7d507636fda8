"""Tessellates MuJoCo's geoms into flat, convex faces."""

import functools
import itertools

import numpy as np

from jumppad_env.island.mujoco_library import mujoco

CYLINDER_SIDES = 14
DISC_HEIGHT = 0.1
"""m; of a cylinder lower than this only the top is drawn: one face instead of sixteen."""


def rotation(quaternion: np.ndarray) -> np.ndarray:
    """Returns the rotation matrix (3, 3) of a quaternion (4,)."""
    matrix = np.empty(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def normal(face: np.ndarray) -> np.ndarray:
    """Returns the unit normal (3,) of a face (n, 3) by Newell's method, which tolerates collinear corners."""
    total = _crossed(face).sum(axis=0)
    return total / max(float(np.linalg.norm(total)), 1e-12)


def _crossed(vectors: np.ndarray) -> np.ndarray:
    """Returns the cross product (n, 3) of each vector and the next one; `np.cross` is slow for few."""
    turned, back = vectors.take([1, 2, 0], axis=1), vectors.take([2, 0, 1], axis=1)
    following = [*range(1, len(vectors)), 0]
    return turned * back.take(following, axis=0) - back * turned.take(following, axis=0)


def shared_vertices(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deduplicates corners (C, n), to a micrometer: returns vertices (V, n) and indices (C,) uint32."""
    vertices, indices = np.unique(np.round(corners, 6), axis=0, return_inverse=True)
    return vertices, indices.reshape(-1).astype(np.uint32)


def geom_faces(model: mujoco.MjModel, geom: int) -> list[np.ndarray]:
    """Returns the surface of a geom as convex faces (n, 3), m in its frame, counter-clockwise from outside."""
    return _merged(_geom_triangles(model, geom))


def box_faces() -> list[np.ndarray]:
    """Returns the faces of the cube from -1 to 1."""
    return _merged(_box())


def disc_faces() -> list[np.ndarray]:
    """Returns a disc of radius 1 at z = 0, facing up."""
    return [face - [0.0, 0.0, 1.0] for face in _merged(_disc())]


def cone_faces(sides: int = 6) -> list[np.ndarray]:
    """Returns the sides of a pyramid of radius 1 that stands on z = 0, 1 high."""
    angles = np.arange(sides + 1) * (2 * np.pi / sides)
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=1)
    return [np.array([one, other, [0.0, 0.0, 1.0]]) for one, other in itertools.pairwise(ring)]


def _merged(triangles: np.ndarray) -> list[np.ndarray]:
    """Returns triangles (T, 3 corners, 3) as convex faces (n, 3)."""
    vertices, indices = shared_vertices(triangles.reshape(-1, 3))
    by_plane: dict[tuple[float, ...], list[list[int]]] = {}
    for loop in indices.reshape(-1, 3).tolist():
        up = normal(vertices[loop])
        plane = np.round([*up, up @ vertices[loop[0]]], 4) + 0.0  # not -0.0
        by_plane.setdefault(tuple(plane.tolist()), []).append(loop)
    return [vertices[loop] for plane, loops in by_plane.items() for loop in _join(loops, vertices, np.array(plane[:3]))]


def faces_in_body(model: mujoco.MjModel, geom: int) -> list[np.ndarray]:
    """Returns the faces of a geom (n, 3), m in its body's frame."""
    return [face @ rotation(model.geom_quat[geom]).T + model.geom_pos[geom] for face in geom_faces(model, geom)]


def _join(loops: list[list[int]], vertices: np.ndarray, up: np.ndarray) -> list[list[int]]:
    """Merges polygons of one plane along common edges as long as the results are convex.

    Args:
        loops: indices of their corners, counter-clockwise around `up`; emptied.
        vertices: (V, 3).
        up: (3,), their normal.
    """
    done: list[list[int]] = []
    while loops:
        loop = loops.pop()
        joined = True
        while joined:
            joined = False
            for other in loops:
                both = _along_common_edge(loop, other)
                if both is not None and _is_convex(vertices[both], up):
                    loops.remove(other)
                    loop, joined = both, True
                    break
        done.append(loop)
    return done


def _along_common_edge(one: list[int], other: list[int]) -> list[int] | None:
    """Returns the outline of two polygons merged at a common edge, None if there is none."""
    for i, (start, end) in enumerate(zip(one, one[1:] + one[:1], strict=True)):
        if start in other and end == other[other.index(start) - 1]:
            j = other.index(start)
            between = (other[j:] + other[:j])[1:-1]  # the other's corners, from the edge's start round to its end
            return one[: i + 1] + between + one[i + 1 :]
    return None


def _is_convex(polygon: np.ndarray, up: np.ndarray) -> bool:
    turns = _crossed(np.concatenate([polygon[1:], polygon[:1]]) - polygon) @ up
    return bool((turns > -1e-9).all()) and len({tuple(corner) for corner in polygon}) == len(polygon)


def _geom_triangles(model: mujoco.MjModel, geom: int) -> np.ndarray:
    """Returns the surface of a geom as triangles (T, 3 corners, 3), m in its frame, counter-clockwise from outside.

    Raises:
        ValueError: an unsupported type of geom.
    """
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        return _box() * size
    if kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        return (_disc() if 2 * size[1] < DISC_HEIGHT else _cylinder()) * [size[0], size[0], size[1]]
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.mesh(int(model.geom_dataid[geom]))
        first, count = int(mesh.vertadr[0]), int(mesh.vertnum[0])
        face, faces = int(mesh.faceadr[0]), int(mesh.facenum[0])
        return model.mesh_vert[first : first + count][model.mesh_face[face : face + faces]].astype(np.float64)
    raise ValueError(f"geom {model.geom(geom).name!r}: only boxes, cylinders and meshes can be drawn")


@functools.cache
def _box() -> np.ndarray:
    """Returns the 12 triangles of the cube from -1 to 1."""
    triangles = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            out = sign * np.eye(3)[axis]
            u = np.eye(3)[(axis + 1) % 3]
            v = np.cross(out, u)
            a, b, c, d = out - u - v, out + u - v, out + u + v, out - u + v
            triangles += [(a, b, c), (a, c, d)]
    return np.array(triangles)


def _ring() -> np.ndarray:
    """Returns points on the unit circle (CYLINDER_SIDES + 1, 3), z = 0, closed: the first is repeated at the end."""
    angle = np.arange(CYLINDER_SIDES + 1) * (2 * np.pi / CYLINDER_SIDES)
    return np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)


@functools.cache
def _disc() -> np.ndarray:
    """Returns a disc of radius 1 at z = 1, facing up, as triangles."""
    ring = _ring() + [0.0, 0.0, 1.0]
    return np.array([(ring[0], p, q) for p, q in itertools.pairwise(ring[1:-1])])


@functools.cache
def _cylinder() -> np.ndarray:
    """Returns a closed cylinder of radius 1 from z = -1 to 1 as triangles."""
    up = np.array([0.0, 0.0, 1.0])
    sides = [((p - up, q - up, q + up), (p - up, q + up, p + up)) for p, q in itertools.pairwise(_ring())]
    return np.concatenate([_disc(), _disc()[:, ::-1] * [1, 1, -1], *map(np.array, sides)])
