"""Looks: what each kind of variety changes and what it does not, and that the track stays clear."""

import hashlib
import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jumppad_env.drawing import looks
from jumppad_env.drawing.frames import place_mate
from jumppad_env.drawing.looks import Look, make_look
from jumppad_env.drawing.scenery import CLUTTER, load_materials, load_model, load_scenery
from jumppad_env.drawing.shapes import geom_faces, rotation
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.world import STATE
from jumppad_env.world.options import KINDS, PAPER, VARIETIES, parse_variety
from jumppad_env.world.state import VX, VY, YAW

MANY = 300
CHANGES = {
    "character": {"player", "tint"},
    "team": {"team-mates", "tints of others", "paths"},
    "hud": {"panels", "counters"},
    "shake": {"shake"},
    "weather": {"sun", "everywhere", "sky", "island's shades", "landmarks' shades", "clutter's shades"},
    "light": {"direction", "sun", "everywhere", "sky", "island's shades", "landmarks' shades", "clutter's shades"},
    "colors": {"island's shades", "landmarks' shades", "clutter's shades"},
    "landmarks": {"landmarks", "landmarks' shades"},
    "clutter": {"clutter", "clutter's shades"},
    "camera": {"camera"},
}
"""Everything that each kind changes."""
SCENERY = load_scenery(detail=False)
ISLAND = load_island()
BODY = float(ISLAND.model.geom("hull").size[0])
"""m, half the width of a character."""
WAYS = [(spawn, ISLAND.ways["stairs"]) for spawn in ISLAND.spawns]
WAYS += itertools.pairwise(ISLAND.ways[name] for name in ("stairs", "neck_in", "neck_out"))
for _name, _pad in zip(("left", "middle", "right"), ISLAND.pads, strict=True):
    WAYS += itertools.pairwise([*(ISLAND.ways[way] for way in ("neck_out", f"{_name}_in", f"{_name}_out")), _pad])


@pytest.fixture(scope="module")
def high() -> list[Look]:
    """Many looks with everything."""
    return [make_look(KINDS, number, detail=False) for number in range(MANY)]


def parts(look: Look) -> dict[str, bytes]:
    """All parts of a look, by name."""
    numbers, mesh = look.numbers, SCENERY.movable
    assert np.array_equal(np.sort(_covered()), np.arange(looks.NUMBERS)), "a number that no part below has"
    result: dict[str, Any] = {
        "camera": numbers[looks.CAMERA],
        "direction": numbers[looks.LIGHT][:3],
        "sun": numbers[looks.LIGHT][3:6],
        "everywhere": numbers[looks.LIGHT][6:],
        "sky": numbers[looks.SKY],
        "shake": numbers[looks.SHAKE],
        "tint": numbers[looks.TINTS][:3],
        "tints of others": numbers[looks.TINTS][3:],
        "player": numbers[looks.WHO][:1],
        "team-mates": numbers[looks.WHO][1:],
        "paths": numbers[looks.PATHS],
        "panels": look.hud.boxes,
        "counters": look.hud.numbers,
    }
    still = len(SCENERY.island.planes)
    result["island's shades"] = look.shades[:still]
    for name, prefix in (("landmarks", "landmark_"), ("clutter", CLUTTER)):
        own = np.array([body.startswith(prefix) for body in SCENERY.movable_names])
        vertices = np.repeat(own, np.diff(mesh.part_vertices.astype(int)))
        faces = np.repeat(own, np.diff(mesh.part_faces.astype(int)))
        shape = [look.vertices[vertices], look.planes[faces], look.spheres[own]]
        result[name] = np.concatenate([array.ravel() for array in shape])
        result[f"{name}' shades".replace("clutter'", "clutter's")] = look.shades[still:][faces]
    return {name: array.tobytes() for name, array in result.items()}


def _covered() -> np.ndarray:
    slices = (looks.CAMERA, looks.LIGHT, looks.SKY, looks.SHAKE, looks.TINTS, looks.WHO, looks.PATHS)
    return np.concatenate([np.arange(looks.NUMBERS)[own] for own in slices])


def changed(one: Look, other: Look) -> set[str]:
    ours, theirs = parts(one), parts(other)
    return {name for name in ours if ours[name] != theirs[name]}


def digest(detail: bool = False) -> str:
    result = hashlib.sha256()
    for number in (0, 7, 2**32 - 1):
        numbers, shades, vertices, planes, spheres, hud, *_ = make_look(KINDS, number, detail=detail)
        for array in (numbers, shades, vertices, planes, spheres, *hud):
            result.update(array.tobytes())
    return result.hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_changes_its_own_part_and_nothing_else(kind):
    plain = make_look((), 0, detail=False)
    for number in range(20):
        assert changed(plain, make_look((kind,), number, detail=False)) == CHANGES[kind], number


def test_without_a_kind_all_numbers_look_alike():
    assert not changed(make_look((), 0, detail=False), make_look((), 99, detail=False))


@pytest.mark.parametrize("kind", KINDS)
def test_enabling_a_kind_does_not_change_the_others(kind):
    others = tuple(other for other in KINDS if other != kind)
    for number in range(5):
        everything = make_look(KINDS, number, detail=False)
        assert changed(everything, make_look(others, number, detail=False)) == CHANGES[kind]
        alone = make_look((kind,), number, detail=False)
        for other in others:
            both = make_look(parse_variety((kind, other)), number, detail=False)
            assert changed(alone, both) <= CHANGES[other], other


def test_the_same_number_is_the_same_look_and_others_are_others():
    for kind in KINDS:
        seen = {tuple(parts(make_look((kind,), number, detail=False)).values()) for number in range(20)}
        assert len(seen) == 20, kind
    assert digest() == digest() and digest(detail=True) == digest(detail=True)


def test_another_process_samples_the_same_looks():
    program = "from tests.jumppad_env.drawing.test_looks import digest; print(digest(), digest(detail=True))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.split() == [digest(), digest(detail=True)]


def test_the_order_of_the_kinds_does_not_matter():
    one, other = (make_look(kinds, 3, detail=False) for kinds in (KINDS, KINDS[::-1]))
    assert not changed(one, other)


def test_detail_changes_nothing_else():
    for number in range(10):
        fast, fine = (make_look(KINDS, number, detail=detail) for detail in (False, True))
        assert np.array_equal(fast.numbers, fine.numbers)
        assert all(map(np.array_equal, fast.hud, fine.hud))
        there = [
            np.logical_or.reduceat(look.planes.any(axis=1), load_scenery(detail=detail).movable.part_faces[:-1])
            for look, detail in ((fast, False), (fine, True))
        ]
        assert there[0].tolist() == there[1].tolist()


def test_names_of_varieties_and_kinds():
    assert set(CHANGES) == set(KINDS) and VARIETIES == {"none": (), "paper": PAPER, "high": KINDS}
    assert parse_variety("none") == () and parse_variety("paper") == PAPER and parse_variety("high") == KINDS
    for kind in KINDS:
        assert parse_variety(kind) == parse_variety([kind]) == parse_variety((kind, kind)) == (kind,)
    assert parse_variety(["camera", "hud"]) == parse_variety(("hud", "camera")) == ("hud", "camera")
    assert parse_variety(()) == parse_variety([]) == ()


@pytest.mark.parametrize(
    "variety",
    [3, True, None, "", "High", b"hud", {}, {"hud": 1}, {"hud"}, [""], ["hud", 3], [["hud"]], ("high", "hud"), 1.5]
    + [np.array(["hud"]), np.zeros(2), iter(["hud"])],
    ids=lambda variety: type(variety).__name__,  # a text without an address, equal in every process
)
def test_invalid_varieties_are_one_error_that_names_the_choices(variety):
    with pytest.raises(ValueError, match=f"^{re.escape(f'variety={variety!r}')} is unknown; choose one of ") as caught:
        parse_variety(variety)
    assert "\n" not in str(caught.value)
    assert all(repr(name) in str(caught.value) for name in (*VARIETIES, *KINDS))


def test_all_numbers_of_many_looks_make_sense(high):
    for number, look in enumerate(high):
        for array in (look.numbers, look.shades, look.vertices, look.planes, look.spheres, *look.hud):
            assert np.isfinite(array).all(), number
        light, sky = look.numbers[looks.LIGHT].reshape(3, 3), look.numbers[looks.SKY]
        assert np.linalg.norm(light[0]) == pytest.approx(1) and light[0, 2] < -0.3, "the sun shines from above"
        assert (light[1:] > 0).all() and (light[1:] < 1.2).all()
        assert (sky >= 0).all() and (sky <= 1).all()
        assert (look.shades >= 0).all() and look.shades.max() < 3
        assert (look.numbers[looks.TINTS] > 0.5).all() and (look.numbers[looks.TINTS] < 1.5).all()
        assert look.hud.boxes[:, 4:7].min() >= 0 and look.hud.boxes[:, 4:7].max() <= 255
        assert look.hud.boxes[:, 7].min() >= 0 and look.hud.boxes[:, 7].max() <= 1


def test_other_colors_are_colors():
    plain = np.array([material.color for material in load_materials()])
    for number in range(MANY):
        colors = looks._recolor(np.random.default_rng(number))
        assert colors.min() >= 0 and colors.max() <= 1
        assert (colors != plain).any(axis=1).mean() > 0.8


def test_families_are_of_materials_and_share_none():
    listed = [name for family in looks.FAMILIES for name in family]
    assert len(listed) == len(set(listed)) and set(listed) <= {material.name for material in load_materials()}


def test_no_look_puts_a_character_without_board_on_one(high):
    who = np.array([look.numbers[looks.WHO] for look in high]).astype(int)
    # The player's character may be mounted, and so may any team-mate.
    riders = [index for index, character in enumerate(CHARACTERS.values()) if character.has_board]
    for column in who.T:
        assert set(column) == set(riders)


def mate_states(look: Look, steps: np.ndarray) -> np.ndarray:
    """States of the team (TEAM, steps, len(STATE))."""
    states = np.empty((looks.TEAM, len(steps), len(STATE)))
    for mate, index in np.ndindex(states.shape[:2]):
        place_mate.py_func(look.numbers, mate, steps[index], states[mate, index])
    return states


def test_the_team_stays_on_the_plaza_and_off_the_spawn_points(high):
    center, half = ISLAND.plaza
    moved, turned = [], []
    for look in high[::3]:
        states = mate_states(look, np.arange(0.0, 100.0, 3.0))
        places = states[..., :2]
        assert (np.abs(places - center[:2]) <= half[:2]).all()
        distances = np.linalg.norm(places[:, :, None] - ISLAND.spawns[None, None, :, :2], axis=-1)
        assert distances.min() >= 0.5
        moved += np.ptp(places, axis=1).max(axis=1).tolist()
        turned += np.ptp(states[..., YAW], axis=1).tolist()
    assert 0.4 < np.mean(np.array(moved) > 0.3) < 0.8, "some walk about, some stand"
    assert min(turned) > 0.1, "and no team-mate is a statue"


def test_team_mates_face_their_movement(high):
    for look in high[:20]:
        before, now, after = (mate_states(look, np.array([50.0 + shift]))[:, 0] for shift in (-1e-4, 0.0, 1e-4))
        velocity = 10 * (after[:, :2] - before[:, :2]) / 2e-4  # ten steps a second
        assert np.allclose(velocity, now[:, [VX, VY]], atol=1e-5)
        moves = np.linalg.norm(velocity, axis=1) > 0.1
        yaw = now[:, YAW]
        ahead = np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
        speed = np.linalg.norm(velocity, axis=1)
        assert np.allclose(np.sum(ahead * velocity, axis=1)[moves], speed[moves])


def own_vertices(look: Look, index: int) -> np.ndarray:
    """Vertices (n, 3) of one movable part; none if it is not there."""
    mesh = SCENERY.movable
    if not look.planes[mesh.part_faces[index] : mesh.part_faces[index + 1]].any():
        return np.empty((0, 3))
    return look.vertices[mesh.part_vertices[index] : mesh.part_vertices[index + 1]]


def test_clutter_leaves_the_width_of_a_character_free_on_the_track(high):
    starts = np.array([start[:2] for start, _ in WAYS])
    along = np.array([end[:2] for _, end in WAYS]) - starts
    foot = np.concatenate([pad_corners(name) for name in PADS])
    spots, kinds = set(), set()
    for look in high:
        for index, name in enumerate(SCENERY.movable_names):
            vertices = own_vertices(look, index)[:, :2]
            if not name.startswith(CLUTTER) or not len(vertices):
                continue
            # A circle holds it, whichever way it is turned.
            center = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
            radius = np.linalg.norm(vertices - center, axis=1).max()
            spot = int(np.linalg.norm(SCENERY.spots[:, :2] - center, axis=1).argmin())
            where = f"{name} on clutter_spot_{spot}"
            part = np.clip(np.sum((center - starts) * along, axis=-1) / np.sum(along**2, axis=-1), 0, 1)
            assert np.linalg.norm(center - starts - part[:, None] * along, axis=1).min() > radius + 2 * BODY, where
            places = np.concatenate([ISLAND.spawns[:, :2], foot])
            assert np.linalg.norm(places - center, axis=1).min() > radius + 2 * BODY, where
            spots.add(spot)
            kinds.add(name)
    assert len(spots) == len(SCENERY.spots) and len(kinds) == 10


def pad_corners(pad: str) -> np.ndarray:
    """Corners and midpoints of the sides (n, 2) m of a pad's ramp, from above."""
    geom = load_model("rider").geom(f"pad_{pad}").id
    points = np.concatenate(geom_faces(load_model("rider"), geom))
    placed = points @ rotation(load_model("rider").geom_quat[geom]).T + load_model("rider").geom_pos[geom]
    return np.concatenate([placed[:, :2], (placed[:, None, :2] + placed[None, :, :2]).reshape(-1, 2) / 2])


def test_clutter_is_sometimes_there(high):
    here = np.array(
        [
            [len(own_vertices(look, index)) > 0 for index, name in enumerate(SCENERY.movable_names) if name[0] == "c"]
            for look in high
        ]
    )
    assert here.shape == (MANY, 10)
    assert (0.6 < here.mean(axis=0)).all() and (here.mean(axis=0) < 0.9).all()


def test_landmarks_stay_beyond_the_chasm_and_on_the_cliff(high):
    cliff = float(ISLAND.landings[:, 2].min())
    for look in high:
        for index, name in enumerate(SCENERY.movable_names):
            if name.startswith("landmark_"):
                vertices = own_vertices(look, index)
                assert vertices[:, 1].min() > 60, name
                assert vertices[:, 2].min() > cliff - 0.2, name


def test_landmarks_leave_the_landing_places_free(high):
    for look in high:
        for index, name in enumerate(SCENERY.movable_names):
            if name.startswith("landmark_"):
                vertices = own_vertices(look, index)
                feet = vertices[
                    vertices[:, 2] < ISLAND.landings[:, 2].max() + 2
                ]  # booms hang higher than people are tall
                if len(feet):
                    least, most = feet[:, :2].min(axis=0) - BODY, feet[:, :2].max(axis=0) + BODY
                    places = ISLAND.landings[:, :2]
                    assert not ((places > least) & (places < most)).all(axis=1).any(), name


def lab(colors: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of sRGB colors (..., 3), 0 to 1, whose distances are roughly perceptual."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.moveaxis(np.cbrt(linear @ to_xyz.T / [0.95047, 1.0, 1.08883]), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def test_pads_are_distinguishable_from_the_ground(high):
    names = np.array([material.name for material in load_materials()])[SCENERY.materials]
    still = np.arange(len(names)) < len(SCENERY.island.planes)
    up = np.zeros(len(names), np.bool_)
    up[still] = SCENERY.island.planes[:, 2] > 0.5
    contrasts = []
    for look in high:
        colors = lab(np.minimum(look.shades[:, :3] + look.shades[:, 3:], 1.0).astype(np.float64))
        ramps, ground = colors[up & (names == "ramp")], colors[up & np.isin(names, ("grass", "path"))]
        contrasts.append(np.linalg.norm(ramps[:, None] - ground[None], axis=-1).min())
    assert len(ramps) and len(ground)
    assert np.mean(np.array(contrasts) < 15) <= 0.02, "15 is seen at a glance, 2 hardly"
    assert min(contrasts) > 5


def test_parts_are_placed_and_rotated_by_the_look():
    mesh, generator = SCENERY.movable, np.random.default_rng(0)
    places = generator.uniform((-50, 60, 0, -3), (50, 120, 5, 3), (len(mesh.spheres), 4))
    here = generator.random(len(places)) < 0.7
    vertices, planes, spheres = (np.full_like(array, np.nan) for array in (mesh.vertices, mesh.planes, mesh.spheres))
    looks.arrange(mesh, places, here, vertices, planes, spheres)
    for part, (*place, yaw) in enumerate(places):
        turned = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        own = slice(*mesh.part_vertices[part : part + 2].tolist())
        assert np.allclose(vertices[own], mesh.vertices[own] @ turned.T + place)
        assert np.allclose(spheres[part, :3], turned @ mesh.spheres[part, :3] + place)
        assert spheres[part, 3] == mesh.spheres[part, 3]
        for face in range(*mesh.part_faces[part : part + 2].tolist()):
            if not here[part]:
                assert not planes[face].any(), "no point is in front of it"
                continue
            assert np.allclose(planes[face, :3], turned @ mesh.planes[face, :3])
            corners = vertices[mesh.corners[mesh.faces[face] : mesh.faces[face + 1]]]
            assert np.allclose(corners @ planes[face, :3], planes[face, 3]), "all corners lie in the plane"


def test_each_kind_of_each_look_has_a_stream_of_its_own():
    drawn = {(seed, kind): looks._Streams(seed).of(kind).random(3) for seed in (0, 1, 2**32 - 1) for kind in KINDS}
    assert len({array.tobytes() for array in drawn.values()}) == len(drawn)
    streams = looks._Streams(1)
    streams.of("light").random(7)
    assert np.array_equal(streams.of("team").random(3), drawn[1, "team"]), "whatever was drawn before"
