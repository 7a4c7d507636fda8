"""What is drawn: the MJCF's static geoms, merged into one mesh per material.

Software drawing costs 1 to 3 microseconds for every geom and a few nanoseconds for every triangle. The island has well
over a hundred static geoms; merged they are two dozen meshes, and faces that nobody can see (undersides) are left out.
Only the drawing model is changed so: physics runs on the MJCF as it is written.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

from jumppad_env.island import character_path
from jumppad_env.mujoco_library import mujoco

HIDDEN_GROUP = 3
"""Geoms of this group are solid and never drawn."""
BOARD_GROUP = 4
"""Geoms of this group are drawn while the character is on its board."""
CYLINDER_SIDES = 14
DISC_HEIGHT = 0.1
"""m; of a cylinder lower than this only the top is drawn, which costs a third."""
DRAWN_LAST = ("cliff_dark", "cliff", "mist", "haze", "sky")
"""Materials of the background: what is near is drawn first, so that pixels behind it are rejected by their depth."""


@functools.lru_cache(maxsize=16)
def drawing_model(character: str, *, samples: int, width: int, height: int) -> mujoco.MjModel:
    """Compiles what is drawn of the island with one character on it, once: painters share the model and only read it.

    Args:
        character: a name in `CHARACTERS`.
        samples: antialiasing samples per pixel, 0 for none.
        width: of the frame buffer, pixels.
        height: of the frame buffer, pixels.
    """
    path = str(character_path(character))
    model = mujoco.MjModel.from_xml_path(path)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    spec = mujoco.MjSpec.from_file(path)
    for element in [*spec.sensors, *spec.actuators]:
        spec.delete(element)

    by_material: dict[str, list[np.ndarray]] = {}
    for geom in list(spec.worldbody.geoms):
        index = model.geom(geom.name).id
        if model.geom_group[index] != HIDDEN_GROUP:
            by_material.setdefault(geom.material, []).append(_world_triangles(model, data, index))
        spec.delete(geom)
    for mesh in list(spec.meshes):
        spec.delete(mesh)
    order = sorted(by_material, key=lambda name: DRAWN_LAST.index(name) if name in DRAWN_LAST else -1)
    for material in order:
        _add_mesh(spec, material, _visible(np.concatenate(by_material[material])))

    spec.visual.quality.offsamples = samples
    spec.visual.global_.offwidth, spec.visual.global_.offheight = width, height
    return spec.compile()


def _world_triangles(model: mujoco.MjModel, data: mujoco.MjData, geom: int) -> np.ndarray:
    """Returns the surface of a geom as triangles (n, 3 corners, 3), m in the world, counter-clockwise from outside.

    Raises:
        ValueError: a static geom of a type that is not handled.
    """
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        local = _box() * size
    elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        local = (_disc() if 2 * size[1] < DISC_HEIGHT else _cylinder()) * [size[0], size[0], size[1]]
    elif kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.mesh(int(model.geom_dataid[geom]))
        first, count = int(mesh.vertadr[0]), int(mesh.vertnum[0])
        face, faces = int(mesh.faceadr[0]), int(mesh.facenum[0])
        local = model.mesh_vert[first : first + count][model.mesh_face[face : face + faces]].astype(np.float64)
    else:
        raise ValueError(f"static geom {model.geom(geom).name!r}: only boxes, cylinders and meshes can be merged")
    return local @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]


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
    up = np.array([0.0, 0.0, 1.0])
    return np.array([(up, p + up, q + up) for p, q in itertools.pairwise(_ring())])


@functools.cache
def _cylinder() -> np.ndarray:
    """Returns a closed cylinder of radius 1 from z = -1 to 1 as triangles."""
    up = np.array([0.0, 0.0, 1.0])
    sides = [((p - up, q - up, q + up), (p - up, q + up, p + up)) for p, q in itertools.pairwise(_ring())]
    return np.concatenate([_disc(), _disc()[:, ::-1] * [1, 1, -1], *map(np.array, sides)])


def _normals(triangles: np.ndarray) -> np.ndarray:
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)


def _visible(triangles: np.ndarray) -> np.ndarray:
    """Drops faces that look straight down and lie lower than any camera gets, about 3 m."""
    downward = (_normals(triangles)[:, 2] < -0.99) & (triangles[:, :, 2].max(axis=1) < 3.0)
    return triangles[~downward]


def _add_mesh(spec: mujoco.MjSpec, material: str, triangles: np.ndarray) -> None:
    name = f"merged_{material}"
    corners = np.arange(3 * len(triangles))
    spec.add_mesh(
        name=name,
        uservert=triangles.ravel(),
        userface=corners,
        usernormal=np.repeat(_normals(triangles), 3, axis=0).ravel(),  # flat shading: each face has its own corners
        userfacenormal=corners,
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
    spec.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        material=material,
        contype=0,
        conaffinity=0,
    )
