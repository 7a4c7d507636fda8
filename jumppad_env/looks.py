"""Looks: visual variety, drawn per episode from one number.

A look never touches the physics, so a stored trajectory can be redrawn under another one. The state carries the number
(column `look`), and each kind of variety draws from a stream of its own: switching one on shifts no other, and the same
number and kinds are the same pixels.
"""

from __future__ import annotations

import colorsys
import functools
from typing import NamedTuple

import numpy as np

from jumppad_env.hud import Hud, make_hud, no_hud
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.scenery import CLUTTER, LANDMARK, load_camera, load_light, load_materials, load_scenery, load_sky
from jumppad_env.streams import stream

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
    generators = {kind: stream(seed, kind) for kind in kinds}
    numbers = np.zeros(NUMBERS)
    numbers[CAMERA] = load_camera()
    numbers[LIGHT] = np.concatenate(load_light())
    numbers[SKY] = load_sky().ravel()
    numbers[TINTS] = 1.0
    numbers[WHO] = -1.0
    hud = no_hud()
    materials = np.array([material.color for material in load_materials()])
    scenery = load_scenery(detail=detail)
    places = scenery.places.copy()
    here = np.array([not name.startswith(CLUTTER) for name in scenery.movable_names])
    if "camera" in generators:
        _move_camera(generators["camera"], numbers)
    if "light" in generators:
        _change_time_of_day(generators["light"], numbers)
    if "weather" in generators:
        _change_weather(generators["weather"], numbers)
    if "shake" in generators:
        own = generators["shake"]
        numbers[SHAKE] = (own.uniform(0.004, 0.010), *own.uniform(1.2, 2.6, 2), *own.uniform(0, 2 * np.pi, 2))
    if "character" in generators:
        own = generators["character"]
        numbers[WHO.start] = own.choice(RIDERS)
        numbers[TINTS][:3] = own.uniform(0.7, 1.15, 3)
    if "team" in generators:
        _gather_team(generators["team"], numbers)
    if "hud" in generators:
        own = generators["hud"]
        red, green, blue = colorsys.hsv_to_rgb(own.uniform(0.45, 0.6), own.uniform(0.5, 0.8), own.uniform(0.35, 0.6))
        color = np.array([red, green, blue])
        hud = make_hud(color, own.integers(0, 10, 2), float(own.integers(20, 100)))
    if "colors" in generators:
        materials = _recolor(generators["colors"])
    if "landmarks" in generators:
        _move_landmarks(generators["landmarks"], places)
    if "clutter" in generators:
        here |= _scatter_clutter(generators["clutter"], places)
    light = numbers[LIGHT].reshape(3, 3)
    return Look(numbers, _light_up(materials, places, light, detail), *_move(places, here, detail), hud)


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


def _turned(vectors: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """Returns vectors (n, 3) turned about the vertical, each by its yaw (n,)."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y, z = vectors.T
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=1)


@functools.cache
def _owners(detail: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns parts of the movable vertices and faces, and colors, emissions and normals of all faces."""
    scenery, materials = load_scenery(detail=detail), load_materials()
    mesh = scenery.movable
    count = np.arange(len(mesh.spheres))
    emissions = np.array([material.emission for material in materials])[scenery.materials]
    normals = np.concatenate([scenery.island.planes[:, :3], mesh.planes[:, :3]])
    return (
        np.repeat(count, np.diff(mesh.part_vertices.astype(int))),
        np.repeat(count, np.diff(mesh.part_faces.astype(int))),
        scenery.materials,
        emissions,
        normals,
    )


def _light_up(materials: np.ndarray, places: np.ndarray, light: np.ndarray, detail: bool) -> np.ndarray:
    """Returns the scenery's colors (F, 6) float32 in a light (3, 3): direction, of the sun, from everywhere."""
    _, face_parts, of_faces, emissions, normals = _owners(detail)
    still = len(normals) - len(face_parts)
    normals = np.concatenate([normals[:still], _turned(normals[still:], places[face_parts, 3])])
    colors = materials[of_faces]
    shade = np.maximum(-(normals @ light[0]), 0.0)
    result = np.empty((len(colors), 6), np.float32)
    result[:, :3] = colors * (light[2] + emissions[:, None])
    result[:, 3:] = colors * light[1] * shade[:, None]
    return result


def _move(places: np.ndarray, here: np.ndarray, detail: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns vertices, planes and spheres of the movable parts at their places (P, 4), where they are `here` (P,)."""
    mesh = load_scenery(detail=detail).movable
    vertex_parts, face_parts = _owners(detail)[:2]
    vertices = _turned(mesh.vertices, places[vertex_parts, 3]) + places[vertex_parts, :3]
    planes = np.empty_like(mesh.planes)
    planes[:, :3] = _turned(mesh.planes[:, :3], places[face_parts, 3])
    planes[:, 3] = mesh.planes[:, 3] + (planes[:, :3] * places[face_parts, :3]).sum(axis=1)
    planes[~here[face_parts]] = 0.0
    spheres = mesh.spheres.copy()
    spheres[:, :3] = _turned(spheres[:, :3], places[:, 3]) + places[:, :3]
    return vertices, planes, spheres
