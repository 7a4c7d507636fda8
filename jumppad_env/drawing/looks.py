"""Looks: visual variety (domain randomization), sampled per episode from one number.

A look never affects the physics, so a stored trajectory can be redrawn with another one. The number is in the state's
column `look`. Each kind of variety samples from its own random stream: enabling one does not change the others, and the
same number and kinds give the same pixels.
"""

import colorsys
import functools
import math
import zlib
from typing import Any, NamedTuple

import numpy as np

from jumppad_env.compiled import compiled
from jumppad_env.drawing.ground import NO_FLOORS
from jumppad_env.drawing.hud import Hud, make_hud, no_hud
from jumppad_env.drawing.levels.mesh import load_level_scenery, place_block, place_pieces
from jumppad_env.drawing.levels.pieces import (
    BLOCK_PAINT,
    MOVING,
    build,
    clutter_spots,
    floors_of,
    moving_blocks,
    with_paints,
)
from jumppad_env.drawing.scenery import CLUTTER, load_camera, load_light, load_materials, load_scenery, load_sky
from jumppad_env.island import Places, load_island
from jumppad_env.levels import Level
from jumppad_env.rules import CHARACTERS

FAMILIES = (
    ("planks", "plank_gap", "path"),
    ("grass",),
    ("stone", "stone_dark"),
    ("wall", "edge", "bed"),
    ("hedge", "leaf", "cypress"),
    ("teal", "rim"),
    ("ramp", "chevron", "glow"),
    ("iron", "terrace"),
    ("cliff", "cliff_dark", "diamond"),
)
"""Materials that change color together; those of landmarks and clutter change separately."""
SKIES = (
    # overhead, at the horizon, sun, ambient
    ((0.30, 0.52, 0.86), (0.84, 0.91, 0.97), (0.60, 0.58, 0.52), (0.50, 0.51, 0.54)),  # noon
    ((0.55, 0.62, 0.70), (0.80, 0.83, 0.86), (0.25, 0.25, 0.26), (0.66, 0.67, 0.70)),  # overcast
    ((0.36, 0.34, 0.56), (0.98, 0.66, 0.42), (0.72, 0.44, 0.26), (0.42, 0.38, 0.46)),  # evening
    ((0.62, 0.66, 0.86), (0.98, 0.82, 0.80), (0.52, 0.42, 0.40), (0.50, 0.48, 0.56)),  # morning
    ((0.03, 0.05, 0.14), (0.12, 0.18, 0.34), (0.16, 0.20, 0.32), (0.22, 0.25, 0.38)),  # night
)
NO_BLOCKS = np.empty((0, len(MOVING)))
CLASSIC_CLIFF = 62.0
"""m: y of the edge of the classic island's cliff, behind which the landmarks are."""
TEAM = 3
TURN = 2 * math.pi
RIDERS = [index for index, character in enumerate(CHARACTERS.values()) if character.has_board]
"""Characters that can replace another in a look: one without a board would ride on nothing."""

CAMERA = slice(0, 6)
LIGHT = slice(6, 15)
SKY = slice(15, 21)
SHAKE = slice(21, 26)
"""Amplitude at top speed, rad; two frequencies, rad per control step; two phases."""
TINTS = slice(26, 38)
"""(1 + TEAM, 3): factors of the characters' colors."""
WHO = slice(38, 42)
"""(1 + TEAM,): index of the character to draw; -1: the played one, or no team-mate."""
PATHS = slice(42, 60)
"""(TEAM, 6), ellipses of the team-mates: center x, y (m), radii along x and y (m), rad per control step, phase."""
NUMBERS = 60


class Look(NamedTuple):
    """The look of one episode: everything drawn that does not follow from the rest of the state."""

    numbers: np.ndarray
    """(NUMBERS,): see the slices above."""
    shades: np.ndarray
    """(F, 6) float32: colors of the scenery's faces: ambient, then what the sun adds; emissive ones exceed 1."""
    vertices: np.ndarray
    """(V, 3) m: of the movable parts, in world coordinates."""
    planes: np.ndarray
    """(F, 4): of the movable parts; all zero for invisible faces."""
    spheres: np.ndarray
    """(P, 4) m: of the movable parts."""
    hud: Hud
    of_faces: np.ndarray
    """(F,) int: material of each face of the scenery."""
    floors: np.ndarray
    """(n, len(ground.FLOOR)) of a level; none on the classic island, which has a map of heights."""
    blocks: np.ndarray
    """(K, len(MOVING)) of a level, moving blocks; none on the classic island."""


def make_look(kinds: tuple[str, ...], seed: int, *, detail: bool, on: tuple[Level, int] | None = None) -> Look:
    """Samples the look of a number.

    Args:
        kinds: names in `KINDS`.
        seed: the number, at least 0.
        detail: include the geoms of `DETAIL_GROUP`; the rest is the same.
        on: a level, and the index of the color that its flag shows, -1 without one; None: the classic island.
    """
    streams = _Streams(seed)
    numbers = np.zeros(NUMBERS)
    numbers[CAMERA] = load_camera()
    numbers[LIGHT] = np.concatenate(load_light())
    numbers[SKY] = load_sky().ravel()
    numbers[TINTS] = 1.0
    numbers[WHO] = -1.0
    hud = no_hud()
    scenery, outfit = load_scenery(detail=detail), _outfit(detail)
    materials, places, here = outfit.materials, scenery.places.copy(), outfit.here
    island: Places = load_island() if on is None else on[0].islands[0]
    if "camera" in kinds:
        _move_camera(streams.of("camera"), numbers)
    if "light" in kinds:
        _change_time_of_day(streams.of("light"), numbers)
    if "weather" in kinds:
        _change_weather(streams.of("weather"), numbers)
    if "shake" in kinds:
        size, fast, slow, first, second = streams.of("shake").random(5).tolist()
        fast, slow = _between(1.2, 2.6, fast), _between(1.2, 2.6, slow)
        numbers[SHAKE] = (_between(0.004, 0.010, size), fast, slow, TURN * first, TURN * second)
    if "character" in kinds:
        drawn = streams.of("character").random(4)
        numbers[WHO.start] = RIDERS[int(drawn[0] * len(RIDERS))]
        numbers[TINTS][:3] = _between(0.7, 1.15, drawn[1:])
    if "team" in kinds:
        _gather_team(streams.of("team"), numbers, island.spawns)
    if "hud" in kinds:
        hue, saturation, value, own, other, seconds = streams.of("hud").random(6).tolist()
        hue, saturation, value = _between(0.45, 0.6, hue), _between(0.5, 0.8, saturation), _between(0.35, 0.6, value)
        color = np.array(colorsys.hsv_to_rgb(hue, saturation, value))
        hud = make_hud(color, np.array([int(10 * own), int(10 * other)]), float(20 + int(80 * seconds)))
    if "colors" in kinds:
        materials = _recolor(streams.of("colors"))
    if "landmarks" in kinds:
        _move_landmarks(streams.of("landmarks"), places)
    if "clutter" in kinds:
        spots = scenery.spots if on is None else clutter_spots(on[0])
        here = here | _scatter_clutter(streams.of("clutter"), places, spots)
    light, mesh = numbers[LIGHT].reshape(3, 3), scenery.movable
    if on is not None:
        places[outfit.here, 1] += on[0].cliff - CLASSIC_CLIFF
        table = build(*on)
        shared = load_level_scenery(on[0].settings, detail=detail)
        of_faces = np.concatenate([shared.materials_of(table), scenery.materials[len(scenery.island.planes) :]])
        materials, emissions = with_paints(materials, outfit.emissions)
        vertices, planes, spheres = (
            np.empty_like(array) for array in (shared.mesh.vertices, shared.mesh.planes, shared.mesh.spheres)
        )
        own = shared.pieces
        place_pieces(own, table, vertices, planes, spheres)
        moved = vertices[len(own.vertices) :], planes[len(own.planes) :], spheres[len(own.spheres) :]
        arrange(mesh, places, here, *moved)
        still, floors, blocks = planes[:0], floors_of(on[0]), moving_blocks(on[0])
        sides = np.empty((6 * len(blocks), 4))
        for index, block in enumerate(blocks):
            around = sides[6 * index : 6 * index + 6]
            place_block(block, 0.0, shared.pieces, np.empty((8, 3)), around, np.empty((1, 4)))
        paint = [material.name for material in load_materials()].index(BLOCK_PAINT)
        of_faces = np.concatenate([of_faces, np.full(len(sides), paint)])
    else:
        still, of_faces, emissions = scenery.island.planes, scenery.materials, outfit.emissions
        floors, blocks, sides = NO_FLOORS, NO_BLOCKS, np.empty((0, 4))
        vertices, planes, spheres = (np.empty_like(array) for array in (mesh.vertices, mesh.planes, mesh.spheres))
        arrange(mesh, places, here, vertices, planes, spheres)
    shades = np.empty((len(of_faces), 6), np.float32)
    shine((still, planes, sides), of_faces, materials, emissions, light, shades)
    return Look(numbers, shades, vertices, planes, spheres, hud, of_faces, floors, blocks)


_SKIES = np.array(SKIES)


class _Streams:
    """Random streams of one look: an independent one for each kind, keyed by its name."""

    def __init__(self, seed: int) -> None:
        # Making a generator takes ten times as long as setting its key.
        self._philox = np.random.Philox(key=0)
        self._start = self._philox.state
        self._start["state"]["key"][0] = seed
        self._generator = np.random.Generator(self._philox)

    def of(self, kind: str) -> np.random.Generator:
        """Returns a kind's generator, at its start; valid until the next call."""
        self._start["state"]["key"][1] = zlib.crc32(kind.encode())
        self._philox.state = self._start
        return self._generator


def _between(low: float, high: float, part: Any) -> Any:
    """Interpolates from low (part 0) to high (part 1); a number, or an array for an array."""
    return low + (high - low) * part


def _move_camera(generator: np.random.Generator, numbers: np.ndarray) -> None:
    camera = load_camera()
    field = generator.uniform(0.85, 1.2)
    numbers[CAMERA] = (
        camera.distance * generator.uniform(0.75, 1.05),  # farther back it would be outside the plaza's wall
        camera.height * generator.uniform(0.85, 1.2),
        generator.uniform(-0.55, 0.75),
        camera.half_width * field,
        camera.half_height * field,
        camera.near,
    )


def _change_time_of_day(generator: np.random.Generator, numbers: np.ndarray) -> None:
    drawn = generator.random(8)
    one, other, part, azimuth, elevation = drawn[:5].tolist()
    one, other = (_SKIES[int(number * len(SKIES))] for number in (one, other))
    overhead, horizon, sun, everywhere = part * one + (1 - part) * other
    azimuth, elevation = TURN * azimuth, _between(0.35, 1.3, elevation)
    level = math.cos(elevation)
    numbers[LIGHT][:3] = math.cos(azimuth) * level, math.sin(azimuth) * level, -math.sin(elevation)
    numbers[LIGHT][3:6], numbers[LIGHT][6:] = sun, everywhere * _between(0.85, 1.15, drawn[5:])
    numbers[SKY][:3], numbers[SKY][3:] = overhead, horizon


def _change_weather(generator: np.random.Generator, numbers: np.ndarray) -> None:
    sun, everywhere = generator.uniform(0.8, 1.15), generator.uniform(0.92, 1.08)
    numbers[LIGHT][3:6] *= sun * generator.uniform(0.96, 1.04, 3)
    numbers[LIGHT][6:9] *= everywhere
    numbers[SKY] = np.minimum(numbers[SKY] * generator.uniform(0.9, 1.1), 1.0)


def _gather_team(generator: np.random.Generator, numbers: np.ndarray, places: np.ndarray) -> None:
    spawns = places[generator.permutation(4)[:TEAM]].tolist()
    numbers[TINTS][3:] = _between(0.75, 1.1, generator.random(3 * TEAM))
    paths = []
    for mate, drawn in enumerate(generator.random((TEAM, 9)).tolist()):
        who, aside, along, moves, right, ahead, way, turn, phase = drawn
        numbers[WHO.start + 1 + mate] = RIDERS[int(who * len(RIDERS))]
        x, y, _ = spawns[mate]
        paths += (
            # Beside the spawn points, out of the way of the character that starts there.
            x + math.copysign(_between(1.8, 2.4, aside), x),
            y + _between(-0.6, 1.2, along),
            _between(0.3, 0.9, right) if moves < 0.6 else 0.0,
            _between(0.3, 0.9, ahead) if moves < 0.6 else 0.0,
            _between(0.12, 0.3, turn) if way < 0.5 else -_between(0.12, 0.3, turn),
            TURN * phase,
        )
    numbers[PATHS] = paths


def _recolor(generator: np.random.Generator) -> np.ndarray:
    """Samples new colors for the materials (M, 3): hue, saturation and value change by family."""
    hue, saturation, value, family = _dyes()
    count = int(family.max()) + 1
    drawn = generator.random((4, count))
    turn = generator.normal(0, 0.12, count)
    dye, brightness = _between(0.5, 1.3, drawn[0]), _between(0.65, 1.25, drawn[1])
    wild = drawn[2] < 0.25
    wild[FAMILIES.index(("ramp", "chevron", "glow"))] = False  # pads stay yellowish
    turn = np.where(wild, drawn[3], turn)
    hue = (hue + turn[family]) % 1
    saturation, value = np.minimum(saturation * dye[family], 1), np.minimum(value * brightness[family], 1)
    # HSV to RGB: each channel is a trapezoid over the hue.
    place = (np.array([5, 3, 1]) + 6 * hue[:, None]) % 6
    fade = np.clip(np.minimum(place, 4 - place), 0, 1)
    return value[:, None] * (1 - saturation[:, None] * fade)


@functools.cache
def _dyes() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns hue, saturation and value, 0 to 1, and the index of the family of each material (M,)."""
    names = [material.name for material in load_materials()]
    listed = {name for family in FAMILIES for name in family}
    families = [*FAMILIES, *((name,) for name in names if name not in listed)]
    owner = {name: number for number, family in enumerate(families) for name in family}
    assert owner.keys() == set(names), f"no material is named {sorted(owner.keys() - set(names))}"
    hue, saturation, value = np.array([colorsys.rgb_to_hsv(*material.color) for material in load_materials()]).T
    return hue, saturation, value, np.array([owner[name] for name in names])


def _move_landmarks(generator: np.random.Generator, places: np.ndarray) -> None:
    own = _outfit(False).here
    drawn = generator.random((int(own.sum()), 3))
    places[own, 0] = _between(-58, 58, drawn[:, 0])
    # Any nearer than in the MJCF, rotated ones would reach over the chasm; launches must end in front of all of them.
    places[own, 1] = np.maximum(places[own, 1], load_island().landings[:, 1].max() + 11) + 12 * drawn[:, 1]
    places[own, 3] = TURN * drawn[:, 2]


def _scatter_clutter(generator: np.random.Generator, places: np.ndarray, spots: np.ndarray) -> np.ndarray:
    """Places clutter on free spots (n, 3) m and returns which movable parts are visible clutter, bool (P,)."""
    own = np.flatnonzero(~_outfit(False).here)
    drawn = generator.random((len(own), 4))
    places[own, :3] = spots[generator.permutation(len(spots))[: len(own)]]
    places[own, :2] += _between(-0.3, 0.3, drawn[:, :2])
    places[own, 3] = TURN * drawn[:, 2]
    here = np.zeros(len(places), np.bool_)
    here[own] = drawn[:, 3] < 0.75
    return here


class _Outfit(NamedTuple):
    """What all looks start from."""

    materials: np.ndarray
    """(M, 3), colors in the MJCF."""
    emissions: np.ndarray
    """(M,)."""
    here: np.ndarray
    """(P,) bool: whether a movable part is a landmark; else it is clutter."""


@functools.cache
def _outfit(detail: bool) -> _Outfit:
    return _Outfit(
        materials=np.array([material.color for material in load_materials()]),
        emissions=np.array([material.emission for material in load_materials()]),
        here=np.array([not name.startswith(CLUTTER) for name in load_scenery(detail=detail).movable_names]),
    )


@compiled
def arrange(mesh, places, here, vertices, planes, spheres):
    """Transforms movable parts to their places in a look.

    Args:
        mesh: `jumppad_env.drawing.scenery.Mesh`, each part in the frame of its body.
        places: (P, 4): x, y, z (m) and yaw (rad).
        here: (P,) bool, whether a part is visible.
        vertices: (V, 3) m, output.
        planes: (F, 4), output.
        spheres: (P, 4) m, output.
    """
    for part in range(len(places)):
        x, y, z, yaw = places[part]
        cos, sin = math.cos(yaw), math.sin(yaw)
        for index in range(mesh.part_vertices[part], mesh.part_vertices[part + 1]):
            right, ahead, up = mesh.vertices[index]
            vertices[index, 0] = cos * right - sin * ahead + x
            vertices[index, 1] = sin * right + cos * ahead + y
            vertices[index, 2] = up + z
        for face in range(mesh.part_faces[part], mesh.part_faces[part + 1]):
            if not here[part]:
                planes[face] = 0.0  # invisible: no point is in front of this plane
                continue
            right, ahead, up, offset = mesh.planes[face]
            across, along = cos * right - sin * ahead, sin * right + cos * ahead
            planes[face, 0], planes[face, 1], planes[face, 2] = across, along, up
            planes[face, 3] = offset + across * x + along * y + up * z
        right, ahead, up, radius = mesh.spheres[part]
        spheres[part, 0] = cos * right - sin * ahead + x
        spheres[part, 1] = sin * right + cos * ahead + y
        spheres[part, 2], spheres[part, 3] = up + z, radius


@compiled
def shine(planes, of_faces, materials, emissions, light, shades):
    """Computes the colors of all faces under a light.

    Args:
        planes: of the island (F, 4), of the movable parts (G, 4) and of moving blocks (H, 4).
        of_faces: (F + G + H,) int, their materials.
        materials: (M, 3), colors.
        emissions: (M,).
        light: (3, 3): direction of the sunlight, its intensity, and that of the ambient light.
        shades: (F + G + H, 6) float32, output: ambient, then what the sun adds.
    """
    face = 0
    for several in planes:
        for index in range(len(several)):
            x, y, z = several[index, 0], several[index, 1], several[index, 2]
            facing = max(-(x * light[0, 0] + y * light[0, 1] + z * light[0, 2]), 0.0)
            material = of_faces[face]
            for channel in range(3):
                color = materials[material, channel]
                shades[face, channel] = color * (light[2, channel] + emissions[material])
                shades[face, 3 + channel] = color * light[1, channel] * facing
            face += 1
