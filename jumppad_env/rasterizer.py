"""The software rasterizer: triangles to pixels, compiled by Numba, without GL.

A frame of ours has some hundred visible triangles on a few thousand pixels. For that a general GL driver on a CPU takes
several times as long as this plain scanline loop, which needs no context, no system library and no lock: any thread
draws, threads do not slow each other, and the same state gives the same bytes in any of them.

Everything here is a pure function on arrays; `jumppad_env.drawing` owns the arrays. Numba compiles at the first call
(some seconds) and keeps the result on disk.

Conventions: pixel (row, column) has its center at (column + 0.5, row + 0.5), row 0 is the top; depth is 1 / distance,
which is linear on the screen, 0 is infinitely far; colors are packed as red | green << 8 | blue << 16.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from jumppad_env.scenery import Camera, Figure, Light, Mesh

# What Numba keeps on disk is renewed when this file changes, and reads fields by their place: so a change of fields in
# another file must be a change here.
assert Camera._fields == ("distance", "height", "shoulder", "half_width", "half_height", "near")
assert Light._fields == ("direction", "diffuse", "ambient")
assert Mesh._fields == ("vertices", "triangles", "planes", "colors", "background")
assert Figure._fields == (
    *("parents", "offsets", "axes", "joint_bodies", "joint_hinges", "joint_axes", "joint_anchors"),
    *(
        "vertices",
        "vertex_bodies",
        "triangles",
        "triangle_bodies",
        "normals",
        "colors",
        "emissions",
        "board",
    ),
)


def compiled(function: Any) -> Any:
    """Compiles a function without Python's lock, kept on disk where there is a place to keep it."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package's directory nor the user's cache can be written
        return numba.njit(nogil=True)(function)


class Scratch(NamedTuple):
    """What one thread needs to draw, overwritten at every frame; S x S pixels of it make one of the frame."""

    depth: np.ndarray
    """(H * S, W * S) float32."""
    pixels: np.ndarray
    """(H * S, W * S) uint32."""
    screen: np.ndarray
    """(V, 6), see `project`; as many vertices as the larger of island and figure has."""
    eye: np.ndarray
    """(4, 3), see `aim`."""
    cut: np.ndarray
    """(4, 3), corners of a triangle that the near plane cuts."""
    origins: np.ndarray
    """(B, 3) m, of a figure's bodies; the first is the world."""
    axes: np.ndarray
    """(B, 3, 3), columns in the world."""
    vertices: np.ndarray
    """(V, 3) m, of the figure in the world."""
    planes: np.ndarray
    """(T, 4), of the figure, as those of `Mesh`."""
    colors: np.ndarray
    """(T,) uint32, of the figure, light included."""

    @classmethod
    def allocate(cls, height: int, width: int, island: Mesh, figure: Figure) -> Scratch:
        """Returns scratch for frames of height x width pixels of a figure on an island."""
        bodies, triangles, vertices = len(figure.parents), len(figure.triangles), len(figure.vertices)
        return cls(
            depth=np.empty((height, width), np.float32),
            pixels=np.empty((height, width), np.uint32),
            screen=np.empty((max(vertices, len(island.vertices)), 6)),
            eye=np.empty((4, 3)),
            cut=np.empty((4, 3)),
            origins=np.zeros((bodies, 3)),
            axes=np.tile(np.eye(3), (bodies, 1, 1)),
            vertices=np.empty((vertices, 3)),
            planes=np.empty((triangles, 4)),
            colors=np.empty(triangles, np.uint32),
        )


@compiled
def draw_frames(rows, states, columns, camera, island, figure, light, scratch, block, out):
    """Draws some rows of a batch.

    Args:
        rows: (M,) int64, which.
        states: (N, n) float64, beginning with the joints' positions, m and rad.
        columns: of the state: camera's yaw, its tilt (rad), and whether the board is mounted (0 or 1).
        camera: `jumppad_env.scenery.Camera`.
        island: `jumppad_env.scenery.Mesh`.
        figure: `jumppad_env.scenery.Figure`.
        light: `jumppad_env.scenery.Light`.
        scratch: `Scratch`, overwritten.
        block: S, see `Scratch`.
        out: (N, H, W, 3) uint8, written to.
    """
    yaw, tilt, mounted = columns
    for row in rows:
        scratch.depth[:] = 0
        scratch.pixels[:] = island.background
        state = states[row]
        aim(camera, state, state[yaw], state[tilt], scratch)
        pose(figure, state, scratch.origins, scratch.axes)
        dress(figure, light, state[mounted] > 0, scratch)
        # The figure hides much of the island: whatever it hides need not be written.
        draw_mesh(
            camera.near,
            scratch.vertices,
            figure.triangles,
            scratch.planes,
            scratch.colors,
            scratch,
        )
        draw_mesh(camera.near, island.vertices, island.triangles, island.planes, island.colors, scratch)
        if block == 1:
            unpack(scratch.pixels, out[row])
        else:
            unpack_mean(scratch.pixels, block, out[row])


@compiled
def aim(camera, position, yaw, tilt, scratch):
    """Puts the eye where the camera is.

    `scratch.eye` gets the camera's position and its axes: to the right and up, as long as a meter at a distance of
    1 m is on the screen, in pixels, and ahead, of length 1.

    Args:
        camera: `jumppad_env.scenery.Camera`.
        position: (>= 3,) m, of the character's feet.
        yaw: rad, counter-clockwise, 0 looks along +y.
        tilt: rad, positive looks up.
        scratch: `Scratch`.
    """
    height, width = scratch.depth.shape
    across, down = width / 2 / camera.half_width, height / 2 / camera.half_height
    cos_yaw, sin_yaw, cos_tilt, sin_tilt = math.cos(yaw), math.sin(yaw), math.cos(tilt), math.sin(tilt)
    right = (cos_yaw, sin_yaw, 0.0)
    up = (sin_yaw * sin_tilt, -cos_yaw * sin_tilt, cos_tilt)
    ahead = (-sin_yaw * cos_tilt, cos_yaw * cos_tilt, sin_tilt)
    eye = scratch.eye
    for i in range(3):
        eye[0, i] = position[i] + camera.shoulder * right[i] - camera.distance * ahead[i]
        eye[1, i] = right[i] * across
        eye[2, i] = up[i] * down
        eye[3, i] = ahead[i]
    eye[0, 2] += camera.height


@compiled
def pose(figure, positions, origins, axes):
    """Finds where the bodies are: forward kinematics of slides and hinges, as MuJoCo's.

    Args:
        figure: `jumppad_env.scenery.Figure`.
        positions: (>= J,) of the joints, m or rad.
        origins: (B, 3) m, written to but for the first, the world.
        axes: (B, 3, 3), columns in the world, written to but for the first.
    """
    turned = np.empty((3, 3))
    joint = 0
    for body in range(1, len(figure.parents)):
        parent = figure.parents[body]
        origin, frame = origins[body], axes[body]
        for i in range(3):
            origin[i] = origins[parent, i]
            for j in range(3):
                origin[i] += axes[parent, i, j] * figure.offsets[body, j]
                frame[i, j] = 0.0
                for k in range(3):
                    frame[i, j] += axes[parent, i, k] * figure.axes[body, k, j]
        while joint < len(figure.joint_bodies) and figure.joint_bodies[joint] == body:
            axis, anchor, position = figure.joint_axes[joint], figure.joint_anchors[joint], positions[joint]
            if figure.joint_hinges[joint]:
                # Rodrigues' formula, and what keeps the anchor where it is.
                cos, sin = math.cos(position), math.sin(position)
                x, y, z = axis
                turn = (
                    (cos + x * x * (1 - cos), x * y * (1 - cos) - z * sin, x * z * (1 - cos) + y * sin),
                    (y * x * (1 - cos) + z * sin, cos + y * y * (1 - cos), y * z * (1 - cos) - x * sin),
                    (z * x * (1 - cos) - y * sin, z * y * (1 - cos) + x * sin, cos + z * z * (1 - cos)),
                )
                for i in range(3):
                    for j in range(3):
                        turned[i, j] = frame[i, 0] * turn[0][j] + frame[i, 1] * turn[1][j] + frame[i, 2] * turn[2][j]
                for i in range(3):
                    for j in range(3):
                        origin[i] += (frame[i, j] - turned[i, j]) * anchor[j]
                frame[:] = turned
            else:
                for i in range(3):
                    origin[i] += (frame[i, 0] * axis[0] + frame[i, 1] * axis[1] + frame[i, 2] * axis[2]) * position
            joint += 1


@compiled
def dress(figure, light, mounted, scratch):
    """Puts a posed figure's triangles into the world, and light on them; without its board if it is not mounted."""
    for index in range(len(figure.vertices)):
        body = figure.vertex_bodies[index]
        for i in range(3):
            total = scratch.origins[body, i]
            for j in range(3):
                total += scratch.axes[body, i, j] * figure.vertices[index, j]
            scratch.vertices[index, i] = total
    for index in range(len(figure.triangles)):
        body, corner = figure.triangle_bodies[index], figure.triangles[index, 0]
        distance, shade = 0.0, 0.0
        for i in range(3):
            total = 0.0
            for j in range(3):
                total += scratch.axes[body, i, j] * figure.normals[index, j]
            scratch.planes[index, i] = total
            distance += total * scratch.vertices[corner, i]
            shade -= total * light.direction[i]
        scratch.planes[index, 3] = distance
        if figure.board[index] and not mounted:
            scratch.planes[index] = 0.0  # a plane that nobody is in front of
        shade = max(shade, 0.0)
        color = np.uint32(0)
        for i in range(3):
            strength = light.ambient[i] + light.diffuse[i] * shade + figure.emissions[index]
            color |= np.uint32(int(min(figure.colors[index, i] * strength, 1.0) * 255 + 0.5) << (8 * i))
        scratch.colors[index] = color


@compiled
def project(eye, vertices, screen, middle_x, middle_y):
    """Sees vertices from the camera.

    Args:
        eye: (4, 3), see `aim`.
        vertices: (V, 3) m.
        screen: (>= V, 6), written to: pixels to the right and down, depth, and, before the division, pixels times m
            to the right and down, m ahead.
        middle_x: pixels from the left to the middle.
        middle_y: pixels from the top to the middle.
    """
    for index in range(len(vertices)):
        x, y, z = vertices[index, 0] - eye[0, 0], vertices[index, 1] - eye[0, 1], vertices[index, 2] - eye[0, 2]
        right = eye[1, 0] * x + eye[1, 1] * y + eye[1, 2] * z
        up = eye[2, 0] * x + eye[2, 1] * y + eye[2, 2] * z
        ahead = eye[3, 0] * x + eye[3, 1] * y + eye[3, 2] * z
        depth = 1.0 / ahead if ahead != 0.0 else 0.0
        screen[index, 0] = middle_x + right * depth
        screen[index, 1] = middle_y - up * depth
        screen[index, 2] = depth
        screen[index, 3] = right
        screen[index, 4] = up
        screen[index, 5] = ahead


@compiled
def draw_mesh(near, vertices, triangles, planes, colors, scratch):
    """Draws the triangles of a mesh (see `jumppad_env.scenery.Mesh`) that face the eye."""
    depth, pixels, screen, eye, cut = scratch.depth, scratch.pixels, scratch.screen, scratch.eye, scratch.cut
    height, width = depth.shape
    middle_x, middle_y = width / 2, height / 2
    project(eye, vertices, screen, middle_x, middle_y)
    eye_x, eye_y, eye_z = eye[0, 0], eye[0, 1], eye[0, 2]
    for index in range(len(triangles)):
        facing = planes[index, 0] * eye_x + planes[index, 1] * eye_y + planes[index, 2] * eye_z - planes[index, 3]
        if facing <= 0.0:
            continue
        i, j, k = triangles[index, 0], triangles[index, 1], triangles[index, 2]
        if screen[i, 5] >= near and screen[j, 5] >= near and screen[k, 5] >= near:
            fill(
                screen[i, 0],
                screen[i, 1],
                screen[i, 2],
                screen[j, 0],
                screen[j, 1],
                screen[j, 2],
                screen[k, 0],
                screen[k, 1],
                screen[k, 2],
                colors[index],
                depth,
                pixels,
            )
            continue
        # Cut off what is closer than the near plane: of the three corners one or two are left, and up to two new ones.
        count = 0
        for one, other in ((screen[i], screen[j]), (screen[j], screen[k]), (screen[k], screen[i])):
            if one[5] >= near:
                cut[count] = one[:3]
                count += 1
            if (one[5] >= near) != (other[5] >= near):
                # Always from the far corner to the near one: neighbors must find the same point on their common edge.
                far, close = (one, other) if one[5] >= near else (other, one)
                part = (far[5] - near) / (far[5] - close[5])
                cut[count, 0] = middle_x + (far[3] + part * (close[3] - far[3])) / near
                cut[count, 1] = middle_y - (far[4] + part * (close[4] - far[4])) / near
                cut[count, 2] = 1.0 / near
                count += 1
        for last in range(2, count):
            p, q, r = cut[0], cut[last - 1], cut[last]
            fill(p[0], p[1], p[2], q[0], q[1], q[2], r[0], r[1], r[2], colors[index], depth, pixels)


@compiled
def fill(x0, y0, d0, x1, y1, d1, x2, y2, d2, color, depth, pixels):
    """Colors the pixels whose centers lie in a triangle, where nothing nearer has been drawn.

    A center on an edge belongs to one of the two triangles that share the edge: to the one on its right or below.
    Corners x, y in pixels, each with its depth; they may lie far outside.
    """
    height, width = depth.shape
    if max(x0, x1, x2) <= 0.0 or min(x0, x1, x2) >= width:
        return
    # From the top: 0, 1, 2.
    if y1 < y0:
        x0, y0, d0, x1, y1, d1 = x1, y1, d1, x0, y0, d0
    if y2 < y1:
        x1, y1, d1, x2, y2, d2 = x2, y2, d2, x1, y1, d1
        if y1 < y0:
            x0, y0, d0, x1, y1, d1 = x1, y1, d1, x0, y0, d0
    if y2 <= 0.0 or y0 >= height:
        return
    first = math.ceil(y0 - 0.5) if y0 > 0.0 else 0
    end = math.ceil(y2 - 0.5) if y2 < height else height
    twice_area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if first >= end or twice_area == 0.0:
        return
    depth_right = ((d1 - d0) * (y2 - y0) - (d2 - d0) * (y1 - y0)) / twice_area
    depth_down = ((x1 - x0) * (d2 - d0) - (x2 - x0) * (d1 - d0)) / twice_area
    # Each edge from its upper end: then neighbors find the same points on their common edge.
    long_slope = (x2 - x0) / (y2 - y0)
    upper_slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    lower_slope = (x2 - x1) / (y2 - y1) if y2 > y1 else 0.0
    step = np.float32(depth_right)
    for row in range(first, end):
        center = row + 0.5
        left = x0 + (center - y0) * long_slope
        right = x0 + (center - y0) * upper_slope if center < y1 else x1 + (center - y1) * lower_slope
        if left > right:
            left, right = right, left
        begin = math.ceil(left - 0.5) if left > 0.0 else 0
        stop = math.ceil(right - 0.5) if right < width else width
        here = np.float32(d0 + (center - y0) * depth_down + (begin + 0.5 - x0) * depth_right)
        depths, colors = depth[row], pixels[row]
        for column in range(begin, stop):
            if here > depths[column]:
                depths[column] = here
                colors[column] = color
            here += step


@compiled
def unpack(pixels, out):
    """Writes packed pixels (H, W) as uint8 (H, W, 3)."""
    height, width = pixels.shape
    for row in range(height):
        for column in range(width):
            color = pixels[row, column]
            out[row, column, 0] = color & 255
            out[row, column, 1] = (color >> 8) & 255
            out[row, column, 2] = (color >> 16) & 255


@compiled
def unpack_mean(pixels, block, out):
    """Writes the mean of each block of packed pixels (H * block, W * block) as uint8 (H, W, 3)."""
    height, width = out.shape[:2]
    count = block * block
    for row in range(height):
        for column in range(width):
            red, green, blue = 0, 0, 0
            for i in range(block):
                for j in range(block):
                    color = pixels[row * block + i, column * block + j]
                    red += color & 255
                    green += (color >> 8) & 255
                    blue += (color >> 16) & 255
            out[row, column, 0] = (red + count // 2) // count
            out[row, column, 1] = (green + count // 2) // count
            out[row, column, 2] = (blue + count // 2) // count
