"""What is drawn: the MJCF's geoms as flat, convex faces, made once.

The island's static geoms become one mesh whose light is already worked out, for the sun stands still. A character's
become meshes in the frames of its bodies, to be posed at every drawing.
"""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import numpy as np

from jumppad_env.island import character_path
from jumppad_env.mujoco_library import mujoco
from jumppad_env.rules import CHARACTERS

HIDDEN_GROUP = 3
"""Geoms of this group are solid and never drawn."""
BOARD_GROUP = 4
"""Geoms of this group are drawn while the character is on its board."""
CYLINDER_SIDES = 14
DISC_HEIGHT = 0.1
"""m; of a cylinder lower than this only the top is drawn, one face instead of sixteen."""
DRAWN_LAST = ("cliff_dark", "cliff", "mist", "haze")
"""Materials of the background: what is near is drawn first, so that pixels behind it need no more writing."""


class Camera(NamedTuple):
    """The third-person camera, from the MJCF."""

    distance: float
    """m behind the point that it circles."""
    height: float
    """m of that point above the character's feet."""
    shoulder: float
    """m to the right of it."""
    half_width: float
    """Half of what is seen at a distance of 1 m, m."""
    half_height: float
    """Half of what is seen at a distance of 1 m, m."""
    near: float
    """m; what is closer is not drawn."""


class Light(NamedTuple):
    """The sun, and what comes from everywhere."""

    direction: np.ndarray
    """(3,) unit vector along which the sun shines."""
    diffuse: np.ndarray
    """(3,) of the sun."""
    ambient: np.ndarray
    """(3,) from everywhere."""


class Mesh(NamedTuple):
    """Static faces before a background."""

    vertices: np.ndarray
    """(V, 3) m."""
    faces: np.ndarray
    """(F + 1,) uint32: face f is convex, its corners are `corners[faces[f] : faces[f + 1]]`."""
    corners: np.ndarray
    """(C,) uint32, indices of vertices, counter-clockwise from outside."""
    planes: np.ndarray
    """(F, 4): unit normal and its product with any corner; what lies in front of the plane sees the face."""
    colors: np.ndarray
    """(F,) uint32, light included: red | green << 8 | blue << 16."""
    background: int
    """Color of the sky."""


class Figure(NamedTuple):
    """A character: a tree of bodies, and faces fixed to them. Index 0 of the bodies is the world."""

    parents: np.ndarray
    """(B,) int32, index of each body's parent, which comes before it."""
    offsets: np.ndarray
    """(B, 3) m, in the parent's frame."""
    axes: np.ndarray
    """(B, 3, 3), columns in the parent's frame."""
    joint_bodies: np.ndarray
    """(J,) int32, in the order of qpos."""
    joint_hinges: np.ndarray
    """(J,) bool: turns, else slides."""
    joint_axes: np.ndarray
    """(J, 3) in the body's frame."""
    joint_anchors: np.ndarray
    """(J, 3) m in the body's frame."""
    vertices: np.ndarray
    """(V, 3) m, in the body's frame."""
    vertex_bodies: np.ndarray
    """(V,) int32."""
    faces: np.ndarray
    """(F + 1,) uint32, as those of `Mesh`."""
    corners: np.ndarray
    """(C,) uint32, as those of `Mesh`."""
    face_bodies: np.ndarray
    """(F,) int32."""
    normals: np.ndarray
    """(F, 3) unit vectors, in the body's frame."""
    colors: np.ndarray
    """(F, 3), without light, 0 to 1."""
    emissions: np.ndarray
    """(F,): how much of its color a face shines by itself."""
    board: np.ndarray
    """(F,) bool: part of the board, not drawn without it."""


@functools.cache
def load_model(character: str) -> mujoco.MjModel:
    """Returns the compiled MJCF of a character on the island."""
    return mujoco.MjModel.from_xml_path(str(character_path(character)))


@functools.cache
def load_camera() -> Camera:
    """Returns the MJCF's camera.

    Raises:
        ValueError: it gives its field of view otherwise than by `sensorsize` and `focal`.
    """
    model = load_model(next(iter(CHARACTERS)))
    camera = model.camera("observer").id
    width, height = model.cam_sensorsize[camera]
    focal_x, focal_y = model.cam_intrinsic[camera, :2]
    if min(width, height, focal_x, focal_y) <= 0:
        raise ValueError("the MJCF's camera must have sensorsize and focal")
    distance, above, shoulder = (
        float(model.numeric(f"camera_{name}").data[0]) for name in ("distance", "height", "shoulder")
    )
    near = float(model.vis.map.znear * model.stat.extent)
    return Camera(distance, above, shoulder, float(width / focal_x / 2), float(height / focal_y / 2), near)


@functools.cache
def load_light() -> Light:
    """Returns the MJCF's only light.

    Raises:
        ValueError: there are several, or it is not directional.
    """
    model = load_model(next(iter(CHARACTERS)))
    if (
        model.nlight != 1
        or model.light_type[0] != mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        or model.vis.headlight.active
    ):
        raise ValueError("the MJCF must have one directional light and no headlight")
    direction = model.light_dir[0] / np.linalg.norm(model.light_dir[0])
    return Light(direction, model.light_diffuse[0].astype(np.float64), model.light_ambient[0].astype(np.float64))


@functools.cache
def load_island_mesh() -> Mesh:
    """Returns all of the island that is drawn, nearest materials first."""
    model = load_model(next(iter(CHARACTERS)))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    light = load_light()
    faces: list[np.ndarray] = []
    planes, colors = [], []
    for geom in sorted(_drawn_geoms(model, static=True), key=lambda geom: _background(model, geom)):
        rgb, emission = _material(model, geom)
        for face in _geom_faces(model, geom):
            seen = face @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
            normal = _normal(seen)
            shade = max(0.0, -float(normal @ light.direction))
            faces.append(seen)
            planes.append([*normal, normal @ seen[0]])
            colors.append(np.minimum(rgb * (light.ambient + light.diffuse * shade + emission), 1.0))
    vertices, corners = _shared_vertices(np.concatenate(faces))
    packed = _pack((np.array(colors) * 255 + 0.5).astype(np.uint32))
    return Mesh(vertices, _starts(faces), corners, np.array(planes), packed, int(_pack(_sky(model))))


@functools.cache
def load_figure(character: str) -> Figure:
    """Returns a character's bodies, joints and faces.

    Raises:
        ValueError: a joint that is neither a slide nor a hinge.
    """
    model = load_model(character)
    kinds = model.jnt_type
    hinges = kinds == mujoco.mjtJoint.mjJNT_HINGE
    if not (hinges | (kinds == mujoco.mjtJoint.mjJNT_SLIDE)).all() or (model.qpos0 != 0).any():
        raise ValueError(f"character {character!r}: joints must be slides or hinges without ref")
    faces: list[np.ndarray] = []
    bodies, colors, emissions, board = [], [], [], []
    for geom in _drawn_geoms(model, static=False):
        rgb, emission = _material(model, geom)
        for face in _geom_faces(model, geom):
            faces.append(face @ _axes(model.geom_quat[geom]).T + model.geom_pos[geom])
            bodies.append(model.geom_bodyid[geom])
            colors.append(rgb)
            emissions.append(emission)
            board.append(model.geom_group[geom] == BOARD_GROUP)
    # The body belongs to the key: corners of two bodies are never one.
    marked = [np.column_stack([face, np.full(len(face), body)]) for face, body in zip(faces, bodies, strict=True)]
    vertices, corners = _shared_vertices(np.concatenate(marked))
    return Figure(
        parents=model.body_parentid.astype(np.int32),
        offsets=model.body_pos.copy(),
        axes=np.array([_axes(quaternion) for quaternion in model.body_quat]),
        joint_bodies=model.jnt_bodyid.astype(np.int32),
        joint_hinges=hinges,
        joint_axes=model.jnt_axis.copy(),
        joint_anchors=model.jnt_pos.copy(),
        vertices=np.ascontiguousarray(vertices[:, :3]),
        vertex_bodies=vertices[:, 3].astype(np.int32),
        faces=_starts(faces),
        corners=corners,
        face_bodies=np.array(bodies, np.int32),
        normals=np.array([_normal(face) for face in faces]),
        colors=np.array(colors),
        emissions=np.array(emissions),
        board=np.array(board),
    )


def _drawn_geoms(model: mujoco.MjModel, *, static: bool) -> list[int]:
    """Returns the indices of the geoms that are drawn, of the world or of the character."""
    return [
        geom
        for geom in range(model.ngeom)
        if (model.geom_bodyid[geom] == 0) == static and model.geom_group[geom] != HIDDEN_GROUP
    ]


def _background(model: mujoco.MjModel, geom: int) -> int:
    material = model.mat(int(model.geom_matid[geom])).name if model.geom_matid[geom] >= 0 else ""
    return DRAWN_LAST.index(material) if material in DRAWN_LAST else -1


def _material(model: mujoco.MjModel, geom: int) -> tuple[np.ndarray, float]:
    """Returns color (3,), 0 to 1, and emission of a geom."""
    material = int(model.geom_matid[geom])
    if material < 0:
        return model.geom_rgba[geom, :3].astype(np.float64), 0.0
    return model.mat_rgba[material, :3].astype(np.float64), float(model.mat_emission[material])


def _sky(model: mujoco.MjModel) -> np.ndarray:
    """Returns the color (3,) uint32 of the MJCF's sky box, 0 to 255.

    Raises:
        ValueError: it has none of a single color.
    """
    for texture in np.flatnonzero(model.tex_type == mujoco.mjtTexture.mjTEXTURE_SKYBOX):
        size = int(model.tex_width[texture] * model.tex_height[texture]) * 3
        texels = model.tex_data[model.tex_adr[texture] :][:size].reshape(-1, 3)
        if (texels == texels[0]).all():
            return texels[0].astype(np.uint32)
    raise ValueError('the MJCF must have a sky box of one color: type="skybox" builtin="flat"')


def _pack(rgb: np.ndarray) -> np.ndarray:
    """Returns colors (..., 3) uint32, 0 to 255, as one number each (...)."""
    return rgb[..., 0] | rgb[..., 1] << 8 | rgb[..., 2] << 16


def _axes(quaternion: np.ndarray) -> np.ndarray:
    """Returns the rotation matrix (3, 3) of a quaternion (4,)."""
    matrix = np.empty(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def _shared_vertices(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns vertices (V, n) and indices (C,) uint32 of corners (C, n): each place, to a micrometer, once."""
    vertices, indices = np.unique(np.round(corners, 6), axis=0, return_inverse=True)
    return vertices, indices.reshape(-1).astype(np.uint32)


def _starts(faces: list[np.ndarray]) -> np.ndarray:
    """Returns where the corners of each face begin, and the end (F + 1,) uint32."""
    return np.cumsum([0, *map(len, faces)]).astype(np.uint32)


def _normal(face: np.ndarray) -> np.ndarray:
    """Returns the unit normal (3,) of a face (n, 3), by Newell's method: corners in line with others do no harm."""
    total = np.cross(face, np.roll(face, -1, axis=0)).sum(axis=0)
    return total / max(float(np.linalg.norm(total)), 1e-12)


def _geom_faces(model: mujoco.MjModel, geom: int) -> list[np.ndarray]:
    """Returns the surface of a geom as convex faces (n, 3), m in its frame, counter-clockwise from outside."""
    triangles = _geom_triangles(model, geom)
    vertices, indices = _shared_vertices(triangles.reshape(-1, 3))
    by_plane: dict[tuple[float, ...], list[list[int]]] = {}
    for loop in indices.reshape(-1, 3).tolist():
        normal = _normal(vertices[loop])
        plane = np.round([*normal, normal @ vertices[loop[0]]], 4) + 0.0  # not -0.0
        by_plane.setdefault(tuple(plane.tolist()), []).append(loop)
    return [vertices[loop] for plane, loops in by_plane.items() for loop in _join(loops, vertices, np.array(plane[:3]))]


def _join(loops: list[list[int]], vertices: np.ndarray, normal: np.ndarray) -> list[list[int]]:
    """Returns polygons of one plane, joined along common edges for as long as they stay convex.

    Args:
        loops: indices of their corners, counter-clockwise around the normal.
        vertices: (V, 3).
        normal: (3,).
    """
    done: list[list[int]] = []
    while loops:
        loop = loops.pop()
        joined = True
        while joined:
            joined = False
            for other in loops:
                both = _along_common_edge(loop, other)
                if both is not None and _is_convex(vertices[both], normal):
                    loops.remove(other)
                    loop, joined = both, True
                    break
        done.append(loop)
    return done


def _along_common_edge(one: list[int], other: list[int]) -> list[int] | None:
    """Returns the outline of two polygons that share an edge, None if they share none."""
    for i, (start, end) in enumerate(zip(one, one[1:] + one[:1], strict=True)):
        if start in other and end == other[other.index(start) - 1]:
            j = other.index(start)
            between = (other[j:] + other[:j])[1:-1]  # the other goes from the edge's start round to its end
            return one[: i + 1] + between + one[i + 1 :]
    return None


def _is_convex(polygon: np.ndarray, normal: np.ndarray) -> bool:
    edges = np.roll(polygon, -1, axis=0) - polygon
    turns = np.cross(edges, np.roll(edges, -1, axis=0)) @ normal
    return bool((turns > -1e-9).all()) and len({tuple(corner) for corner in polygon}) == len(polygon)


def _geom_triangles(model: mujoco.MjModel, geom: int) -> np.ndarray:
    """Returns the surface of a geom as triangles (T, 3 corners, 3), m in its frame, counter-clockwise from outside.

    Raises:
        ValueError: a geom of a type that is not handled.
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
            normal = sign * np.eye(3)[axis]
            u = np.eye(3)[(axis + 1) % 3]
            v = np.cross(normal, u)
            a, b, c, d = normal - u - v, normal + u - v, normal + u + v, normal - u + v
            triangles += [(a, b, c), (a, c, d)]
    return np.array(triangles)


def _ring() -> np.ndarray:
    """Returns points on the unit circle (CYLINDER_SIDES + 1, 3), z = 0, the first one again at the end."""
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
