"""The scenery as meshes: the MJCF's geoms as flat, convex faces, with camera, light and materials.

The island is static. A look (`looks.py`) places the bodies named ``landmark_...`` and ``clutter_...``; by default
landmarks are where the MJCF has them, and clutter is not drawn. Characters have meshes of their own (`characters.py`).
"""

import functools
from typing import NamedTuple

import numpy as np

from jumppad_env.drawing.shapes import faces_in_body, normal, rotation, shared_vertices
from jumppad_env.island import character_path
from jumppad_env.island.mujoco_library import mujoco
from jumppad_env.rules import CHARACTERS

HIDDEN_GROUP = 3
"""Geoms of this group are for collisions only and never drawn."""
DRAWN_LAST = ("cliff_dark", "cliff")
"""Background materials: drawn after what is near, so that fewer pixels are written twice."""
DETAIL_GROUP = 2
"""Geoms of this group are drawn at fine quality only, for people."""
CLUTTER = "clutter_"


class Camera(NamedTuple):
    """The third-person camera."""

    distance: float
    """m behind the point that it orbits."""
    height: float
    """m of that point above the character's feet."""
    shoulder: float
    """m to the right of it."""
    half_width: float
    """Half width of the view at a distance of 1 m, m."""
    half_height: float
    """Half height of the view at a distance of 1 m, m."""
    near: float
    """m, near plane."""


class Light(NamedTuple):
    """The sun and the ambient light."""

    direction: np.ndarray
    """(3,) unit vector, direction of the sunlight."""
    diffuse: np.ndarray
    """(3,), intensity of the sun."""
    ambient: np.ndarray
    """(3,), intensity of the ambient light."""


class Mesh(NamedTuple):
    """Faces grouped into compact parts, which are culled as a whole."""

    vertices: np.ndarray
    """(V, 3) m, grouped by part."""
    faces: np.ndarray
    """(F + 1,) uint32: face f is convex, its corners are `corners[faces[f] : faces[f + 1]]`."""
    corners: np.ndarray
    """(C,) uint32, indices of vertices, counter-clockwise from outside."""
    planes: np.ndarray
    """(F, 4): unit normal, and its dot product with any corner; the face is visible from in front of the plane."""
    part_vertices: np.ndarray
    """(P + 1,) uint32: first vertex of each part."""
    part_faces: np.ndarray
    """(P + 1,) uint32: first face of each part."""
    spheres: np.ndarray
    """(P, 4) m: center and radius of each part's bounding sphere."""


class Scenery(NamedTuple):
    """Everything but the characters."""

    island: Mesh
    movable: Mesh
    """One part per landmark and piece of clutter, in the frame of its body."""
    movable_names: tuple[str, ...]
    places: np.ndarray
    """(P, 4): x, y, z (m) and yaw (rad) of the movable parts in the MJCF."""
    materials: np.ndarray
    """(F,) int: material of each face, first those of the island, then of the movable parts."""
    parts: np.ndarray
    """(F,) int: part of each face, in the same order."""
    spots: np.ndarray
    """(n, 3) m: places for clutter, off the track."""


class Material(NamedTuple):
    """A named color."""

    name: str
    color: np.ndarray
    """(3,), 0 to 1."""
    emission: float
    """As a multiple of the color."""


@functools.cache
def load_model(character: str) -> mujoco.MjModel:
    """Returns the compiled MJCF of a character on the island, scenery included."""
    return mujoco.MjModel.from_xml_path(str(character_path(character)))


@functools.cache
def load_camera() -> Camera:
    """Returns the MJCF's camera.

    Raises:
        ValueError: its field of view is not given by `sensorsize` and `focal`.
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
    """Returns the MJCF's light.

    Raises:
        ValueError: there is not exactly one light, or it is not directional.
    """
    model = load_model(next(iter(CHARACTERS)))
    if list(model.light_type) != [mujoco.mjtLightType.mjLIGHT_DIRECTIONAL] or model.vis.headlight.active:
        raise ValueError("the MJCF must have one directional light and no headlight")
    direction = model.light_dir[0] / np.linalg.norm(model.light_dir[0])
    return Light(direction, model.light_diffuse[0].astype(np.float64), model.light_ambient[0].astype(np.float64))


@functools.cache
def load_sky() -> np.ndarray:
    """Returns the colors of the MJCF's sky box (2, 3), 0 to 1: overhead, and at the horizon.

    Raises:
        ValueError: it is not a gradient.
    """
    sky = mujoco.MjSpec.from_file(str(character_path(next(iter(CHARACTERS))))).texture("sky")
    if sky is None or sky.builtin != mujoco.mjtBuiltin.mjBUILTIN_GRADIENT:
        raise ValueError('the MJCF must have a sky box "sky" with builtin="gradient"')
    return np.array([sky.rgb1, sky.rgb2])


@functools.cache
def load_materials() -> tuple[Material, ...]:
    """Returns the MJCF's materials of the island, in the order of their indices."""
    model = load_model(next(iter(CHARACTERS)))
    return tuple(
        Material(model.mat(index).name, model.mat_rgba[index, :3].astype(np.float64), float(model.mat_emission[index]))
        for index in range(model.nmat)
    )


@functools.cache
def load_scenery(*, detail: bool) -> Scenery:
    """Returns everything drawn but the characters.

    Args:
        detail: include the geoms of `DETAIL_GROUP`.

    Raises:
        ValueError: a geom has no material, or a movable body is tilted.
    """
    model = load_model(next(iter(CHARACTERS)))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    hidden = (HIDDEN_GROUP,) if detail else (HIDDEN_GROUP, DETAIL_GROUP)
    of_body: dict[int, list[int]] = {}
    for geom in range(model.ngeom):
        if model.geom_group[geom] in hidden:
            continue
        if model.body_weldid[model.geom_bodyid[geom]] == 0:
            of_body.setdefault(int(model.geom_bodyid[geom]), []).append(geom)
            if model.geom_matid[geom] < 0:
                raise ValueError(f"geom {model.geom(geom).name!r} is drawn but has no material")
    still = sorted(of_body.pop(0), key=lambda geom: _background(model, geom))
    island = [faces_in_body(model, geom) for geom in still]
    movable, names, places, materials = [], [], [], []
    for geom, faces in zip(still, island, strict=True):
        materials += [int(model.geom_matid[geom])] * len(faces)
    for body, geoms in of_body.items():
        movable.append([])
        for geom in geoms:
            faces = faces_in_body(model, geom)
            movable[-1] += faces
            materials += [int(model.geom_matid[geom])] * len(faces)
        names.append(model.body(body).name)
        axes = rotation(model.body_quat[body])
        if axes[2, 2] < 1 - 1e-9:
            raise ValueError(f"body {names[-1]!r} must not be tilted")
        places.append([*model.body_pos[body], np.arctan2(axes[1, 0], axes[0, 0])])
    sites = [model.site(index) for index in range(model.nsite)]
    return Scenery(
        island=make_mesh(island),
        movable=make_mesh(movable),
        movable_names=tuple(names),
        places=np.array(places),
        materials=np.array(materials),
        parts=np.repeat(np.arange(len(island) + len(movable)), [len(faces) for faces in island + movable]),
        spots=np.array([site.pos for site in sites if site.name.startswith(CLUTTER)]),
    )


def make_mesh(parts: list[list[np.ndarray]]) -> Mesh:
    """Returns a mesh of parts, each a list of faces (n, 3)."""
    vertices, corners, spheres = [], [], []
    for faces in parts:
        own, indices = shared_vertices(np.concatenate(faces))
        corners.append(indices + sum(map(len, vertices)))
        vertices.append(own)
        middle = (own.min(axis=0) + own.max(axis=0)) / 2
        spheres.append([*middle, np.linalg.norm(own - middle, axis=1).max()])
    faces = [face for part in parts for face in part]
    normals = [normal(face) for face in faces]
    return Mesh(
        vertices=np.asfortranarray(np.concatenate(vertices)),
        faces=starts(faces),
        corners=np.concatenate(corners).astype(np.uint32),
        planes=np.array([[*up, up @ face[0]] for up, face in zip(normals, faces, strict=True)]),
        part_vertices=starts(vertices),
        part_faces=starts(parts),
        spheres=np.array(spheres),
    )


def starts(several: list) -> np.ndarray:
    """Returns the start of each sequence in their concatenation, and its end, (n + 1,) uint32."""
    return np.cumsum([0, *map(len, several)]).astype(np.uint32)


def _background(model: mujoco.MjModel, geom: int) -> int:
    material = model.mat(int(model.geom_matid[geom])).name
    return DRAWN_LAST.index(material) if material in DRAWN_LAST else -1
