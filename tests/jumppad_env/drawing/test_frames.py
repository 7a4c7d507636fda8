"""Parts of a fast frame: sky, ground, blob shadow, culling, colors."""

import numpy as np
import pytest

from jumppad_env.drawing import Painter, frames, rasterizer
from jumppad_env.drawing.frames import SHADOW_HEIGHT, SHADOW_RADIUS
from jumppad_env.drawing.ground import CELLS, NO_FLOORS, height_below, load_heights
from jumppad_env.drawing.lanes import ROWS
from jumppad_env.drawing.looks import SKY, TEAM, make_look
from jumppad_env.drawing.rasterizer import SMALLEST
from jumppad_env.drawing.scenery import load_camera, load_scenery, load_sky
from jumppad_env.island import load_island
from jumppad_env.world import STATE
from jumppad_env.world.options import KINDS
from jumppad_env.world.state import CAMERA_TILT, GROUNDED, LOOK, VX, VY, YAW

CAMERA = np.array(load_camera())
HEIGHT, WIDTH = 64, 96
GRAY = 0x808080


@pytest.fixture(scope="module")
def look_from(from_python):
    """Returns the eye (4, 3) of the camera behind a place."""

    def look_from(place, yaw: float = 0.0, tilt: float = 0.0) -> np.ndarray:
        eye = np.empty((4, 3))
        from_python(rasterizer.aim)(CAMERA, np.array(place, float), yaw, tilt, HEIGHT, WIDTH, eye)
        return eye

    return look_from


def rays(eye: np.ndarray) -> np.ndarray:
    """Rays through the pixel centers (HEIGHT, WIDTH, 3), up to 1 m ahead."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    side, up = (2 * x / WIDTH - 1) * CAMERA[3], (1 - 2 * y / HEIGHT) * CAMERA[4]
    right, upward = (axis / np.linalg.norm(axis) for axis in eye[1:3])
    return eye[3] + side[..., None] * right + up[..., None] * upward


def test_the_sky_goes_from_the_horizon_up_by_its_formula(from_python, look_from):
    numbers = make_look((), 0, detail=False).numbers
    numbers[SKY] = np.random.default_rng(0).random(6)
    overhead, horizon = numbers[SKY].reshape(2, 3)
    pixels = np.empty((HEIGHT, WIDTH), np.uint32)
    for tilt in (-0.6, 0.0, 0.3):
        eye = look_from((1.0, 2.0, 3.0), 2.0, tilt)
        from_python(frames.paint_sky)(numbers, eye, pixels)
        part = np.clip(1.6 * rays(eye)[..., 2:], 0, 1)
        expected = 255 * (horizon + part * (overhead - horizon))
        shown = np.stack([pixels & 255, pixels >> 8 & 255, pixels >> 16], axis=-1)
        assert np.abs(shown - expected).max() <= 0.5 + 1e-9
        assert (pixels == pixels[:, :1]).all()
    assert np.allclose(make_look((), 0, detail=False).numbers[SKY].reshape(2, 3), load_sky())


def test_colors_are_packed_and_unpacked_and_light_above_white_is_white(from_python):
    generator = np.random.default_rng(1)
    colors = generator.uniform(0, 1.6, (6, 9, 3))
    pixels = np.array([[from_python(frames.pack)(*color) for color in row] for row in colors], np.uint32)
    out = np.empty((6, 9, 3), np.uint8)
    from_python(frames.unpack)(pixels, out)
    assert np.array_equal(out, np.floor(np.minimum(colors, 1) * 255 + 0.5))


@pytest.mark.parametrize("what", ["agents", "people", "looks"])
def test_only_what_is_out_of_view_or_too_small_is_passed_over(from_python, what):
    # The same frame once as it is drawn, and once with spheres so large that every part is in view.
    if what == "looks":
        look = make_look(KINDS, 3, detail=False)
        mesh = load_scenery(detail=False).movable._replace(
            vertices=look.vertices, planes=look.planes, spheres=look.spheres
        )
    else:
        mesh = load_scenery(detail=what == "people").island
    draw, generator = from_python(rasterizer.draw_mesh), np.random.default_rng(2)
    numbers = np.repeat(np.arange(len(mesh.spheres)), np.diff(mesh.part_faces.astype(int))).astype(np.uint32) + 1
    everything = mesh._replace(spheres=mesh.spheres + [0, 0, 0, 1e9])
    screen, outline, eye = np.empty((5, len(mesh.vertices))), np.empty((99, 2)), np.empty((4, 3))
    spans = np.empty((2, ROWS), np.int32)
    drawn, small = 0, 0
    for _ in range(60):
        height, width = (int(side) for side in generator.integers(16, 100, 2))
        place = (
            generator.uniform((-60, -40, -10), (60, 120, 25))
            if generator.random() < 0.5
            else mesh.spheres[generator.integers(len(mesh.spheres)), :3]
        )
        from_python(rasterizer.aim)(
            CAMERA, place, generator.uniform(-4, 4), generator.uniform(-0.6, 0.4), height, width, eye
        )
        pictures = []
        for given in (mesh, everything):
            depth, pixels = np.zeros((height, width), np.float32), np.zeros((height, width), np.uint32)
            draw(given, CAMERA[5], eye, numbers, screen, outline, spans, depth, pixels)
            pictures.append(pixels)
        drawn += len(np.unique(pictures[0]))
        for part in np.unique(pictures[1][pictures[0] != pictures[1]]).tolist():
            center, radius = mesh.spheres[part - 1, :3], mesh.spheres[part - 1, 3]
            ahead = eye[3] @ (center - eye[0])
            assert radius * np.linalg.norm(eye[1]) <= SMALLEST * ahead, "in pixels, as wide as it is seen"
            small += 1
    assert drawn > 5 * 60 or what == "looks"  # of which there are only few
    assert drawn > 2 * 60 and (small > 3 or what == "looks")


def test_heights_are_those_of_the_ground(from_python):
    below, ground = from_python(height_below), (load_heights(), NO_FLOORS)
    area, half = load_island().plaza
    generator = np.random.default_rng(3)
    grounds = {
        0.0: generator.uniform(area - half, area + half, (200, 3)),
        1.0: generator.uniform((-2.8, 12.5, 0), (2.8, 23.0, 0), (200, 3)),
        -1.5: np.concatenate([generator.uniform((side, 3, 0), (side + 4, 22, 0), (100, 3)) for side in (-16.0, 12.0)]),
    }
    grounds[1.0] = np.concatenate([grounds[1.0], generator.uniform((-1.5, 24, 0), (1.5, 46, 0), (200, 3))])
    for height, places in grounds.items():
        found = np.array([below(x, y, ground) for x, y, _ in places])
        assert np.abs(found - height).max() < 0.12, "planks and pads lie on it"
    for name, place in load_island().ways.items():
        step = 0.2 if name == "stairs" else 0.12
        assert below(*place[:2], ground) == pytest.approx(place[2], abs=step)


def test_stairs_go_up_from_the_plaza_to_the_neck(from_python):
    below, ground = from_python(height_below), (load_heights(), NO_FLOORS)
    steps = np.array([below(0.0, y, ground) for y in np.arange(5.5, 12.5, 0.05)])
    assert abs(steps[0]) < 0.1 and abs(steps[-1] - 1) < 0.1
    assert np.diff(steps).min() > -0.1 and 0.1 < np.diff(steps).max() < 0.4, "no hole, and no wall"
    assert len(np.unique(np.round(steps[(steps > 0.1) & (steps < 0.9)], 2))) >= 3


def test_there_is_no_ground_beyond_the_island_and_its_map(from_python):
    below, ground = from_python(height_below), (load_heights(), NO_FLOORS)
    for place in ((0.0, 56.0), (-18.5, -8.0), (19.0, 30.0), (500.0, 0.0), (-500.0, 0.0), (0.0, 500.0), (0.0, -500.0)):
        assert below(*place, ground) < -20


@pytest.fixture(scope="module")
def darken(from_python, look_from):
    """Darkens a gray ground below the horizon; returns the darkened pixels and the expected ones."""
    part = from_python(frames.darken)

    def darken(x: float, y: float, z: float, ground: float, yaw: float, tilt: float) -> tuple[np.ndarray, np.ndarray]:
        eye = look_from((x, y, z), yaw, tilt)
        ahead = rays(eye)
        with np.errstate(divide="ignore"):
            far = np.where(ahead[..., 2] < 0, (ground - eye[0, 2]) / ahead[..., 2], np.inf)
        depth = (1 / far).astype(np.float32)
        pixels = np.full(depth.shape, GRAY, np.uint32)
        heights = np.full(CELLS, ground, np.float32)
        part(x, y, z, (heights, NO_FLOORS), CAMERA[5], eye, depth, pixels)
        with np.errstate(invalid="ignore"):
            places = eye[0] + far[..., None] * ahead
        distance = np.hypot(places[..., 0] - x, places[..., 1] - y)
        distance[np.abs(distance - SHADOW_RADIUS) < 1e-3] = np.nan  # too close to call
        expected = np.where(np.isnan(distance), pixels != GRAY, distance < SHADOW_RADIUS)
        return pixels != GRAY, expected

    return darken


def test_a_jumping_characters_shadow_is_a_disc_on_the_ground_below(darken):
    generator, seen = np.random.default_rng(4), 0
    for _ in range(100):
        x, y, ground = generator.normal(size=3)
        yaw, jump = generator.uniform(-4, 4), generator.uniform(0, 2)
        darker, expected = darken(x, y, ground + jump, ground, yaw, generator.uniform(-0.6, 0.3))
        assert np.array_equal(darker, expected)
        seen += darker.sum() > 20
    assert seen > 40


@pytest.mark.parametrize("variety", ["none", "team"])
def test_a_frame_has_the_shadow_of_who_plays_and_of_the_team(variety):
    # Against a painter whose ground is too far below for any shadow.
    shadowed, plain = (Painter(HEIGHT, WIDTH, variety=variety) for _ in range(2))
    state, sizes, spread = np.zeros(len(STATE)), [], []
    state[[1, 2, CAMERA_TILT]] = -1.0, 0.5, -0.25  # a jump on the plaza
    plain.draw_one(state, "walker")
    (brush,) = plain._brushes
    brush._heights = np.full_like(brush._heights, -100)
    for look in range(8):
        state[LOOK] = look
        dark, light = (painter.draw_one(state, "walker").astype(int) for painter in (shadowed, plain))
        changed = (dark != light).any(axis=2)
        assert np.abs(dark - light * 5 / 8)[changed].max() <= 2, "five eighths of the light are left"
        sizes.append(changed.sum())
        spread.append(np.ptp(np.nonzero(changed)[1]))
    assert min(sizes) > 10
    assert (max(spread) > WIDTH / 3) == (variety == "team")
    for painter in (shadowed, plain):
        painter.close()


def test_who_is_far_above_the_ground_casts_no_shadow(from_python, look_from):
    eye = look_from((0.0, 0.0, 0.0), 0.0, -0.3)  # another camera, which sees the place below
    depth = (rays(eye)[..., 2] / -eye[0, 2]).clip(0).astype(np.float32)
    for height, dark in ((7.9, True), (8.1, False)):
        pixels = np.full(depth.shape, GRAY, np.uint32)
        heights = np.zeros(CELLS, np.float32)
        from_python(frames.darken)(0.0, 0.0, height, (heights, NO_FLOORS), CAMERA[5], eye, depth, pixels)
        assert (pixels != GRAY).any() == dark


def test_a_shadow_is_darker_by_three_eighths_and_lies_on_nothing_higher(from_python, look_from):
    eye = look_from((0.0, 0.0, 0.0), 0.0, -0.3)
    heights = np.zeros(CELLS, np.float32)
    ahead = rays(eye)
    for height, dark in ((0.0, True), (SHADOW_HEIGHT - 0.02, True), (SHADOW_HEIGHT + 0.02, False), (0.8, False)):
        depth = (ahead[..., 2] / (height - eye[0, 2])).clip(0).astype(np.float32)
        pixels = np.full(depth.shape, GRAY, np.uint32)
        from_python(frames.darken)(0.0, 0.0, 0.0, (heights, NO_FLOORS), CAMERA[5], eye, depth, pixels)
        assert set(np.unique(pixels).tolist()) == ({GRAY, 0x505050} if dark else {GRAY})


def test_team_mates_move_along_their_path_as_fast_as_they_say(from_python):
    place, states = from_python(frames.place_mate), np.empty((3, len(STATE)))
    moving = set()
    for seed in range(12):
        numbers = make_look(("team",), seed, detail=False).numbers
        for mate in range(TEAM):
            for steps in (3.0, 50.0, 211.5):
                for state, offset in zip(states, (-1e-3, 0.0, 1e-3), strict=True):
                    place(numbers, mate, steps + offset, state)
                before, state, after = states
                velocity = (after[:2] - before[:2]) / 2e-3 * 10  # control steps of 0.1 s
                assert np.allclose(velocity, state[[VX, VY]], atol=1e-5)
                assert state[GROUNDED] == 1 and state[2] == 0
                speed = np.hypot(*velocity)
                moving.add(bool(speed > 0))
                if speed > 0:
                    assert np.allclose(velocity, speed * np.array([-np.sin(state[YAW]), np.cos(state[YAW])]), atol=1e-5)
    assert moving == {True, False}
