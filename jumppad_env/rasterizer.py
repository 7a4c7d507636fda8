"""The software rasterizer: faces to pixels, compiled by Numba, without GL.

A frame of ours has some hundred visible faces on a few thousand pixels. For that a general GL driver on a CPU takes
several times as long as this plain scanline loop, which needs no context, no system library and no lock: any thread
draws, threads do not slow each other, and the same state gives the same bytes in any of them.

Everything here is a pure function on arrays; `jumppad_env.drawing` owns the arrays. Numba compiles at the first call
(some seconds) and keeps the result on disk.

Conventions: pixel (row, column) has its center at (column + 0.5, row + 0.5), row 0 is the top; depth is 1 / distance,
which is linear on the screen, 0 is infinitely far; colors are packed as red | green << 8 | blue << 16.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled
from jumppad_env.scenery import Camera, Figure, Light, Mesh

# See `jumppad_env.compiled`.
assert Camera._fields == ("distance", "height", "shoulder", "half_width", "half_height", "near")
assert Light._fields == ("direction", "diffuse", "ambient")
assert Mesh._fields == ("vertices", "faces", "corners", "planes", "colors", "background")
assert Figure._fields == (
    *("parents", "offsets", "axes", "joint_bodies", "joint_hinges", "joint_axes", "joint_anchors"),
    *("vertices", "vertex_bodies", "faces", "corners", "face_bodies", "normals", "colors", "emissions", "board"),
)


class Scratch(NamedTuple):
    """What one thread needs to draw, overwritten at every frame; S x S pixels of it make one of the frame."""

    depth: np.ndarray
    """(H * S, W * S) float32."""
    pixels: np.ndarray
    """(H * S, W * S) uint32."""
    screen: np.ndarray
    """(V, 5), see `project`; as many vertices as the larger of island and figure has."""
    eye: np.ndarray
    """(4, 3), see `aim`."""
    outline: np.ndarray
    """(n, 2), corners of a face on the screen, pixels to the right and down."""
    origins: np.ndarray
    """(B, 3) m, of a figure's bodies; the first is the world."""
    axes: np.ndarray
    """(B, 3, 3), columns in the world."""
    vertices: np.ndarray
    """(V, 3) m, of the figure in the world."""
    planes: np.ndarray
    """(F, 4), of the figure, as those of `Mesh`."""
    colors: np.ndarray
    """(F,) uint32, of the figure, light included."""

    @classmethod
    def allocate(cls, height: int, width: int, island: Mesh, figure: Figure) -> Scratch:
        """Returns scratch for frames of height x width pixels of a figure on an island."""
        bodies, faces, vertices = len(figure.parents), len(figure.face_bodies), len(figure.vertices)
        most = max(int(np.diff(shape.faces).max()) for shape in (island, figure))
        return cls(
            depth=np.empty((height, width), np.float32),
            pixels=np.empty((height, width), np.uint32),
            screen=np.empty((max(vertices, len(island.vertices)), 5)),
            eye=np.empty((4, 3)),
            outline=np.empty((2 * most, 2)),  # `cut` writes at most two points per corner
            origins=np.zeros((bodies, 3)),
            axes=np.tile(np.eye(3), (bodies, 1, 1)),
            vertices=np.empty((vertices, 3)),
            planes=np.empty((faces, 4)),
            colors=np.empty(faces, np.uint32),
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
        draw_mesh(camera.near, scratch.vertices, figure.faces, figure.corners, scratch.planes, scratch.colors, scratch)
        draw_mesh(camera.near, island.vertices, island.faces, island.corners, island.planes, island.colors, scratch)
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
    """Puts a posed figure's faces into the world, and light on them; without its board if it is not mounted."""
    for index in range(len(figure.vertices)):
        body = figure.vertex_bodies[index]
        for i in range(3):
            total = scratch.origins[body, i]
            for j in range(3):
                total += scratch.axes[body, i, j] * figure.vertices[index, j]
            scratch.vertices[index, i] = total
    for index in range(len(figure.face_bodies)):
        body, corner = figure.face_bodies[index], figure.corners[figure.faces[index]]
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
        screen: (>= V, 5), written to: pixels to the right and down, and, before the division, pixels times m to the
            right and up, m ahead.
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
        screen[index, 2] = right
        screen[index, 3] = up
        screen[index, 4] = ahead


@compiled
def draw_mesh(near, vertices, faces, corners, planes, colors, scratch):
    """Draws the faces of a mesh (see `jumppad_env.scenery.Mesh`) whose front the eye sees."""
    screen, eye, outline = scratch.screen, scratch.eye, scratch.outline
    height, width = scratch.depth.shape
    middle_x, middle_y = width / 2, height / 2
    project(eye, vertices, screen, middle_x, middle_y)
    per_right = 1.0 / (eye[1, 0] ** 2 + eye[1, 1] ** 2 + eye[1, 2] ** 2)
    per_up = 1.0 / (eye[2, 0] ** 2 + eye[2, 1] ** 2 + eye[2, 2] ** 2)
    for index in range(len(planes)):
        x, y, z = planes[index, 0], planes[index, 1], planes[index, 2]
        height_above = x * eye[0, 0] + y * eye[0, 1] + z * eye[0, 2] - planes[index, 3]
        if height_above <= 0.0:
            continue
        first, end = faces[index], faces[index + 1]
        ahead = 0
        for corner in range(first, end):
            ahead += screen[corners[corner], 4] >= near
        if ahead == 0:
            continue
        if ahead == end - first:
            count = ahead
            for corner in range(count):
                outline[corner, 0] = screen[corners[first + corner], 0]
                outline[corner, 1] = screen[corners[first + corner], 1]
        else:
            count = cut(near, screen, corners[first:end], outline, middle_x, middle_y)
        # The depth of a pixel whose ray reaches 1 m ahead is -(normal . ray) / height_above: linear on the screen.
        right = -(x * eye[1, 0] + y * eye[1, 1] + z * eye[1, 2]) * per_right / height_above
        down = (x * eye[2, 0] + y * eye[2, 1] + z * eye[2, 2]) * per_up / height_above
        middle = -(x * eye[3, 0] + y * eye[3, 1] + z * eye[3, 2]) / height_above
        corner_depth = middle - right * middle_x - down * middle_y
        fill(outline, count, (corner_depth, right, down), colors[index], scratch.depth, scratch.pixels)


@compiled
def cut(near, screen, corners, outline, middle_x, middle_y):
    """Cuts off what of a face is closer than the near plane; returns how many corners the `outline` has then."""
    count = 0
    last = corners[-1]
    for this in corners:
        if (screen[last, 4] >= near) != (screen[this, 4] >= near):
            # Always from the far corner to the near one: neighbors must find the same point on their common edge.
            far, close = (last, this) if screen[last, 4] >= near else (this, last)
            part = (screen[far, 4] - near) / (screen[far, 4] - screen[close, 4])
            outline[count, 0] = middle_x + (screen[far, 2] + part * (screen[close, 2] - screen[far, 2])) / near
            outline[count, 1] = middle_y - (screen[far, 3] + part * (screen[close, 3] - screen[far, 3])) / near
            count += 1
        if screen[this, 4] >= near:
            outline[count, 0] = screen[this, 0]
            outline[count, 1] = screen[this, 1]
            count += 1
        last = this
    return count


@compiled
def fill(outline, count, plane, color, depth, pixels):
    """Colors the pixels whose centers lie in a convex polygon, where nothing nearer has been drawn.

    A center on an edge belongs to one of the two polygons that share the edge: to the one on its right or below.

    Args:
        outline: (>= count, 2) pixels to the right and down, counter-clockwise as seen; may lie far outside.
        count: of its corners.
        plane: depth in the frame's top left corner, and how much it grows per pixel to the right and down.
        color: packed.
        depth: (H, W) float32, written to.
        pixels: (H, W) uint32, written to.
    """
    height, width = depth.shape
    top, upper, lower = 0, outline[0, 1], outline[0, 1]
    leftmost, rightmost = outline[0, 0], outline[0, 0]
    for corner in range(1, count):
        x, y = outline[corner, 0], outline[corner, 1]
        if y < upper:
            top, upper = corner, y
        lower = max(lower, y)
        leftmost, rightmost = min(leftmost, x), max(rightmost, x)
    if rightmost <= 0.0 or leftmost >= width or lower <= 0.0 or upper >= height:
        return
    first = math.ceil(upper - 0.5) if upper > 0.0 else 0
    end = math.ceil(lower - 0.5) if lower < height else height
    # Down both sides at once, edge by edge, each edge from its upper end: then neighbors find the same points on it.
    left_corner, right_corner = top, top
    left_x = left_y = left_slope = right_x = right_y = right_slope = 0.0
    left_end, right_end = upper, upper
    step = np.float32(plane[1])
    for row in range(first, end):
        center = row + 0.5
        while left_end <= center:
            left_x, left_y = outline[left_corner, 0], outline[left_corner, 1]
            left_corner = left_corner + 1 if left_corner + 1 < count else 0
            left_end = outline[left_corner, 1]
            left_slope = (outline[left_corner, 0] - left_x) / (left_end - left_y) if left_end > left_y else 0.0
        while right_end <= center:
            right_x, right_y = outline[right_corner, 0], outline[right_corner, 1]
            right_corner = right_corner - 1 if right_corner > 0 else count - 1
            right_end = outline[right_corner, 1]
            right_slope = (outline[right_corner, 0] - right_x) / (right_end - right_y) if right_end > right_y else 0.0
        left = left_x + (center - left_y) * left_slope
        right = right_x + (center - right_y) * right_slope
        if left >= width or right <= 0.0:
            continue
        begin = math.ceil(left - 0.5) if left > 0.0 else 0
        stop = math.ceil(right - 0.5) if right < width else width
        here = np.float32(plane[0] + center * plane[2] + (begin + 0.5) * plane[1])
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
