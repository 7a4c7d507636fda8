"""Drawing order of a frame, and the colors of the fast frames that agents observe."""

import math
from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled, compiled_part
from jumppad_env.drawing.characters import BODIES, MIDDLE, RADIUS, CharacterMeshes, dress
from jumppad_env.drawing.ground import height_below
from jumppad_env.drawing.hud import write_over
from jumppad_env.drawing.lanes import LANES, ROWS, unpack_lanes
from jumppad_env.drawing.levels.mesh import place_block
from jumppad_env.drawing.looks import CAMERA, LIGHT, PATHS, SHAKE, SKY, TEAM, TINTS, WHO
from jumppad_env.drawing.rasterizer import aim, draw_faces, draw_mesh, frustum, is_seen, project
from jumppad_env.drawing.scenery import Mesh
from jumppad_env.world import STATE
from jumppad_env.world.state import CAMERA_TILT, CAMERA_YAW, GROUNDED, MOUNTED, STEPS, STRIDE, VX, VY, YAW, X, Y, Z

SHADOW_RADIUS = 0.55
"""m, of the blob shadow under a character."""
SHADOW_HEIGHT = 0.12
"""m; surfaces this close to the ground's height receive the blob shadow."""


class Looks(NamedTuple):
    """A batch of looks, one per slot; see `jumppad_env.drawing.looks.Look`."""

    numbers: np.ndarray
    """(S, NUMBERS)."""
    colors: np.ndarray
    """(S, F) uint32, lit colors of the scenery's faces: red | green << 8 | blue << 16."""
    vertices: np.ndarray
    """(S, 3, V)."""
    planes: np.ndarray
    """(S, F, 4)."""
    spheres: np.ndarray
    """(S, P, 4)."""
    boxes: np.ndarray
    """(S, hud.BOXES, 8)."""
    counters: np.ndarray
    """(S, hud.COUNTERS, 8)."""
    floors: np.ndarray
    """(S, n, len(ground.FLOOR)), of levels."""
    blocks: np.ndarray
    """(S, K, len(MOVING)), moving blocks of levels; their faces come last in `colors`."""


class Scratch(NamedTuple):
    """Buffers of one thread, overwritten at every frame."""

    depth: np.ndarray
    """(H, W) float32."""
    pixels: np.ndarray
    """(H, W) uint32: colors, or face numbers, where 0 is the sky."""
    screen: np.ndarray
    """(5, V), see `jumppad_env.drawing.rasterizer.project`."""
    eye: np.ndarray
    """(4, 3), see `jumppad_env.drawing.rasterizer.aim`."""
    outline: np.ndarray
    """(n, 2), projected corners of a face, pixels to the right and down."""
    spans: np.ndarray
    """(2, ROWS) int32, see `jumppad_env.drawing.lanes.find_spans`."""
    angles: np.ndarray
    """(len(BODIES), 3) rad."""
    origins: np.ndarray
    """(len(BODIES), 3) m."""
    axes: np.ndarray
    """(len(BODIES), 3, 3)."""
    vertices: np.ndarray
    """(1 + TEAM, 3, V) m, of the characters."""
    planes: np.ndarray
    """(1 + TEAM, F, 4)."""
    colors: np.ndarray
    """(1 + TEAM, F, 6): ambient, then what the sun adds."""
    values: np.ndarray
    """(F,) uint32."""
    mate: np.ndarray
    """(len(STATE),), the state of a team-mate."""

    @classmethod
    def allocate(cls, height: int, width: int, parts: tuple[Mesh, Mesh], meshes: CharacterMeshes) -> "Scratch":
        """Returns buffers for frames of height x width pixels and the meshes of the scenery."""
        vertices = int(np.diff(meshes.first_vertex.astype(int)).max())
        faces = int(np.diff(meshes.first_face.astype(int)).max())
        corners = max(int(np.diff(mesh.faces.astype(int)).max(initial=0)) for mesh in (*parts, meshes))
        return cls(
            depth=np.empty((height, width), np.float32),
            pixels=np.empty((height, width), np.uint32),
            screen=np.empty((5, max(vertices, *(len(mesh.vertices) for mesh in parts)))),
            eye=np.empty((4, 3)),
            outline=np.empty((2 * corners, 2)),  # a clipped face has at most two points per corner
            spans=np.empty((2, ROWS), np.int32),
            angles=np.empty((len(BODIES), 3)),
            origins=np.empty((len(BODIES), 3)),
            axes=np.empty((len(BODIES), 3, 3)),
            vertices=np.empty((1 + TEAM, 3, vertices)),
            planes=np.empty((1 + TEAM, faces, 4)),
            colors=np.empty((1 + TEAM, faces, 6)),
            values=np.empty(faces, np.uint32),
            mate=np.empty(len(STATE)),
        )


@compiled
def draw_frames(rows, states, characters, slots, looks, island, movable, meshes, heights, scratch, out):
    """Draws some rows of a batch at fast quality.

    Args:
        rows: (M,) int64, indices of the rows to draw.
        states: (N, len(STATE)) float64.
        characters: (N,) int64, indices in `CHARACTERS`.
        slots: (N,) int64, slot of each row's look.
        looks: `Looks`.
        island: `jumppad_env.drawing.scenery.Mesh`.
        movable: the same, of the parts that looks move.
        meshes: `jumppad_env.drawing.characters.CharacterMeshes`.
        heights: see `jumppad_env.drawing.ground.load_heights`.
        scratch: `Scratch`.
        out: (N, H, W, 3) uint8, output.
    """
    for row in rows:
        state, slot = states[row], slots[row]
        numbers = looks.numbers[slot]
        shown = draw_characters(state, characters[row], numbers, meshes, False, scratch)
        draw_scenery(slot, looks, island, movable, looks.colors[slot], scratch, state[STEPS])
        eye, depth, pixels = scratch.eye, scratch.depth, scratch.pixels
        ground = heights, looks.floors[slot]
        darken(state[X], state[Y], state[Z], ground, numbers[CAMERA][5], eye, depth, pixels)
        if shown > 1:
            for mate in range(TEAM):
                place_mate(numbers, mate, state[STEPS], scratch.mate)
                x, y, z = scratch.mate[X], scratch.mate[Y], scratch.mate[Z]
                darken(x, y, z, ground, numbers[CAMERA][5], eye, depth, pixels)
        unpack(pixels, out[row])
        write_over(looks.boxes[slot], looks.counters[slot], state[STEPS], state, out[row])


@compiled_part
def draw_characters(state, character, numbers, meshes, fine, scratch):
    """Aims the camera, clears the frame, draws the player and the team, and returns the number of characters drawn.

    Args:
        state: (len(STATE),).
        character: index of the player's character.
        numbers: (NUMBERS,) of the look.
        meshes: `jumppad_env.drawing.characters.CharacterMeshes`.
        fine: write face numbers, (1 << 16) + (character's number << 10) + face, instead of colors.
        scratch: `Scratch`.
    """
    depth, pixels, eye = scratch.depth, scratch.pixels, scratch.eye
    height, width = depth.shape
    depth[:] = 0
    camera, light = numbers[CAMERA], numbers[LIGHT].reshape(3, 3)
    size, fast, slow, first, second = numbers[SHAKE]
    size *= math.sqrt(state[VX] ** 2 + state[VY] ** 2) / 9.0
    yaw = state[CAMERA_YAW] + size * math.sin(fast * state[STEPS] + first)
    tilt = state[CAMERA_TILT] + size * math.sin(slow * state[STEPS] + second)
    aim(camera, state, yaw, tilt, height, width, eye)
    if fine:
        pixels[:] = 0
    else:
        paint_sky(numbers, eye, pixels)
    view = frustum(eye, height, width)
    seen = 0
    for number in range(1 + TEAM):
        who = int(numbers[WHO][number])
        if number == 0:
            own, who = state, character if who < 0 else who
        elif who < 0:
            break
        else:
            place_mate(numbers, number - 1, state[STEPS], scratch.mate)
            own = scratch.mate
            # At fine quality a team-mate out of view may cast a visible shadow.
            if not fine and not is_seen(own[X], own[Y], own[Z] + MIDDLE, RADIUS, camera[5], eye, view):
                continue
        seen += 1
        tints = numbers[TINTS][3 * number : 3 * number + 3]
        planes, colors, values = scratch.planes[number], scratch.colors[number], scratch.values
        pose = (scratch.angles, scratch.origins, scratch.axes)
        dress(meshes, who, own, tints, light, pose, (scratch.vertices[number].T, planes, colors))
        start, end = int(meshes.first_face[who]), int(meshes.first_face[who + 1])
        for index in range(end - start):
            if fine:
                values[index] = (1 << 16) + (number << 10) + index
            else:
                red, green = colors[index, 0] + colors[index, 3], colors[index, 1] + colors[index, 4]
                values[index] = pack(red, green, colors[index, 2] + colors[index, 5])
        count = int(meshes.first_vertex[who + 1]) - int(meshes.first_vertex[who])
        project(eye, scratch.vertices[number].T, count, scratch.screen, width / 2, height / 2)
        draw_faces(
            0, end - start, meshes.faces[start : end + 1], meshes.corners, planes, camera[5], eye, values,
            scratch.screen, scratch.outline, scratch.spans, depth, pixels,
        )  # fmt: skip
    return seen


@compiled_part
def draw_scenery(slot, looks, island, movable, values, scratch, steps):
    """Draws everything but the characters, which come first: hidden pixels are never written.

    Args:
        slot: of the look.
        looks: `Looks`.
        island: `jumppad_env.drawing.scenery.Mesh`.
        movable: the same.
        values: (F,) uint32, pixel value of each face of both.
        scratch: `Scratch`.
        steps: control steps since the episode began.
    """
    eye, screen, outline, spans, depth, pixels = (
        scratch.eye, scratch.screen, scratch.outline, scratch.spans, scratch.depth, scratch.pixels,
    )  # fmt: skip
    near = looks.numbers[slot, CAMERA.start + 5]
    still = len(island.planes)
    draw_mesh(island, near, eye, values[:still], screen, outline, spans, depth, pixels)
    moved = (
        looks.vertices[slot].T, movable.faces, movable.corners, looks.planes[slot], movable.part_vertices,
        movable.part_faces, looks.spheres[slot],
    )  # fmt: skip
    draw_mesh(moved, near, eye, values[still:], screen, outline, spans, depth, pixels)
    blocks, first = looks.blocks[slot], still + len(movable.planes)
    if len(blocks) > 0:
        vertices, planes, spheres = np.empty((8, 3)), np.empty((6, 4)), np.empty((1, 4))
        view = frustum(eye, depth.shape[0], depth.shape[1])
        for index in range(len(blocks)):
            place_block(blocks[index], steps, movable, vertices, planes, spheres)
            x, y, z, radius = spheres[0]
            if is_seen(x, y, z, radius, near, eye, view):
                project(eye, vertices, 8, screen, depth.shape[1] / 2, depth.shape[0] / 2)
                own = values[first + 6 * index : first + 6 * index + 6]
                draw_faces(
                    0, 6, movable.faces, movable.corners, planes, near, eye, own, screen, outline, spans, depth, pixels
                )


@compiled_part
def place_mate(numbers, mate, steps, state):
    """Computes a team-mate's state on its path, an ellipse beside a spawn point.

    Args:
        numbers: (NUMBERS,) of the look.
        mate: 0 to TEAM - 1.
        steps: control steps since the episode began.
        state: (len(STATE),), output.
    """
    x, y, along, across, turn, phase = numbers[PATHS][6 * mate : 6 * mate + 6]
    angle = turn * steps + phase
    state[:] = 0.0
    state[X], state[Y] = x + along * math.sin(angle), y + across * math.cos(angle)
    state[VX], state[VY] = 10.0 * turn * along * math.cos(angle), -10.0 * turn * across * math.sin(angle)
    moves = along > 0.0
    state[YAW] = math.atan2(-state[VX], state[VY]) if moves else phase
    state[GROUNDED] = 1.0
    state[MOUNTED] = phase > 4.0
    state[STRIDE] = abs(turn) * steps * 0.5 * (along + across)
    if not moves:  # those who stand look around
        state[YAW] += 0.6 * math.sin(0.05 * steps + phase)


@compiled_part
def darken(x, y, z, ground, near, eye, depth, pixels):
    """Draws the blob shadow under a character: without it the height of a jump is invisible.

    Args:
        x: m, of the feet; so are `y`, `z`.
        y: see `x`.
        z: see `x`.
        ground: heights and floors, see `jumppad_env.drawing.ground.height_below`.
        near: m.
        eye: (4, 3).
        depth: (H, W) float32.
        pixels: (H, W) uint32, colors, updated.
    """
    below_it = height_below(x, y, ground)
    if z - below_it > 8.0:
        return
    rows, columns = depth.shape
    across = eye[1, 0] ** 2 + eye[1, 1] ** 2 + eye[1, 2] ** 2
    down = eye[2, 0] ** 2 + eye[2, 1] ** 2 + eye[2, 2] ** 2
    dx, dy, dz = x - eye[0, 0], y - eye[0, 1], below_it - eye[0, 2]
    ahead = eye[3, 0] * dx + eye[3, 1] * dy + eye[3, 2] * dz
    if ahead < near + SHADOW_RADIUS:
        return
    right = columns / 2 + (eye[1, 0] * dx + eye[1, 1] * dy + eye[1, 2] * dz) / ahead
    below = rows / 2 - (eye[2, 0] * dx + eye[2, 1] * dy + eye[2, 2] * dz) / ahead
    wide, high = SHADOW_RADIUS * math.sqrt(across) / ahead, SHADOW_RADIUS * math.sqrt(down) / ahead
    for row in range(max(int(below - high), 0), min(int(below + high) + 1, rows)):
        up = (rows / 2 - row - 0.5) / down
        for column in range(max(int(right - wide), 0), min(int(right + wide) + 1, columns)):
            if depth[row, column] <= 0.0:
                continue
            far = 1.0 / depth[row, column]
            side = (column + 0.5 - columns / 2) / across
            px = eye[0, 0] + far * (eye[3, 0] + side * eye[1, 0] + up * eye[2, 0]) - x
            py = eye[0, 1] + far * (eye[3, 1] + side * eye[1, 1] + up * eye[2, 1]) - y
            pz = eye[0, 2] + far * (eye[3, 2] + side * eye[1, 2] + up * eye[2, 2]) - below_it
            if px * px + py * py < SHADOW_RADIUS**2 and abs(pz) < SHADOW_HEIGHT:
                color = pixels[row, column]
                pixels[row, column] = ((color >> 1) & 0x7F7F7F) + ((color >> 3) & 0x1F1F1F)


@compiled_part
def sky_colors(numbers, up):
    """Returns the sky's red, green and blue, 0 to 1, in a direction of slope `up` (m up per m ahead)."""
    first = SKY.start
    part = min(max(up * 1.6, 0.0), 1.0)
    red = numbers[first + 3] + (numbers[first] - numbers[first + 3]) * part
    green = numbers[first + 4] + (numbers[first + 1] - numbers[first + 4]) * part
    blue = numbers[first + 5] + (numbers[first + 2] - numbers[first + 5]) * part
    return red, green, blue


@compiled_part
def paint_sky(numbers, eye, pixels):
    """Fills a frame with a look's sky, which is constant along a row."""
    height = pixels.shape[0]
    down = eye[2, 0] ** 2 + eye[2, 1] ** 2 + eye[2, 2] ** 2
    for row in range(height):
        red, green, blue = sky_colors(numbers, eye[3, 2] + (height / 2 - row - 0.5) / down * eye[2, 2])
        pixels[row, :] = pack(red, green, blue)


@compiled_part
def pack(red, green, blue):
    """Returns a color as uint32, red | green << 8 | blue << 16; channels above 1 are clipped."""
    red, green, blue = min(red, 1.0) * 255 + 0.5, min(green, 1.0) * 255 + 0.5, min(blue, 1.0) * 255 + 0.5
    return np.uint32(np.uint32(red) | np.uint32(green) << np.uint32(8) | np.uint32(blue) << np.uint32(16))


@compiled
def pack_shades(shades, colors):
    """Writes the sunlit colors of faces as (F,) uint32, from (F, 6): ambient, then what the sun adds."""
    for face in range(len(shades)):
        red, green, blue = shades[face, :3] + shades[face, 3:]
        colors[face] = pack(red, green, blue)


@compiled_part
def unpack(pixels, out):
    """Unpacks colors (H, W) uint32 into (H, W, 3) uint8."""
    colors, channels = pixels.reshape(-1), out.reshape(-1)
    last = len(colors) - LANES
    for start in range(0, len(colors), LANES):
        unpack_lanes(colors, channels, min(start, last))
