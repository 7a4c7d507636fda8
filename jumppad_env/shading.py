"""Frames for people: the same faces, with smooth edges, shadows, patterns on the materials, haze, and drawn outlines.

First every pixel learns which face it shows (`jumppad_env.frames`), S x S times; then it is shaded, once where all S x S
agree, which most do.
"""

from __future__ import annotations

import math

import numpy as np

from jumppad_env.compiled import compiled, compiled_part
from jumppad_env.figures import MIDDLE, X, Y, Z
from jumppad_env.frames import STEPS, draw_figures, draw_scenery, sky_color
from jumppad_env.hud import write_over
from jumppad_env.looks import SKY, WHO
from jumppad_env.rasterizer import draw_flat
from jumppad_env.scenery import load_materials, load_scenery

PLANKS, GRASS, STONE, LEAVES, CLIFF, BOARDS = range(1, 7)
PATTERNS = {
    **dict.fromkeys(("planks", "path"), PLANKS),
    "grass": GRASS,
    **dict.fromkeys(("stone", "stone_dark", "terrace"), STONE),
    **dict.fromkeys(("hedge", "cypress", "leaf"), LEAVES),
    **dict.fromkeys(("cliff", "cliff_dark", "building"), CLIFF),
    **dict.fromkeys(("wall", "bed"), BOARDS),
}
"""Pattern of each material that has one."""

SUN_MAP = (1024, 768)
"""Rows and columns of the map of what the sun shines on."""
SUN_CENTER = (0.0, 22.0, 0.0)
SUN_SIDE = 38.0
"""m: half the length of what it covers."""
FIGURE_MAP = 160
"""Rows and columns of the same for the figure who plays."""
FIGURE_SIDE = 2.2
"""m: half the length of what that covers."""
BIAS = 0.06
"""m: what is so much nearer to the sun or less casts no shadow."""
INK = 0.30
"""What is left of the color of an outline."""
HAZE = 420.0
"""m, at which two thirds are lost in haze."""


def face_patterns() -> np.ndarray:
    """Returns the pattern of each face of the scenery (F,) uint8."""
    of_material = np.array([PATTERNS.get(material.name, 0) for material in load_materials()], np.uint8)
    return of_material[load_scenery(detail=True).materials]


def sun_axes(direction: np.ndarray, center: np.ndarray, side: float, rows: int, columns: int) -> np.ndarray:
    """Returns how the sun sees places, see `jumppad_env.rasterizer.draw_flat`: (3, 4)."""
    toward = -direction / np.linalg.norm(direction)
    right = np.cross([0.0, 1.0, 0.0], toward)  # the island is longest along y, which is up on the map
    right /= max(float(np.linalg.norm(right)), 1e-9)
    up = np.cross(toward, right)
    scale = rows / (2 * side)
    axes = np.zeros((3, 4))
    axes[0, :3], axes[1, :3], axes[2, :3] = right * scale, -up * scale, toward
    axes[:, 3] = [columns / 2, rows / 2, 0.0] - axes[:, :3] @ center
    return axes


@compiled
def draw_sun_map(slot, looks, island, movable, axes, outline, depth, pixels):
    """Draws what the sun sees of the scenery; see `jumppad_env.rasterizer.draw_flat`."""
    depth[:] = -1e9
    faces = len(island.planes)
    draw_flat(island.vertices, island.faces, island.corners, island.planes, 0, faces, axes, outline, depth, pixels)
    draw_flat(
        looks.vertices[slot], movable.faces, movable.corners, looks.planes[slot], 0, len(movable.faces) - 1, axes,
        outline, depth, pixels,
    )  # fmt: skip


@compiled
def draw_fine(state, character, slot, looks, shades, island, movable, figures, parts, sun, block, scratch, out):
    """Draws one frame for people.

    Args:
        state: (len(STATE),) float64.
        character: index of who plays.
        slot: which look.
        looks: `jumppad_env.frames.Looks`.
        shades: (F, 6) float32 of the look, see `jumppad_env.looks.Look`.
        island: `jumppad_env.scenery.Mesh`.
        movable: the same.
        figures: `jumppad_env.figures.Figures`.
        parts: patterns (F,) uint8, number of the part (F,), and of the face (F,) uint32 from 1, of the scenery's faces.
        sun: axes (3, 4) and map of the scenery, axes (3, 4) and map of the figure, the latter two overwritten.
        block: S.
        scratch: of S times the frame's size.
        out: (H, W, 3) uint8, written to.
    """
    numbers = looks.numbers[slot]
    draw_figures(state, character, numbers, figures, True, scratch)
    draw_scenery(slot, looks, island, movable, parts[2], scratch)
    # What the sun sees of the figure, from around its middle.
    figure_axes, figure_map = sun[2], sun[3]
    for i in range(3):
        offset = 0.5 * FIGURE_MAP if i < 2 else 0.0
        for j in range(3):
            figure_axes[i, j] = sun[0][i, j] * (FIGURE_MAP / SUN_MAP[0] * SUN_SIDE / FIGURE_SIDE if i < 2 else 1.0)
            offset -= figure_axes[i, j] * (state[X + j] + (MIDDLE if j == 2 else 0.0))
        figure_axes[i, 3] = offset
    figure_map[:] = -1e9
    who = int(numbers[WHO][0])
    who = character if who < 0 else who
    start, end = int(figures.first_face[who]), int(figures.first_face[who + 1])
    draw_flat(
        scratch.vertices[0], figures.faces[start : end + 1], figures.corners, scratch.planes[0], 0, end - start,
        figure_axes, scratch.outline, figure_map, np.empty(figure_map.shape, np.uint32),
    )  # fmt: skip
    shade_frame(numbers, shades, parts, sun, block, scratch, out)
    write_over(looks.boxes[slot], looks.counters[slot], state[STEPS], state, out)


@compiled_part
def shade_frame(numbers, shades, parts, sun, block, scratch, out):
    """Gives every pixel its color; arguments as those of `draw_fine`."""
    height, width = out.shape[:2]
    pixels, depth, eye = scratch.pixels, scratch.depth, scratch.eye
    color, total = np.empty(3), np.empty(3)
    for row in range(height):
        for column in range(width):
            top, left = row * block, column * block
            first = pixels[top, left]
            same, near, far = True, depth[top, left], depth[top, left]
            for i in range(block):
                for j in range(block):
                    same &= pixels[top + i, left + j] == first
                    near, far = max(near, depth[top + i, left + j]), min(far, depth[top + i, left + j])
            total[:] = 0.0
            if same:
                middle = 0.5 * (depth[top, left] + depth[top + block - 1, left + block - 1])
                shade(first, middle, left + 0.5 * block, top + 0.5 * block, numbers, shades, parts, sun, scratch, color)
                total += color
            else:
                outline = is_outline(pixels, top, left, block, near, far, parts[1])
                for i in range(block):
                    for j in range(block):
                        shade(
                            pixels[top + i, left + j], depth[top + i, left + j], left + j + 0.5, top + i + 0.5,
                            numbers, shades, parts, sun, scratch, color,
                        )  # fmt: skip
                        total += color
                total /= block * block
                if outline:
                    # Farther lines are fainter: there are more of them in a pixel.
                    left_over = 1.0 - (1.0 - INK) * min(25.0 * near, 1.0)
                    total *= left_over
            for i in range(3):
                out[row, column, i] = np.uint8(min(max(total[i], 0.0), 1.0) * 255 + 0.5)


@compiled_part
def is_outline(pixels, top, left, block, near, far, parts):
    """Tells whether a pixel lies on the edge of a thing: other parts, one well behind the other."""
    if near < far * 1.06 or near <= 0.0:
        return False
    one = pixels[top, left]
    for i in range(block):
        for j in range(block):
            other = pixels[top + i, left + j]
            if other == one:
                continue
            if other == 0 or one == 0 or (other >> 16) != (one >> 16):
                return True
            if other < 1 << 16 and parts[other - 1] != parts[one - 1]:
                return True
    return False


@compiled_part
def shade(face, nearness, x, y, numbers, shades, parts, sun, scratch, color):
    """Finds the color of what is seen at a point.

    Args:
        face: its number, 0 for the sky.
        nearness: 1 / m.
        x: pixels from the left of the large frame.
        y: pixels from the top of it.
        numbers: (NUMBERS,) of the look.
        shades: (F, 6) float32.
        parts: see `draw_fine`.
        sun: see `draw_fine`.
        scratch: of the large frame.
        color: (3,), 0 to 1, written to.
    """
    eye = scratch.eye
    height, width = scratch.depth.shape
    across = eye[1, 0] ** 2 + eye[1, 1] ** 2 + eye[1, 2] ** 2
    down = eye[2, 0] ** 2 + eye[2, 1] ** 2 + eye[2, 2] ** 2
    side, up = (x - 0.5 * width) / across, (0.5 * height - y) / down
    sky = numbers[SKY]
    rise = eye[3, 2] + up * eye[2, 2]
    if face == 0 or nearness <= 0.0:
        bearing = math.atan2(eye[3, 0] + side * eye[1, 0], eye[3, 1] + side * eye[1, 1])
        cloud = clouds(bearing, rise)
        for i in range(3):
            base = sky_color(sky, rise, i)
            color[i] = base + (min(1.0, sky[3 + i] + 0.1) - base) * cloud
        return
    far = 1.0 / nearness
    px = eye[0, 0] + far * (eye[3, 0] + side * eye[1, 0] + up * eye[2, 0])
    py = eye[0, 1] + far * (eye[3, 1] + side * eye[1, 1] + up * eye[2, 1])
    pz = eye[0, 2] + far * (eye[3, 2] + side * eye[1, 2] + up * eye[2, 2])
    sunlit, tone = 1.0, 1.0
    if face >= 1 << 16:
        index = face - (1 << 16)
        own = scratch.colors[index >> 10, index & 1023]
        for i in range(3):
            color[i] = own[3 + i]
        if color[0] + color[1] + color[2] > 0.0:
            sunlit = sun_on(px, py, pz, sun, 0.12)
        for i in range(3):
            color[i] = own[i] + sunlit * own[3 + i]
    else:
        base = shades[face - 1]
        if base[3] + base[4] + base[5] > 0.0:
            sunlit = sun_on(px, py, pz, sun, BIAS)
        if parts[0][face - 1] > 0:
            tone = 1.0 + (pattern(parts[0][face - 1], px, py, pz) - 1.0) * min(max(1.3 - far / 60.0, 0.0), 1.0)
        for i in range(3):
            color[i] = (base[i] + sunlit * base[3 + i]) * tone
    haze = 1.0 - math.exp(-max(far - 25.0, 0.0) / HAZE)
    for i in range(3):
        color[i] += (sky[3 + i] - color[i]) * haze


@compiled_part
def sun_on(x, y, z, sun, bias):
    """Returns how much of the sun reaches a place, 0 to 1; edges of shadows are as soft as the map is coarse."""
    axes, lit, figure_axes, figure_lit = sun
    result = 1.0
    u = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z + axes[0, 3] - 0.5
    v = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z + axes[1, 3] - 0.5
    height = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z + axes[2, 3] + bias
    column, row = int(math.floor(u)), int(math.floor(v))
    if 0 <= row < lit.shape[0] - 1 and 0 <= column < lit.shape[1] - 1:
        u, v = u - column, v - row
        upper = (1.0 - u) * (lit[row, column] < height) + u * (lit[row, column + 1] < height)
        lower = (1.0 - u) * (lit[row + 1, column] < height) + u * (lit[row + 1, column + 1] < height)
        result = (1.0 - v) * upper + v * lower
    u = figure_axes[0, 0] * x + figure_axes[0, 1] * y + figure_axes[0, 2] * z + figure_axes[0, 3] - 0.5
    v = figure_axes[1, 0] * x + figure_axes[1, 1] * y + figure_axes[1, 2] * z + figure_axes[1, 3] - 0.5
    column, row = int(math.floor(u)), int(math.floor(v))
    if 0 <= row < figure_lit.shape[0] - 1 and 0 <= column < figure_lit.shape[1] - 1:
        height = (
            figure_axes[2, 0] * x + figure_axes[2, 1] * y + figure_axes[2, 2] * z + figure_axes[2, 3] + bias
        )
        u, v = u - column, v - row
        upper = (1.0 - u) * (figure_lit[row, column] < height) + u * (figure_lit[row, column + 1] < height)
        lower = (1.0 - u) * (figure_lit[row + 1, column] < height) + u * (figure_lit[row + 1, column + 1] < height)
        result *= (1.0 - v) * upper + v * lower
    return result


@compiled_part
def scatter(x, y):
    """Returns a number from 0 to 1 that looks random, the same for the same whole numbers."""
    mixed = (x * 374761393 + y * 668265263) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) & 1023) / 1023.0


@compiled_part
def pattern(kind, x, y, z):
    """Returns what a material's color is multiplied with at a place, around 1."""
    if kind == PLANKS:
        plank = int(math.floor(x / 0.42))
        length = y / 2.6 + 0.37 * (plank % 5)
        within, along = x / 0.42 - plank, length - math.floor(length)
        tone = 0.93 + 0.14 * scatter(plank, int(math.floor(length)))
        return 0.72 * tone if within < 0.05 or along < 0.012 else tone
    if kind == GRASS:
        blade = scatter(int(math.floor(x / 0.05)), int(math.floor(y / 0.16)))
        patch = scatter(int(math.floor(x / 0.7 + 0.3 * y)), int(math.floor(y / 0.9)))
        return 0.84 + 0.24 * blade + 0.08 * patch
    if kind == STONE:
        slab_x, slab_y = x / 1.3, y / 0.9
        column, row = int(math.floor(slab_x)), int(math.floor(slab_y))
        joint = slab_x - column < 0.03
        return 0.82 if joint else 0.94 + 0.1 * scatter(column, row)
    if kind == LEAVES:
        leaf = scatter(int(math.floor((x + 0.4 * z) / 0.13)), int(math.floor((y + 0.7 * z) / 0.11)))
        return 0.68 + 0.62 * leaf
    if kind == CLIFF:
        block_x, block_z = (x + 0.4 * y) / 3.1, z / 2.3
        column, row = int(math.floor(block_x + 0.5 * (int(math.floor(block_z)) % 2))), int(math.floor(block_z))
        streak = scatter(int(math.floor(x / 0.6)), row // 3)
        return 0.86 + 0.14 * scatter(column, row) + 0.1 * streak
    board = int(math.floor(z / 0.31))
    grain = scatter(int(math.floor((x + y) / 0.9)), board * 7 + int(math.floor(z / 0.05)))
    return (0.78 if z / 0.31 - board < 0.07 else 0.95 + 0.05 * (board % 2)) + 0.05 * grain


@compiled_part
def clouds(bearing, rise):
    """Returns how much cloud there is in a direction, 0 to 1: three sums of waves, wider than high."""
    if rise <= 0.0:
        return 0.0
    u, v = 3.0 * bearing, 9.0 * rise
    wave = math.sin(1.7 * u + 1.3 * math.sin(1.1 * v + 0.7 * u)) + 0.6 * math.sin(3.1 * u - 2.3 * v + 1.0)
    wave += 0.4 * math.sin(6.3 * u + 4.1 * v)
    return min(max(0.45 * wave - 0.15, 0.0), 0.75) * min(rise * 5.0, 1.0)
