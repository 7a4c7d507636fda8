"""Looks: visual variety, drawn per episode from one number.

A look never touches the physics, so a stored trajectory can be redrawn under another one. The state carries the number
(column `look`), and each kind of variety draws from a stream of its own: switching one on shifts no other, and the same
number and kinds are the same pixels.
"""

from __future__ import annotations

import colorsys
import functools
import math
import zlib
from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled
from jumppad_env.hud import Hud, make_hud, no_hud
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.scenery import CLUTTER, LANDMARK, load_camera, load_light, load_materials, load_scenery, load_sky

PAPER = ("character", "team", "hud", "shake", "weather")
"""What a match looks like."""
KINDS = (*PAPER, "light", "colors", "landmarks", "clutter", "camera")
"""Kinds of variety.

`character`: another of them is seen. `team`: three team-mates at the spawn. `hud`: what a game writes over the picture.
`shake`: of the camera, with speed. `weather`: small changes of light. `light`: time of day. `colors`: each family of
materials in another color. `landmarks`: somewhere else. `clutter`: things beside the way. `camera`: distance, height,
shoulder and field of view.
"""
VARIETIES = {"none": (), "paper": PAPER, "high": KINDS}

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
"""Materials that change color together; landmarks and clutter change each for itself."""
SKIES = (
    # overhead, at the horizon, sun, from everywhere
    ((0.30, 0.52, 0.86), (0.84, 0.91, 0.97), (0.60, 0.58, 0.52), (0.50, 0.51, 0.54)),  # noon
    ((0.55, 0.62, 0.70), (0.80, 0.83, 0.86), (0.25, 0.25, 0.26), (0.66, 0.67, 0.70)),  # overcast
    ((0.36, 0.34, 0.56), (0.98, 0.66, 0.42), (0.72, 0.44, 0.26), (0.42, 0.38, 0.46)),  # evening
    ((0.62, 0.66, 0.86), (0.98, 0.82, 0.80), (0.52, 0.42, 0.40), (0.50, 0.48, 0.56)),  # morning
    ((0.03, 0.05, 0.14), (0.12, 0.18, 0.34), (0.16, 0.20, 0.32), (0.22, 0.25, 0.38)),  # night
)
TEAM = 3
RIDERS = [index for index, character in enumerate(CHARACTERS.values()) if character.has_board]
"""Those who can be seen in another's place: who has no board would be seen riding on nothing."""

CAMERA = slice(0, 6)
LIGHT = slice(6, 15)
SKY = slice(15, 21)
SHAKE = slice(21, 26)
"""Amplitude at top speed, rad; two frequencies, rad per control step; two phases."""
TINTS = slice(26, 38)
"""(1 + TEAM, 3): what the colors of the figures are multiplied with."""
WHO = slice(38, 42)
"""(1 + TEAM,): index of the character who is seen, -1: who plays, or nobody."""
PATHS = slice(42, 60)
"""(TEAM, 6): center x, y (m), radii along x and y (m), rad per control step, phase."""
NUMBERS = 60


class Look(NamedTuple):
    """What one episode looks like, apart from what everybody does."""

    numbers: np.ndarray
    """(NUMBERS,): see the slices above."""
    shades: np.ndarray
    """(F, 6) float32: colors of the scenery's faces: in the shade, and what the sun adds; what glows exceeds 1."""
    vertices: np.ndarray
    """(V, 3) m: of the movable parts, in the world."""
    planes: np.ndarray
    """(F, 4): of the movable parts; all zero where nothing is to be seen."""
    spheres: np.ndarray
    """(P, 4) m: of the movable parts."""
    hud: Hud


def parse_variety(variety: object) -> tuple[str, ...]:
    """Returns the kinds that a value of the keyword `variety` switches on, in the order of `KINDS`.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(variety, str) and variety in VARIETIES:
        return VARIETIES[variety]
    names = (variety,) if isinstance(variety, str) else variety
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) and name in KINDS for name in names):
        raise ValueError(
            f"variety={variety!r} is unknown; choose one of {', '.join(map(repr, VARIETIES))}, "
            f"or names of kinds: {', '.join(map(repr, KINDS))}"
        )
    return tuple(kind for kind in KINDS if kind in names)


def make_look(kinds: tuple[str, ...], seed: int, *, detail: bool) -> Look:
    """Returns the look of a number.

    Args:
        kinds: names in `KINDS`.
        seed: at least 0.
        detail: with what only people see; the same otherwise.
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
    if "camera" in kinds:
        _move_camera(streams.of("camera"), numbers)
    if "light" in kinds:
        _change_time_of_day(streams.of("light"), numbers)
    if "weather" in kinds:
        _change_weather(streams.of("weather"), numbers)
    if "shake" in kinds:
        own = streams.of("shake")
        numbers[SHAKE] = (own.uniform(0.004, 0.010), *own.uniform(1.2, 2.6, 2), *own.uniform(0, 2 * np.pi, 2))
    if "character" in kinds:
        own = streams.of("character")
        numbers[WHO.start] = own.choice(RIDERS)
        numbers[TINTS][:3] = own.uniform(0.7, 1.15, 3)
    if "team" in kinds:
        _gather_team(streams.of("team"), numbers)
    if "hud" in kinds:
        own = streams.of("hud")
        red, green, blue = colorsys.hsv_to_rgb(own.uniform(0.45, 0.6), own.uniform(0.5, 0.8), own.uniform(0.35, 0.6))
        color = np.array([red, green, blue])
        hud = make_hud(color, own.integers(0, 10, 2), float(own.integers(20, 100)))
    if "colors" in kinds:
        materials = _recolor(streams.of("colors"))
    if "landmarks" in kinds:
        _move_landmarks(streams.of("landmarks"), places)
    if "clutter" in kinds:
        here = here | _scatter_clutter(streams.of("clutter"), places)
    island, mesh = scenery.island, scenery.movable
    vertices, planes, spheres = (np.empty_like(array) for array in (mesh.vertices, mesh.planes, mesh.spheres))
    arrange(mesh, places, here, vertices, planes, spheres)
    shades = np.empty((len(scenery.materials), 6), np.float32)
    light = numbers[LIGHT].reshape(3, 3)
    shine((island.planes, planes), scenery.materials, materials, outfit.emissions, light, shades)
    return Look(numbers, shades, vertices, planes, spheres, hud)


class _Streams:
    """Random numbers of one look: an independent stream for each kind, keyed by its name."""

    def __init__(self, seed: int) -> None:
        # A new generator takes ten times as long as a new key.
        self._philox = np.random.Philox(key=0)
        self._start = self._philox.state
        self._start["state"]["key"][0] = seed
        self._generator = np.random.Generator(self._philox)

    def of(self, kind: str) -> np.random.Generator:
        """Returns a kind's generator, from its beginning, until the next call."""
        self._start["state"]["key"][1] = zlib.crc32(kind.encode())
        self._philox.state = self._start
        return self._generator


def _move_camera(generator: np.random.Generator, numbers: np.ndarray) -> None:
    camera = load_camera()
    field = generator.uniform(0.85, 1.2)
    numbers[CAMERA] = (
        camera.distance * generator.uniform(0.75, 1.05),  # from farther back it would see the plaza's wall from outside
        camera.height * generator.uniform(0.85, 1.2),
        generator.uniform(-0.55, 0.75),
        camera.half_width * field,
        camera.half_height * field,
        camera.near,
    )


def _change_time_of_day(generator: np.random.Generator, numbers: np.ndarray) -> None:
    one, other = (np.array(SKIES[index]) for index in generator.integers(len(SKIES), size=2))
    part = generator.random()
    overhead, horizon, sun, everywhere = part * one + (1 - part) * other
    azimuth, elevation = generator.uniform(-np.pi, np.pi), generator.uniform(0.35, 1.3)
    direction = [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), -np.sin(elevation)]
    numbers[LIGHT] = np.concatenate([direction, sun, everywhere * generator.uniform(0.85, 1.15, 3)])
    numbers[SKY] = np.concatenate([overhead, horizon])


def _change_weather(generator: np.random.Generator, numbers: np.ndarray) -> None:
    sun, everywhere = generator.uniform(0.8, 1.15), generator.uniform(0.92, 1.08)
    numbers[LIGHT][3:6] *= sun * generator.uniform(0.96, 1.04, 3)
    numbers[LIGHT][6:9] *= everywhere
    numbers[SKY] = np.minimum(numbers[SKY] * generator.uniform(0.9, 1.1), 1.0)


def _gather_team(generator: np.random.Generator, numbers: np.ndarray) -> None:
    spawns = load_island().spawns[generator.permutation(4)[:TEAM]]
    numbers[WHO][1:] = generator.choice(RIDERS, TEAM)
    numbers[TINTS][3:] = generator.uniform(0.75, 1.1, 3 * TEAM)
    paths = numbers[PATHS].reshape(TEAM, 6)
    # Beside the spawn points, where nobody stands in the way of who starts there.
    paths[:, 0] = spawns[:, 0] + np.sign(spawns[:, 0]) * generator.uniform(1.8, 2.4, TEAM)
    paths[:, 1] = spawns[:, 1] + generator.uniform(-0.6, 1.2, TEAM)
    moving = generator.random(TEAM) < 0.6
    paths[:, 2:4] = generator.uniform(0.3, 0.9, (TEAM, 2)) * moving[:, None]
    paths[:, 4] = generator.choice([-1, 1], TEAM) * generator.uniform(0.12, 0.3, TEAM)
    paths[:, 5] = generator.uniform(0, 2 * np.pi, TEAM)


def _recolor(generator: np.random.Generator) -> np.ndarray:
    """Returns other colors for the materials (M, 3): hue, saturation and lightness change by family."""
    hue, saturation, value, family = _dyes()
    count = int(family.max()) + 1
    turn, dye, brightness = generator.normal(0, 0.12, count), *generator.uniform((0.5, 0.65), (1.3, 1.25), (count, 2)).T
    wild = generator.random(count) < 0.25
    wild[FAMILIES.index(("ramp", "chevron", "glow"))] = False  # pads stay about as yellow as they are
    turn = np.where(wild, generator.random(count), turn)
    hue = (hue + turn[family]) % 1
    saturation, value = np.minimum(saturation * dye[family], 1), np.minimum(value * brightness[family], 1)
    # From hue, saturation and value to red, green and blue; each is a trapezoid of the hue.
    place = (np.array([5, 3, 1]) + 6 * hue[:, None]) % 6
    fade = np.clip(np.minimum(place, 4 - place), 0, 1)
    return value[:, None] * (1 - saturation[:, None] * fade)


@functools.cache
def _dyes() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns hue, saturation and value, 0 to 1, and the number of the family of each material (M,)."""
    names = [material.name for material in load_materials()]
    listed = {name for family in FAMILIES for name in family}
    families = [*FAMILIES, *((name,) for name in names if name not in listed)]
    owner = {name: number for number, family in enumerate(families) for name in family}
    assert owner.keys() == set(names), f"no material is named {sorted(owner.keys() - set(names))}"
    hue, saturation, value = np.array([colorsys.rgb_to_hsv(*material.color) for material in load_materials()]).T
    return hue, saturation, value, np.array([owner[name] for name in names])


def _move_landmarks(generator: np.random.Generator, places: np.ndarray) -> None:
    # Nearer than in the MJCF they would, turned, reach over the chasm; and launches end in front of them all.
    nearest = np.maximum(places[:, 1], load_island().landings[:, 1].max() + 11)
    for index, name in enumerate(load_scenery(detail=False).movable_names):
        drawn = generator.random(3)
        if name.startswith(LANDMARK):
            places[index, 0] = -58 + 116 * drawn[0]
            places[index, 1] = nearest[index] + 12 * drawn[1]
            places[index, 3] = 2 * np.pi * drawn[2]


def _scatter_clutter(generator: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """Puts clutter on free spots and returns which of the movable parts are there (P,)."""
    spots = load_scenery(detail=False).spots
    order = iter(generator.permutation(len(spots)))
    here = np.zeros(len(places), np.bool_)
    for index, name in enumerate(load_scenery(detail=False).movable_names):
        if name.startswith(CLUTTER):
            places[index, :3] = spots[next(order)]
            places[index, :2] += generator.uniform(-0.3, 0.3, 2)
            places[index, 3] = generator.uniform(-np.pi, np.pi)
            here[index] = generator.random() < 0.75
    return here


class _Outfit(NamedTuple):
    """What all looks begin with."""

    materials: np.ndarray
    """(M, 3), the MJCF's colors."""
    emissions: np.ndarray
    """(M,)."""
    here: np.ndarray
    """(P,) bool: which movable parts are seen without clutter."""


@functools.cache
def _outfit(detail: bool) -> _Outfit:
    return _Outfit(
        materials=np.array([material.color for material in load_materials()]),
        emissions=np.array([material.emission for material in load_materials()]),
        here=np.array([not name.startswith(CLUTTER) for name in load_scenery(detail=detail).movable_names]),
    )


@compiled
def arrange(mesh, places, here, vertices, planes, spheres):
    """Puts movable parts where a look has them.

    Args:
        mesh: `jumppad_env.scenery.Mesh`, each part in the frame of its body.
        places: (P, 4): x, y, z (m) and yaw (rad).
        here: (P,) bool; the faces of other parts are seen by nobody.
        vertices: (V, 3) m, written to.
        planes: (F, 4), written to.
        spheres: (P, 4) m, written to.
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
                planes[face] = 0.0  # a plane that nobody is in front of
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
    """Finds the colors of all faces in a light.

    Args:
        planes: of the island (F, 4) and of the movable parts (G, 4).
        of_faces: (F + G,) int, their materials.
        materials: (M, 3), colors.
        emissions: (M,).
        light: (3, 3): the direction along which the sun shines, its strength, and that of what comes from everywhere.
        shades: (F + G, 6) float32, written to: in the shade, and what the sun adds.
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
