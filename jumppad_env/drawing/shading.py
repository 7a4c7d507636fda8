"""Fine frames for people: supersampling, shadow maps, procedural patterns, haze and outlines.

`frames.py` first writes face numbers at S x S samples per pixel. Then each pixel is shaded: once if all its samples
show the same face, as most do, else once per sample.
"""

import functools
import math

import numpy as np

from jumppad_env.compiled import compiled, compiled_part, inlined
from jumppad_env.drawing.characters import MIDDLE
from jumppad_env.drawing.frames import draw_characters, draw_scenery, sky_colors
from jumppad_env.drawing.hud import write_over
from jumppad_env.drawing.levels.pieces import materials
from jumppad_env.drawing.looks import SKY, TEAM, WHO
from jumppad_env.drawing.rasterizer import draw_flat
from jumppad_env.world.state import STEPS, X

PLANKS, GRASS, STONE, LEAVES, CLIFF, BOARDS = range(1, 7)
PATTERNS = {
    **dict.fromkeys(("planks", "path"), PLANKS),
    "grass": GRASS,
    **dict.fromkeys(("stone", "stone_dark", "terrace"), STONE),
    **dict.fromkeys(("hedge", "cypress", "leaf"), LEAVES),
    **dict.fromkeys(("cliff", "cliff_dark", "building"), CLIFF),
    **dict.fromkeys(("wall", "bed"), BOARDS),
}
"""Procedural pattern of each material that has one."""

SUN_MAP = (1024, 768)
"""Rows and columns of the scenery's shadow map."""
SUN_CENTER = (0.0, 22.0, 0.0)
"""m, center of the area that it covers."""
SUN_SIDE = 38.0
"""m, half the length of that area."""
CHARACTER_MAP = 160
"""Rows and columns of the player character's own shadow map."""
CHARACTER_SIDE = 2.2
"""m, half the side of the area that it covers."""
BIAS = 0.06
"""m, shadow bias."""
CLOUDS = (64, 512)
"""Rows and columns of the cloud map."""
CLOUD_TOP = 1.2
"""Slope (m up per m ahead) at the top of the cloud map."""
INK = 0.30
"""Factor of an outline's color."""
HORIZON = SKY.start + 3
"""First of the horizon's colors in a look's numbers."""
HAZE = 420.0
"""m; haze takes 1 - 1/e of the color over this distance."""


def patterns_of(of_faces: np.ndarray) -> np.ndarray:
    """Returns the pattern of each face of the scenery (F,) uint8, given their materials."""
    return np.array([PATTERNS.get(material.name, 0) for material in materials()], np.uint8)[of_faces]


def seen_by_sun(direction: np.ndarray, center: np.ndarray, side: float, rows: int, columns: int) -> np.ndarray:
    """Returns the sun's orthographic projection (3, 4), see `jumppad_env.drawing.rasterizer.draw_flat`."""
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
def draw_sun_map(slot, looks, island, movable, axes, outline, depth, pixels, slack):
    """Draws the scenery's shadow map; see `jumppad_env.drawing.rasterizer.draw_flat`."""
    depth[:] = -1e9
    faces = len(island.planes)
    draw_flat(island.vertices, island.faces, island.corners, island.planes, 0, faces, axes, outline, depth, pixels)
    draw_flat(
        looks.vertices[slot].T, movable.faces, movable.corners, looks.planes[slot], 0, len(movable.faces) - 1, axes,
        outline, depth, pixels, slack,
    )  # fmt: skip


@compiled
def draw_fine(state, character, slot, looks, island, movable, meshes, parts, sun, scratch):
    """Writes the face numbers of one fine frame and the characters' shadow maps, for `shade_rows`.

    Args:
        state: (len(STATE),) float64.
        character: index of the player's character.
        slot: of the look.
        looks: `jumppad_env.drawing.frames.Looks`.
        island: `jumppad_env.drawing.scenery.Mesh`.
        movable: the same.
        meshes: `jumppad_env.drawing.characters.CharacterMeshes`.
        parts: pattern (F,) uint8, part (F,), and face number (F,) uint32, from 1, of the scenery's faces;
            and `load_clouds()`.
        sun: projection (3, 4) and shadow map of the scenery, to which the team is added; projection (3, 4) and shadow
            map of the player's character, both output.
        scratch: for S times the frame's size.
    """
    numbers = looks.numbers[slot]
    draw_characters(state, character, numbers, meshes, True, scratch)
    draw_scenery(slot, looks, island, movable, parts[2], scratch, state[STEPS])
    # The character's shadow map is centered on its middle.
    body_axes, body_map = sun[2], sun[3]
    for i in range(3):
        offset = 0.5 * CHARACTER_MAP if i < 2 else 0.0
        for j in range(3):
            body_axes[i, j] = sun[0][i, j] * (CHARACTER_MAP / SUN_MAP[0] * SUN_SIDE / CHARACTER_SIDE if i < 2 else 1.0)
            offset -= body_axes[i, j] * (state[X + j] + (MIDDLE if j == 2 else 0.0))
        body_axes[i, 3] = offset
    body_map[:] = -1e9
    who = int(numbers[WHO][0])
    cast_shadow(0, character if who < 0 else who, meshes, body_axes, scratch, body_map)
    # Team-mates use the scenery's coarser shadow map: one of their own each would take longer.
    for mate in range(1, 1 + TEAM):
        if numbers[WHO][mate] >= 0:
            cast_shadow(mate, int(numbers[WHO][mate]), meshes, sun[0], scratch, sun[1])


@compiled_part
def cast_shadow(number, who, meshes, axes, scratch, lit):
    """Draws a character into a shadow map.

    Args:
        number: 0 the player's character, then the team; `dress` has filled its rows of the scratch.
        who: index in `CHARACTERS`.
        meshes: `jumppad_env.drawing.characters.CharacterMeshes`.
        axes: (3, 4), the map's projection.
        scratch: see `draw_fine`.
        lit: the map, output.
    """
    start, end = int(meshes.first_face[who]), int(meshes.first_face[who + 1])
    draw_flat(
        scratch.vertices[number].T, meshes.faces[start : end + 1], meshes.corners, scratch.planes[number], 0,
        end - start, axes, scratch.outline, lit, np.empty(lit.shape, np.uint32),
    )  # fmt: skip


@compiled
def shade_rows(first_row, end_row, numbers, shades, parts, sun, block, scratch, out):
    """Shades some rows of pixels.

    Args:
        first_row: first row of the frame.
        end_row: one past the last.
        numbers: (NUMBERS,) of the look.
        shades: (F, 6) float32 of the look, see `jumppad_env.drawing.looks.Look`.
        parts: see `draw_fine`.
        sun: see `draw_fine`.
        block: S.
        scratch: see `draw_fine`.
        out: (H, W, 3) uint8, output.
    """
    height, width = out.shape[:2]
    pixels, depth, eye, body_colors = scratch.pixels, scratch.depth, scratch.eye, scratch.colors
    # Unpacked here: reference counting of arrays at every pixel would take longer than everything else.
    kinds, numbers_of_parts, _, clouds = parts
    sun_axes, lit, body_axes, body_lit = sun
    for row in range(first_row, end_row):
        for column in range(width):
            top, left = row * block, column * block
            first = pixels[top, left]
            same, near, far = True, depth[top, left], depth[top, left]
            for i in range(block):
                for j in range(block):
                    same &= pixels[top + i, left + j] == first
                    near, far = max(near, depth[top + i, left + j]), min(far, depth[top + i, left + j])
            # Shade once in the middle of the pixel, or in the middle of each of the S x S samples.
            red, green, blue = 0.0, 0.0, 0.0
            side = 1 if same else block
            step = 0.5 * block / side
            for i in range(side):
                for j in range(side):
                    nearness = depth[top + i, left + j]
                    if same:
                        nearness = 0.5 * (nearness + depth[top + block - 1, left + block - 1])
                    x, y = left + step * (2 * j + 1), top + step * (2 * i + 1)
                    color = shade(
                        pixels[top + i, left + j], nearness, x, y, numbers, shades, kinds, clouds, eye, body_colors,
                        sun_axes, lit, body_axes, body_lit, block * height, block * width,
                    )  # fmt: skip
                    red, green, blue = red + color[0], green + color[1], blue + color[2]
            scale = 255.0 / (side * side)
            if not same and is_outline(pixels, top, left, block, near, far, numbers_of_parts):
                # Distant outlines are fainter: more of them share a pixel.
                scale *= 1.0 - (1.0 - INK) * min(25.0 * near, 1.0)
            out[row, column, 0] = np.uint8(min(red * scale, 255.0) + 0.5)
            out[row, column, 1] = np.uint8(min(green * scale, 255.0) + 0.5)
            out[row, column, 2] = np.uint8(min(blue * scale, 255.0) + 0.5)


@compiled
def finish(state, slot, looks, out):
    """Draws the look's HUD over a shaded frame (H, W, 3) uint8."""
    write_over(looks.boxes[slot], looks.counters[slot], state[STEPS], state, out)


@compiled_part
def is_outline(pixels, top, left, block, near, far, parts):
    """Returns whether a pixel is on an outline: its samples show different parts, one well behind the other."""
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


@inlined
def shade(
    face, nearness, x, y, numbers, shades, kinds, clouds, eye, body_colors, sun_axes, lit, body_axes, body_lit,
    height, width,
):  # fmt: skip
    """Returns the color (red, green, blue, 0 to 1) of one sample.

    Args:
        face: its number, 0 for the sky.
        nearness: depth, 1 / m.
        x: pixels from the left of the supersampled frame.
        y: pixels from its top.
        numbers: (NUMBERS,) of the look.
        shades: (F, 6) float32.
        kinds: (F,) patterns.
        clouds: see `load_clouds`.
        eye: (4, 3).
        body_colors: (1 + TEAM, F, 6).
        sun_axes: this and the next three are `sun` of `draw_fine`.
        lit: see `sun_axes`.
        body_axes: see `sun_axes`.
        body_lit: see `sun_axes`.
        height: of the supersampled frame, pixels.
        width: of the supersampled frame, pixels.
    """
    across = eye[1, 0] ** 2 + eye[1, 1] ** 2 + eye[1, 2] ** 2
    down = eye[2, 0] ** 2 + eye[2, 1] ** 2 + eye[2, 2] ** 2
    side, up = (x - 0.5 * width) / across, (0.5 * height - y) / down
    rise = eye[3, 2] + up * eye[2, 2]
    if face == 0 or nearness <= 0.0:
        red, green, blue = sky_colors(numbers, rise)
        part = cloud(clouds, math.atan2(eye[3, 0] + side * eye[1, 0], eye[3, 1] + side * eye[1, 1]), rise)
        red += (min(1.0, numbers[HORIZON] + 0.1) - red) * part
        green += (min(1.0, numbers[HORIZON + 1] + 0.1) - green) * part
        blue += (min(1.0, numbers[HORIZON + 2] + 0.1) - blue) * part
        return red, green, blue
    far = 1.0 / nearness
    px = eye[0, 0] + far * (eye[3, 0] + side * eye[1, 0] + up * eye[2, 0])
    py = eye[0, 1] + far * (eye[3, 1] + side * eye[1, 1] + up * eye[2, 1])
    pz = eye[0, 2] + far * (eye[3, 2] + side * eye[1, 2] + up * eye[2, 2])
    sunlit, tone, bias = 1.0, 1.0, BIAS
    if face >= 1 << 16:
        number, index, bias = (face - (1 << 16)) >> 10, face & 1023, 2 * BIAS
        red, sun_red = body_colors[number, index, 0], body_colors[number, index, 3]
        green, sun_green = body_colors[number, index, 1], body_colors[number, index, 4]
        blue, sun_blue = body_colors[number, index, 2], body_colors[number, index, 5]
    else:
        index = face - 1
        red, green, blue = float(shades[index, 0]), float(shades[index, 1]), float(shades[index, 2])
        sun_red, sun_green, sun_blue = float(shades[index, 3]), float(shades[index, 4]), float(shades[index, 5])
        if kinds[index] > 0:
            tone = 1.0 + (pattern(kinds[index], px, py, pz) - 1.0) * min(max(1.3 - far / 60.0, 0.0), 1.0)
    if sun_red + sun_green + sun_blue > 0.0:
        sunlit = sun_on(px, py, pz, bias, sun_axes, lit) * sun_on(px, py, pz, bias, body_axes, body_lit)
    # Haze blends towards the horizon's color.
    rest = math.exp((25.0 - far) / HAZE) if far > 25.0 else 1.0
    red = (red + sunlit * sun_red) * tone * rest + numbers[HORIZON] * (1.0 - rest)
    green = (green + sunlit * sun_green) * tone * rest + numbers[HORIZON + 1] * (1.0 - rest)
    blue = (blue + sunlit * sun_blue) * tone * rest + numbers[HORIZON + 2] * (1.0 - rest)
    return red, green, blue


@inlined
def sun_on(x, y, z, bias, axes, lit):
    """Looks a place up in a shadow map, bilinearly: 0 in shadow, 1 in the sun."""
    u = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z + axes[0, 3] - 0.5
    v = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z + axes[1, 3] - 0.5
    column, row = int(math.floor(u)), int(math.floor(v))
    if not (0 <= row < lit.shape[0] - 1 and 0 <= column < lit.shape[1] - 1):
        return 1.0
    height = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z + axes[2, 3] + bias
    u, v = u - column, v - row
    upper = (1.0 - u) * (lit[row, column] < height) + u * (lit[row, column + 1] < height)
    lower = (1.0 - u) * (lit[row + 1, column] < height) + u * (lit[row + 1, column + 1] < height)
    return (1.0 - v) * upper + v * lower


@compiled_part
def scatter(x, y):
    """Hashes two integers to a number from 0 to 1."""
    mixed = (x * 374761393 + y * 668265263) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) & 1023) / 1023.0


@compiled_part
def pattern(kind, x, y, z):
    """Returns the factor, around 1, by which a procedural pattern changes the color at a place."""
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


@functools.cache
def load_clouds() -> np.ndarray:
    """Returns the cloud map (CLOUDS), opacity 0 to 1: columns are bearings, rows slopes from 0 to CLOUD_TOP."""
    bearing = np.linspace(0, 2 * np.pi, CLOUDS[1], endpoint=False)[None]
    rise = np.linspace(0, CLOUD_TOP, CLOUDS[0])[:, None]
    u, v = 3 * bearing, 9 * rise
    wave = np.sin(2 * u + 1.3 * np.sin(1.1 * v + u)) + 0.6 * np.sin(3 * u - 2.3 * v + 1) + 0.4 * np.sin(6 * u + 4.1 * v)
    return (np.clip(0.45 * wave - 0.15, 0, 0.75) * np.minimum(5 * rise, 1)).astype(np.float32)


@compiled_part
def cloud(clouds, bearing, rise):
    """Looks up the clouds' opacity, 0 to 1, in a direction."""
    if not rise > 0.0:  # below the horizon, or NaN, which is no index
        return 0.0
    column = (bearing / (2 * math.pi) + 1.0) * clouds.shape[1]
    row = min(rise / CLOUD_TOP, 0.999) * (clouds.shape[0] - 1)
    left, above = int(column), int(row)
    right, below = column - left, row - above
    first, second = left % clouds.shape[1], (left + 1) % clouds.shape[1]
    upper = clouds[above, first] * (1.0 - right) + clouds[above, second] * right
    lower = clouds[above + 1, first] * (1.0 - right) + clouds[above + 1, second] * right
    return upper * (1.0 - below) + lower * below
