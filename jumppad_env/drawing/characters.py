"""Meshes of the characters: rigid bodies on a skeleton, posed from the state.

The physics simulates a capsule on slide joints; legs, lean and crouch are only drawn. The pose is a function of the
state, so the same state gives the same picture. All characters share one skeleton (`BODIES`); shapes are in their MJCF.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled_part
from jumppad_env.drawing.scenery import load_model, starts
from jumppad_env.drawing.shapes import faces_in_body, normal, shared_vertices
from jumppad_env.rules import CHARACTERS, RULES
from jumppad_env.world.state import (
    ATTACK_LEFT,
    DODGE_LEFT,
    FLIGHT_LEFT,
    GROUNDED,
    MOUNTED,
    STATE,
    STRIDE,
    VX,
    VY,
    VZ,
    YAW,
    YAW_RATE,
    X,
)

BODIES = (
    *("character", "board", "trail", "hips", "leg_left", "shin_left", "foot_left"),
    *("leg_right", "shin_right", "foot_right", "torso", "head", "arm_left", "arm"),
)
"""Names of the bodies of every character, in the order of the MJCF; `arm` is the right one, which attacks."""
ROOT, BOARD, TRAIL, HIPS, LEG_LEFT, SHIN_LEFT, FOOT_LEFT = range(7)
LEG_RIGHT, SHIN_RIGHT, FOOT_RIGHT, TORSO, HEAD, ARM_LEFT, ARM = range(7, len(BODIES))
RADIUS = 1.9
"""m; radius of a bounding sphere around a character's middle, for any pose, trail excluded."""
MIDDLE = 0.95
"""m, height of the middle above the feet."""
ARM_SWING = 2.2
"""rad, by which an attack raises the arm."""
ATTACK_SECONDS = RULES.attack_seconds
THIGH = 0.42
"""m, thigh length that `bend` assumes when it lowers the hips; scaled for shorter legs."""


class CharacterMeshes(NamedTuple):
    """Meshes of all characters, concatenated in each array."""

    parents: np.ndarray
    """(len(BODIES),) int32, index of each body's parent; parents come first."""
    offsets: np.ndarray
    """(N, len(BODIES), 3) m, in the parent's frame."""
    first_vertex: np.ndarray
    """(N + 1,) uint32."""
    first_face: np.ndarray
    """(N + 1,) uint32."""
    vertices: np.ndarray
    """(V, 3) m, in the body's frame."""
    vertex_bodies: np.ndarray
    """(V,) int32."""
    faces: np.ndarray
    """(F + 1,) uint32: face f is convex, its corners are `corners[faces[f] : faces[f + 1]]`."""
    corners: np.ndarray
    """(C,) uint32, vertex indices within the character, counter-clockwise from outside."""
    face_bodies: np.ndarray
    """(F,) int32."""
    normals: np.ndarray
    """(F, 3) unit vectors, in the body's frame."""
    colors: np.ndarray
    """(F, 3), unlit, 0 to 1."""
    emissions: np.ndarray
    """(F,): emission, as a multiple of the color."""


@functools.cache
def load_character_meshes() -> CharacterMeshes:
    """Returns the meshes of `CHARACTERS`, in that order.

    Raises:
        ValueError: a body is missing, unknown or rotated.
    """
    offsets, vertices, bodies, faces, corners, face_bodies, normals, colors, emissions = ([] for _ in range(9))
    first_vertex, first_face = [0], [0]
    for character in CHARACTERS:
        model = load_model(character)
        root = model.body("character").id
        own = range(root, root + len(BODIES))
        if tuple(model.body(body).name for body in own if body < model.nbody) != BODIES:
            raise ValueError(f"character {character!r} must have the bodies {', '.join(BODIES)}, in this order")
        if not np.allclose(model.body_quat[list(own)], [1, 0, 0, 0]):
            raise ValueError(f"character {character!r}: bodies must not be rotated; rotate their geoms instead")
        marked = []
        for geom in range(model.ngeom):
            body = int(model.geom_bodyid[geom]) - root
            if body < 0 or body >= len(BODIES) or model.geom_group[geom] == 3:
                continue
            material = int(model.geom_matid[geom])
            for face in faces_in_body(model, geom):
                marked.append(np.column_stack([face, np.full(len(face), body)]))
                face_bodies.append(body)
                normals.append(normal(face))
                colors.append(model.geom_rgba[geom, :3] if material < 0 else model.mat_rgba[material, :3])
                emissions.append(0.0 if material < 0 else float(model.mat_emission[material]))
        # The body is part of the key: bodies never share a vertex.
        points, indices = shared_vertices(np.concatenate(marked))
        offsets.append(model.body_pos[list(own)])
        vertices.append(points[:, :3])
        bodies.append(points[:, 3])
        corners.append(indices)
        faces += marked
        first_vertex.append(first_vertex[-1] + len(points))
        first_face.append(len(faces))
    root = load_model(next(iter(CHARACTERS))).body("character").id
    parents = load_model(next(iter(CHARACTERS))).body_parentid[root : root + len(BODIES)] - root
    return CharacterMeshes(
        parents=np.maximum(parents, 0).astype(np.int32),
        offsets=np.array(offsets),
        first_vertex=np.array(first_vertex, np.uint32),
        first_face=np.array(first_face, np.uint32),
        vertices=np.concatenate(vertices),
        vertex_bodies=np.concatenate(bodies).astype(np.int32),
        faces=starts(faces),
        corners=np.concatenate(corners).astype(np.uint32),
        face_bodies=np.array(face_bodies, np.int32),
        normals=np.array(normals),
        colors=np.array(colors, np.float64),
        emissions=np.array(emissions),
    )


@compiled_part
def bend(state, angles):
    """Computes the joint angles of a character's pose.

    Args:
        state: (n,) as in `world.STATE`.
        angles: (len(BODIES), 3) rad, output: about each body's right, forward and up axis. The root has the physics'
            yaw.

    Returns:
        How far the hips are lowered, m; how far the feet are above the position, m.
    """
    angles[:] = 0.0
    angles[ROOT, 2] = state[YAW]
    speed = math.sqrt(state[VX] ** 2 + state[VY] ** 2)
    forward = state[VY] * math.cos(state[YAW]) - state[VX] * math.sin(state[YAW])
    mounted, flying, grounded = state[MOUNTED] > 0, state[FLIGHT_LEFT] > 0, state[GROUNDED] > 0
    lean = -0.022 * min(max(forward, -6.0), 16.0)
    if state[DODGE_LEFT] > 0:
        lean -= 0.35
    tilt = -min(max(0.045 * state[YAW_RATE] * min(speed / 6.0, 1.0), -0.4), 0.4)  # into the curve
    phase = state[STRIDE] * (2 * math.pi / 1.7)
    angles[TRAIL, 0] = math.atan2(state[VZ], speed)
    lift, thigh, knee = 0.0, 0.0, 0.0
    if mounted:
        lift = 0.16 + 0.025 * math.sin(phase * 0.5)
        crouch = 0.45 + 0.025 * min(speed, 14.0)
        if not grounded:
            crouch = 1.0
        if flying:
            crouch, lean = 0.35, -0.25
        angles[BOARD, 0] = 0.06 + 0.3 * lean * (not flying) + (0.5 if flying else 0.0)
        angles[BOARD, 1] = 1.4 * tilt
        angles[HIPS, 2] = -1.35  # riders stand sideways
        angles[HIPS, 1] = 0.5 * lean
        angles[HIPS, 0] = 0.3 * tilt
        thigh, knee = crouch, -2.0 * crouch
        angles[LEG_LEFT, 1], angles[LEG_RIGHT, 1] = 0.38, -0.38
        angles[TORSO, 2] = 0.55
        angles[TORSO, 0] = 0.6 * lean - 0.25 * crouch
        angles[TORSO, 1] = tilt
        angles[HEAD, 2] = 0.75
        angles[HEAD, 0] = 0.25 * crouch
        angles[ARM_LEFT, 1], angles[ARM_LEFT, 0] = 0.75 + 0.2 * flying, 0.25
        angles[LEG_LEFT, 0] = angles[LEG_RIGHT, 0] = thigh
        angles[SHIN_LEFT, 0] = angles[SHIN_RIGHT, 0] = knee
        sink = 0.84 * (1.0 - math.cos(crouch)) + 0.05
    else:
        swing = 0.85 * math.sin(phase) * min(speed / 5.0, 1.0)
        if not grounded or flying:
            swing = 0.55
        angles[HIPS, 0] = 0.4 * lean
        angles[TORSO, 0], angles[TORSO, 1] = lean, 0.5 * tilt
        angles[LEG_LEFT, 0], angles[LEG_RIGHT, 0] = swing, -swing
        angles[SHIN_LEFT, 0] = -0.15 - 0.9 * max(0.0, -swing) - 0.35 * abs(swing)
        angles[SHIN_RIGHT, 0] = -0.15 - 0.9 * max(0.0, swing) - 0.35 * abs(swing)
        angles[ARM_LEFT, 0] = -0.9 * swing
        angles[ARM_LEFT, 1] = 0.12 + 0.9 * (not grounded)
        angles[ARM, 0] = 0.9 * swing
        sink = 0.04 + 0.12 * abs(swing)
    # Ankles keep the soles level.
    flat = 1.0 if mounted else 0.6
    angles[FOOT_LEFT, 0] = -flat * (angles[LEG_LEFT, 0] + angles[SHIN_LEFT, 0])
    angles[FOOT_RIGHT, 0] = -flat * (angles[LEG_RIGHT, 0] + angles[SHIN_RIGHT, 0])
    angles[FOOT_LEFT, 1], angles[FOOT_RIGHT, 1] = -flat * angles[LEG_LEFT, 1], -flat * angles[LEG_RIGHT, 1]
    angles[ARM, 1] = -0.12 - 0.45 * mounted
    # An attack raises the arm and lowers it again.
    raised = ARM_SWING * math.sin(math.pi * state[ATTACK_LEFT] / ATTACK_SECONDS)
    angles[ARM, 0] += raised
    angles[TORSO, 2] += 0.3 * raised
    return sink, lift


@compiled_part
def stand(meshes, character, state, angles, origins, axes):
    """Computes the world frames of a character's bodies (forward kinematics).

    Args:
        meshes: `CharacterMeshes`.
        character: index in `CHARACTERS`.
        state: (n,) as in `world.STATE`.
        angles: (len(BODIES), 3) rad of `bend`, scratch.
        origins: (len(BODIES), 3) m, output.
        axes: (len(BODIES), 3, 3), axes as columns in world coordinates, output.
    """
    sink, lift = bend(state, angles)
    for body in range(len(meshes.parents)):
        about_x, about_y, about_z = angles[body]
        cos_x, sin_x = math.cos(about_x), math.sin(about_x)
        cos_y, sin_y = math.cos(about_y), math.sin(about_y)
        cos_z, sin_z = math.cos(about_z), math.sin(about_z)
        # Intrinsic rotations about z, then x, then y.
        turn = (
            (cos_z * cos_y - sin_z * sin_x * sin_y, -sin_z * cos_x, cos_z * sin_y + sin_z * sin_x * cos_y),
            (sin_z * cos_y + cos_z * sin_x * sin_y, cos_z * cos_x, sin_z * sin_y - cos_z * sin_x * cos_y),
            (-cos_x * sin_y, sin_x, cos_x * cos_y),
        )
        origin, frame = origins[body], axes[body]
        if body == ROOT:
            for i in range(3):
                origin[i] = state[X + i]
                for j in range(3):
                    frame[i, j] = turn[i][j]
            continue
        parent = meshes.parents[body]
        above, place = axes[parent], origins[parent]
        x, y, z = meshes.offsets[character, body]
        if body == HIPS:
            z += lift + sink * meshes.offsets[character, SHIN_LEFT, 2] / THIGH
        elif body == BOARD:
            z += lift - 0.16
        for i in range(3):
            origin[i] = place[i] + above[i, 0] * x + above[i, 1] * y + above[i, 2] * z
            for j in range(3):
                frame[i, j] = above[i, 0] * turn[0][j] + above[i, 1] * turn[1][j] + above[i, 2] * turn[2][j]


@compiled_part
def dress(meshes, character, state, tints, light, pose, shape):
    """Poses and lights a character's faces.

    Args:
        meshes: `CharacterMeshes`.
        character: index in `CHARACTERS`.
        state: (n,) as in `world.STATE`; it also decides whether board and trail are visible.
        tints: (3,), factors of its colors.
        light: (3, 3): direction of the sunlight, its intensity, and that of the ambient light.
        pose: angles (len(BODIES), 3), origins (len(BODIES), 3) and axes (len(BODIES), 3, 3), scratch.
        shape: vertices (V, 3), planes (F, 4) and colors (F, 6): ambient, then what the sun adds; output.
    """
    angles, origins, axes = pose
    vertices, planes, colors = shape
    stand(meshes, character, state, angles, origins, axes)
    first, end = int(meshes.first_vertex[character]), int(meshes.first_vertex[character + 1])
    for index in range(first, end):
        body = meshes.vertex_bodies[index]
        x, y, z = meshes.vertices[index]
        for i in range(3):
            vertices[index - first, i] = (
                origins[body, i] + axes[body, i, 0] * x + axes[body, i, 1] * y + axes[body, i, 2] * z
            )
    trailing = state[FLIGHT_LEFT] > 0
    if len(state) > len(STATE):  # flights between islands: of a fall the trail would hide where it ends
        trailing = trailing and state[VZ] > 0
    first, end = int(meshes.first_face[character]), int(meshes.first_face[character + 1])
    for face in range(first, end):
        index, body = face - first, meshes.face_bodies[face]
        if (body == BOARD and not state[MOUNTED] > 0) or (body == TRAIL and not trailing):
            planes[index] = 0.0  # invisible: no point is in front of this plane
            continue
        corner = meshes.corners[meshes.faces[face]]
        x, y, z = meshes.normals[face]
        distance, shade = 0.0, 0.0
        for i in range(3):
            total = axes[body, i, 0] * x + axes[body, i, 1] * y + axes[body, i, 2] * z
            planes[index, i] = total
            distance += total * vertices[corner, i]
            shade -= total * light[0, i]
        planes[index, 3] = distance
        for i in range(3):
            color = meshes.colors[face, i] * tints[i]
            colors[index, i] = color * (light[2, i] + meshes.emissions[face])
            colors[index, 3 + i] = color * light[1, i] * max(shade, 0.0)
