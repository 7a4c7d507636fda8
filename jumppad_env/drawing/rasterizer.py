"""Software rasterizer: draws convex faces into a z-buffer, compiled by Numba, without GL.

A frame has a few hundred visible faces on a few thousand pixels. A general GL driver on a CPU takes several times as
long for that as this scanline loop, which needs no context, no system library and no lock: any thread can draw,
threads do not slow each other down, and a state gives the same bytes in each of them.

All functions are pure functions on arrays. Numba compiles them at the first call (some seconds) and caches the result
on disk.

Conventions: pixel (row, column) has its center at (column + 0.5, row + 0.5), row 0 is the top; depth is 1 / distance,
which is linear on the screen, 0 is infinitely far; a pixel holds one uint32 per face: its color or its number.
"""

import math

import numpy as np

from jumppad_env.compiled import compiled, compiled_part, inlined
from jumppad_env.drawing.lanes import LANES, ROWS, STRETCH, find_spans, write_nearer

SMALLEST = 0.6
"""Pixels; a part whose bounding sphere has a smaller radius is not drawn."""


@compiled_part
def aim(camera, position, yaw, tilt, height, width, eye):
    """Computes the camera's position and axes.

    `eye` gets the position, then the right and up axes, scaled by pixels per meter at a distance of 1 m, then the
    unit vector ahead.

    Args:
        camera: distance, height, shoulder, half_width, half_height, near: see `jumppad_env.drawing.scenery.Camera`.
        position: (>= 3,) m, of the character's feet.
        yaw: rad, counter-clockwise, 0 looks along +y.
        tilt: rad, positive looks up.
        height: of the frame, pixels.
        width: of the frame, pixels.
        eye: (4, 3), output.
    """
    distance, above, shoulder, half_width, half_height = camera[0], camera[1], camera[2], camera[3], camera[4]
    across, down = width / 2 / half_width, height / 2 / half_height
    cos_yaw, sin_yaw, cos_tilt, sin_tilt = math.cos(yaw), math.sin(yaw), math.cos(tilt), math.sin(tilt)
    right = (cos_yaw, sin_yaw, 0.0)
    up = (sin_yaw * sin_tilt, -cos_yaw * sin_tilt, cos_tilt)
    ahead = (-sin_yaw * cos_tilt, cos_yaw * cos_tilt, sin_tilt)
    for i in range(3):
        eye[0, i] = position[i] + shoulder * right[i] - distance * ahead[i]
        eye[1, i] = right[i] * across
        eye[2, i] = up[i] * down
        eye[3, i] = ahead[i]
    eye[0, 2] += above


@inlined
def frustum(eye, height, width):
    """Returns what `is_seen` needs of a view: half the frame's sides, the sides' slopes, and pixels per meter."""
    across = eye[1, 0] ** 2 + eye[1, 1] ** 2 + eye[1, 2] ** 2
    down = eye[2, 0] ** 2 + eye[2, 1] ** 2 + eye[2, 2] ** 2
    slope_x, slope_y = math.sqrt(across + 0.25 * width * width), math.sqrt(down + 0.25 * height * height)
    return 0.5 * width, 0.5 * height, slope_x, slope_y, math.sqrt(across)


@compiled_part
def is_seen(x, y, z, radius, near, eye, view):
    """Returns whether a bounding sphere may be in view, of `frustum`, and is large enough to be drawn."""
    half_width, half_height, slope_x, slope_y, scale = view
    x, y, z = x - eye[0, 0], y - eye[0, 1], z - eye[0, 2]
    ahead = eye[3, 0] * x + eye[3, 1] * y + eye[3, 2] * z
    right = eye[1, 0] * x + eye[1, 1] * y + eye[1, 2] * z
    up = eye[2, 0] * x + eye[2, 1] * y + eye[2, 2] * z
    seen = ahead >= near - radius
    seen &= abs(right) - half_width * ahead <= radius * slope_x
    seen &= abs(up) - half_height * ahead <= radius * slope_y
    seen &= radius * scale > SMALLEST * ahead
    return seen


@compiled_part
def project(eye, vertices, count, screen, middle_x, middle_y):
    """Projects vertices onto the screen, many per instruction.

    Args:
        eye: (4, 3), see `aim`.
        vertices: (>= count, 3) m; in Fortran order several are read at once.
        count: number of vertices.
        screen: (5, >= count), output: pixels to the right and down; then, before the perspective division, pixels times
            m to the right and up, m ahead.
        middle_x: pixels from the left to the middle.
        middle_y: pixels from the top to the middle.
    """
    # Held in registers: for all that the compiler knows, writing to the screen might change the eye.
    eye_x, eye_y, eye_z = eye[0]
    right_x, right_y, right_z = eye[1]
    up_x, up_y, up_z = eye[2]
    ahead_x, ahead_y, ahead_z = eye[3]
    to_right, to_below, rights, ups, aheads = screen[0], screen[1], screen[2], screen[3], screen[4]
    for index in range(count):
        x, y, z = vertices[index, 0] - eye_x, vertices[index, 1] - eye_y, vertices[index, 2] - eye_z
        right = right_x * x + right_y * y + right_z * z
        up = up_x * x + up_y * y + up_z * z
        ahead = ahead_x * x + ahead_y * y + ahead_z * z
        depth = 1.0 / ahead if ahead != 0.0 else 0.0
        to_right[index] = middle_x + right * depth
        to_below[index] = middle_y - up * depth
        rights[index] = right
        ups[index] = up
        aheads[index] = ahead


@compiled_part
def draw_mesh(mesh, near, eye, values, screen, outline, spans, depth, pixels):
    """Draws the parts of a mesh that are in view.

    Args:
        mesh: see `jumppad_env.drawing.scenery.Mesh`.
        near: m, near plane.
        eye: (4, 3), see `aim`.
        values: (F,) uint32, pixel value of each face.
        screen: (5, >= V), scratch.
        outline: (n, 2), scratch.
        spans: (2, ROWS) int32, scratch.
        depth: (H, W) float32, z-buffer, updated.
        pixels: (H, W) uint32, updated.
    """
    vertices, faces, corners, planes, _, part_faces, spheres = mesh
    height, width = depth.shape
    project(eye, vertices, len(vertices), screen, width / 2, height / 2)
    view = frustum(eye, height, width)
    for part in range(len(spheres)):
        x, y, z, radius = spheres[part]
        if is_seen(x, y, z, radius, near, eye, view):
            draw_faces(
                int(part_faces[part]), int(part_faces[part + 1]), faces, corners, planes, near, eye, values, screen,
                outline, spans, depth, pixels,
            )  # fmt: skip


@compiled_part
def draw_faces(first, end, faces, corners, planes, near, eye, values, screen, outline, spans, depth, pixels):
    """Draws the front faces among some whose vertices are on the screen already; arguments as of `draw_mesh`."""
    height, width = depth.shape
    middle_x, middle_y = width / 2, height / 2
    per_right = 1.0 / (eye[1, 0] ** 2 + eye[1, 1] ** 2 + eye[1, 2] ** 2)
    per_up = 1.0 / (eye[2, 0] ** 2 + eye[2, 1] ** 2 + eye[2, 2] ** 2)
    for index in range(first, end):
        x, y, z = planes[index, 0], planes[index, 1], planes[index, 2]
        height_above = x * eye[0, 0] + y * eye[0, 1] + z * eye[0, 2] - planes[index, 3]
        if height_above <= 0.0:
            continue
        start, stop = faces[index], faces[index + 1]
        count = 0
        nearest, farthest = np.inf, -np.inf
        for corner in range(start, stop):
            vertex = corners[corner]
            outline[count, 0], outline[count, 1] = screen[0, vertex], screen[1, vertex]
            nearest, farthest = min(nearest, screen[4, vertex]), max(farthest, screen[4, vertex])
            count += 1
        if nearest < near:
            if farthest < near:
                continue
            count = cut(near, screen, corners[start:stop], outline, middle_x, middle_y)
        upper, lower = find_rows(outline, count, height, width)
        if upper >= lower:
            continue
        # The depth of a pixel whose ray reaches 1 m ahead is -(normal . ray) / height_above: linear on the screen.
        per_height = 1.0 / height_above
        right = -(x * eye[1, 0] + y * eye[1, 1] + z * eye[1, 2]) * per_right * per_height
        down = (x * eye[2, 0] + y * eye[2, 1] + z * eye[2, 2]) * per_up * per_height
        middle = -(x * eye[3, 0] + y * eye[3, 1] + z * eye[3, 2]) * per_height
        corner_depth = middle - right * middle_x - down * middle_y
        fill(outline, count, upper, lower, (corner_depth, right, down), values[index], spans, depth, pixels)


@compiled
def draw_flat(mesh_vertices, faces, corners, planes, first, end, axes, outline, depth, pixels, slack=0.0):
    """Draws faces in orthographic projection: a height map or a shadow map.

    Args:
        mesh_vertices: (V, 3) m.
        faces: (F + 1,), corners and planes: see `jumppad_env.drawing.scenery.Mesh`.
        corners: (C,).
        planes: (F, 4).
        first: first face to draw.
        end: one past the last.
        axes: (3, 4), projection of a point (x, y, z, 1) to pixels to the right and down, and depth, m: larger is
            nearer.
        outline: (n, 2), scratch.
        depth: (H, W) float32, z-buffer, updated.
        pixels: (H, W) uint32, scratch.
        slack: pixels by which a slanted face is pushed away, along its own slope, so that it does not shadow itself.
    """
    spans = np.empty((2, ROWS), np.int32)
    toward = axes[2]
    for index in range(first, end):
        x, y, z, offset = planes[index]
        facing = x * toward[0] + y * toward[1] + z * toward[2]
        if facing <= 1e-6:
            continue
        count = int(faces[index + 1]) - int(faces[index])
        for corner in range(count):
            vertex = mesh_vertices[corners[faces[index] + corner]]
            for i in range(2):
                outline[corner, i] = (
                    axes[i, 0] * vertex[0] + axes[i, 1] * vertex[1] + axes[i, 2] * vertex[2] + axes[i, 3]
                )
        # Depth is linear over the face, starting from the first corner.
        vertex = mesh_vertices[corners[faces[index]]]
        start = toward[0] * vertex[0] + toward[1] * vertex[1] + toward[2] * vertex[2] + toward[3]
        scale = axes[0, 0] ** 2 + axes[0, 1] ** 2 + axes[0, 2] ** 2
        right = -(x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]) / (facing * scale)
        down = -(x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]) / (facing * scale)
        corner_depth = start - right * outline[0, 0] - down * outline[0, 1] - slack * (abs(right) + abs(down))
        upper, lower = find_rows(outline, count, depth.shape[0], depth.shape[1])
        fill(outline, count, upper, lower, (corner_depth, right, down), np.uint32(0), spans, depth, pixels)


@compiled_part
def cut(near, screen, corners, outline, middle_x, middle_y):
    """Clips a face at the near plane into `outline`; returns the number of its corners."""
    count = 0
    last = corners[-1]
    for this in corners:
        if (screen[4, last] >= near) != (screen[4, this] >= near):
            # Always from the far corner to the near one: both faces at an edge must get the same point.
            far, close = (last, this) if screen[4, last] >= near else (this, last)
            part = (screen[4, far] - near) / (screen[4, far] - screen[4, close])
            outline[count, 0] = middle_x + (screen[2, far] + part * (screen[2, close] - screen[2, far])) / near
            outline[count, 1] = middle_y - (screen[3, far] + part * (screen[3, close] - screen[3, far])) / near
            count += 1
        if screen[4, this] >= near:
            outline[count, 0] = screen[0, this]
            outline[count, 1] = screen[1, this]
            count += 1
        last = this
    return count


@inlined
def find_rows(outline, count, height, width):
    """Finds the range of pixel rows that a polygon may cover.

    Args:
        outline: (>= count, 2) pixels to the right and down.
        count: number of corners.
        height: of the frame, pixels.
        width: of the frame, pixels.

    Returns:
        The first row, and one past the last; empty if the polygon is out of view or between pixel centers.
    """
    upper, lower = outline[0, 1], outline[0, 1]
    leftmost, rightmost = outline[0, 0], outline[0, 0]
    for corner in range(1, count):
        x, y = outline[corner, 0], outline[corner, 1]
        upper, lower = min(upper, y), max(lower, y)
        leftmost, rightmost = min(leftmost, x), max(rightmost, x)
    # Clamped to the frame on both sides: huge values and NaN cannot be converted to integers.
    first = math.ceil(min(max(0.0, upper), float(height)) - 0.5)
    end = math.ceil(min(max(0.0, lower), float(height)) - 0.5)
    if math.ceil(max(leftmost, 0.0) - 0.5) >= math.ceil(min(rightmost, float(width)) - 0.5):
        end = first
    return first, end


@inlined
def fill(outline, count, first, end, plane, value, spans, depth, pixels):
    """Fills the pixels whose centers are inside a convex polygon and pass the depth test.

    A center on a shared edge belongs to exactly one of the two polygons: the one to its right or below.

    Args:
        outline: (>= count, 2) pixels to the right and down, counter-clockwise as seen; may lie far outside.
        count: number of corners.
        first: first row of pixels, see `find_rows`.
        end: one past the last row.
        plane: depth in the frame's top left corner, and its increase per pixel to the right and down.
        value: value of the pixels.
        spans: (2, ROWS) int32, scratch.
        depth: (H, W) float32, z-buffer, updated.
        pixels: (H, W) uint32, updated.
    """
    height, width = depth.shape
    step = np.float32(plane[1])
    last = height * width - STRETCH
    for block in range(first, end, ROWS):
        find_spans(outline, count, block, width, spans)
        for row in range(block, min(block + ROWS, end)):
            index, stop = row * width + spans[0, row - block], row * width + spans[1, row - block]
            at_edge = plane[0] + (row + 0.5) * plane[2] + (0.5 - row * width) * plane[1]
            while True:  # at least once: testing for empty spans takes longer than one masked write
                base = min(index, last)  # keeps the stretch inside the frame
                left, right = np.int32(index - base), np.int32(stop - base)
                line = np.float32(at_edge + base * plane[1]), step
                write_nearer(depth, pixels, base, np.int32(0), left, right, line, np.uint32(value))
                if right > LANES:
                    write_nearer(depth, pixels, base, np.int32(LANES), left, right, line, np.uint32(value))
                index = base + STRETCH
                if index >= stop:
                    break
