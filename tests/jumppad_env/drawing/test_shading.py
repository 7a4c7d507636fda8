"""Fine frames: sun and shadows, sky and haze, outlines, and the same picture at any number of threads."""

import numpy as np
import pytest

from jumppad_env.drawing import Painter, shading
from jumppad_env.drawing.looks import LIGHT, SKY, make_look
from jumppad_env.drawing.rasterizer import aim, draw_flat
from jumppad_env.drawing.scenery import load_camera, load_light, load_scenery, make_mesh
from jumppad_env.drawing.shading import (
    BIAS,
    HAZE,
    SUN_CENTER,
    SUN_MAP,
    SUN_SIDE,
    load_clouds,
    seen_by_sun,
    shade,
    sun_on,
)
from jumppad_env.world import STATE, World

SIZE = (54, 90)
ROWS, COLUMNS, SIDE = 96, 64, 6.0


def directions() -> list[np.ndarray]:
    """Directions of sunlight: the MJCF's, and those of many looks."""
    looks = (make_look(("light",), seed, detail=True).numbers for seed in range(30))
    return [load_light().direction, *(numbers[LIGHT][:3] for numbers in looks)]


def standing(position=(0.0, 0.0, 0.0), **columns: float) -> np.ndarray:
    world = World(1)
    world.place(0, "rider", np.array(position))
    state = world.get_state(0)
    for name, value in columns.items():
        state[STATE.index(name)] = value
    return state


def test_the_sun_sees_along_axes_at_right_angles():
    for direction in directions():
        axes = seen_by_sun(direction, np.array(SUN_CENTER), SIDE, ROWS, COLUMNS)
        right, down, toward = axes[:, :3]
        scale = ROWS / (2 * SIDE)
        turned = np.array([right / scale, -down / scale, toward])
        assert np.allclose(turned @ turned.T, np.eye(3)) and np.linalg.det(turned) == pytest.approx(1)
        assert np.allclose(toward, -direction / np.linalg.norm(direction)), "what is nearer to the sun has more depth"
        assert down[1] <= 0, "y is up on the map"


def test_the_suns_map_has_its_center_in_the_middle_and_meters_in_its_depth():
    generator = np.random.default_rng(0)
    for direction in directions():
        center = generator.normal(size=3)
        axes = seen_by_sun(direction, center, SIDE, ROWS, COLUMNS)
        assert np.allclose(axes @ [*center, 1], [COLUMNS / 2, ROWS / 2, 0])
        nearer = center - 2.5 * direction / np.linalg.norm(direction)
        assert np.allclose(axes @ [*nearer, 1], [COLUMNS / 2, ROWS / 2, 2.5])


def test_the_shadow_map_covers_the_whole_track():
    shown = load_scenery(detail=True)
    axes = seen_by_sun(load_light().direction, np.array(SUN_CENTER), SUN_SIDE, *SUN_MAP)
    for place in [(-8, -6, 0), (8, -6, 0), (0, 50, 1), (-12, 40, 1), (12, 40, 1), *shown.spots]:
        column, row, _ = axes @ [*place, 1]
        assert 0 < column < SUN_MAP[1] and 0 < row < SUN_MAP[0]


def test_the_length_of_a_walls_shadow_follows_from_the_suns_elevation():
    # A wall 1 m high from -3 to 3 along y, sun from behind it at an elevation whose shadow is `length` long.
    ground = np.array([(-5.0, -5.0, 0.0), (5.0, -5.0, 0.0), (5.0, 5.0, 0.0), (-5.0, 5.0, 0.0)])
    wall = np.array([(0.0, -3.0, 0.0), (0.0, -3.0, 1.0), (0.0, 3.0, 1.0), (0.0, 3.0, 0.0)])  # looks toward the sun
    mesh = make_mesh([[ground, wall]])
    for length in (0.5, 1.0, 2.5):
        axes = seen_by_sun(np.array([length, 0.0, -1.0]), np.zeros(3), 6.0, 480, 480)
        lit = np.full((480, 480), -1e9, np.float32)
        unused = np.empty(lit.shape, np.uint32)
        draw_flat(mesh.vertices, mesh.faces, mesh.corners, mesh.planes, 0, 2, axes, np.empty((16, 2)), lit, unused)
        for y in (-2.5, 0.0, 1.7):
            assert sun_on(0.5 * length, y, 0.0, BIAS, axes, lit) == 0
            assert sun_on(1.1 * length, y, 0.0, BIAS, axes, lit) == 1
            assert sun_on(-0.3, y, 0.0, BIAS, axes, lit) == 1, "before the wall"
            assert sun_on(0.1 * length, y, 1.0, BIAS, axes, lit) == 1, "above the shadow"
            assert sun_on(0.5 * length, y, 0.25, BIAS, axes, lit) == 0, "below its upper edge"
        assert sun_on(0.5 * length, 3.5, 0.0, BIAS, axes, lit) == 1, "beside the wall"
        assert sun_on(0.5 * length, 900.0, 0.0, BIAS, axes, lit) == 1, "what the map does not show is in the sun"


def test_the_edge_of_a_shadow_is_soft_by_its_formula():
    # The map counts at the middle of its cells, and in between in parts.
    axes = np.eye(3, 4)
    lit = np.array([[-9, 9, -9], [-9, -9, -9], [9, 9, 9]], np.float32)
    generator = np.random.default_rng(3)
    for u, v in generator.uniform(0.5, 2.5, (100, 2)):
        right, down = u - 0.5 - int(u - 0.5), v - 0.5 - int(v - 0.5)
        corners = (lit < 0)[int(v - 0.5) : int(v - 0.5) + 2, int(u - 0.5) : int(u - 0.5) + 2]
        expected = np.sum(np.outer([1 - down, down], [1 - right, right]) * corners)
        assert sun_on(u, v, 0.0, BIAS, axes, lit) == pytest.approx(expected)
    assert sun_on(1.5, 2.5 - 1e-9, 0.0, BIAS, axes, lit) < 1e-6 and sun_on(0.5, 1.5, 0.0, BIAS, axes, lit) == 1


@pytest.fixture(scope="module")
def sun_of_the_island():
    """Projection and shadow map of the MJCF's sun."""
    painter = Painter(8, 8, fine=True)
    painter.draw_one(standing(), "rider")
    yield painter._brushes[0]._sun_map(0, painter._wardrobe.looks, 0.0)
    painter.close()


def test_the_plaza_is_in_the_sun_and_the_foot_of_its_wall_in_the_shade(sun_of_the_island):
    axes, lit = sun_of_the_island
    direction = load_light().direction
    for x in (-5.0, -4.0, -3.0, -2.0, 2.0, 3.0, 4.0, 5.0):  # in the middle there is iron on the planks
        assert sun_on(x, 1.0, 0.05, BIAS, axes, lit) == 1
    for x in (-3.0, -2.0, 0.0, 2.0, 3.0):
        # The sun comes over the wall at the back, 1 m high, its inner side at y = -5.75.
        reach = direction[1] / -direction[2]
        assert sun_on(x, -5.75 + 0.5 * reach, 0.02, BIAS, axes, lit) == 0
        assert sun_on(x, -5.75 + 1.6 * reach, 0.05, BIAS, axes, lit) == 1
    assert sun_on(0.0, 16.0, 1.02, BIAS, axes, lit) == 1 and sun_on(0.0, 16.0, -3.0, BIAS, axes, lit) == 0


def test_lit_surfaces_do_not_shadow_themselves(sun_of_the_island):
    # Every face that looks toward the sun, at its middle: in the sun, unless another one is above.
    axes, lit = sun_of_the_island
    mesh = load_scenery(detail=True).island
    shares = []
    for face, plane in enumerate(mesh.planes):
        if plane[:3] @ load_light().direction < -0.3:
            middle = mesh.vertices[mesh.corners[mesh.faces[face] : mesh.faces[face + 1]]].mean(axis=0)
            column, row, height = axes @ [*middle, 1]
            if 1 < column < SUN_MAP[1] - 2 and 1 < row < SUN_MAP[0] - 2:
                nearest = lit[int(row - 0.5) : int(row - 0.5) + 2, int(column - 0.5) : int(column - 0.5) + 2]
                share = sun_on(*middle, BIAS, axes, lit)
                assert (share == 1) == bool((nearest < height + BIAS).all())
                shares.append(share)
    assert len(shares) > 300 and np.mean(shares) > 0.5


@pytest.fixture(scope="module")
def fine_frames():
    """A painter of fine frames."""
    painter = Painter(*SIZE, fine=True, variety="high")
    yield painter
    painter.close()


def test_bands_of_a_frame_are_the_frame_to_the_bit(fine_frames):
    states = [standing(look=7.0), standing((0.0, 26.0, 1.0), look=8.0, flight_left=1.0, camera_tilt=0.2, steps=9.0)]
    whole = [fine_frames.draw_one(state, "rider") for state in states]
    brush = fine_frames._brushes[0]
    for parts in (2, 3, SIZE[0]):
        edges = [SIZE[0] * part // parts for part in range(parts + 1)]

        def share(work, count, edges=edges) -> None:
            assert count == SIZE[0]
            for first, end in reversed(list(zip(edges[:-1], edges[1:], strict=True))):
                work(first, end)

        for state, expected in zip(states, whole, strict=True):
            out = np.zeros((1, *SIZE, 3), np.uint8)
            slots = fine_frames._wardrobe.slots(state[None], np.array([0]))
            brush.draw(np.array([0]), state[None], np.array([0]), slots, fine_frames._wardrobe, out, share)
            assert np.array_equal(out[0], expected)


@pytest.mark.parametrize("threads", [2, 3])
def test_a_frame_for_people_is_the_same_however_many_threads_shade_it(fine_frames, threads):
    several = Painter(*SIZE, fine=True, variety="high", threads=threads)
    states = [standing(look=7.0), standing((0.0, 26.0, 1.0), look=8.0, camera_tilt=0.2)]
    batch = np.zeros((2, *SIZE, 3), np.uint8)
    several.draw(np.stack(states), ["rider", "mystic"], batch)
    for index, (state, name) in enumerate(zip(states, ("rider", "mystic"), strict=True)):
        frame = fine_frames.draw_one(state, name)
        assert np.array_equal(several.draw_one(state, name), frame)
        assert np.array_equal(batch[index], frame)
    several.close()


def test_shadows_of_one_look_never_appear_in_another(fine_frames):
    # The sun's map is drawn again when the look changes, and only then.
    states = [standing(look=float(look)) for look in (1, 2, 1, 3, 2)]
    frames = [fine_frames.draw_one(state, "rider") for state in states]
    for state, frame in zip(states, frames, strict=True):
        alone = Painter(*SIZE, fine=True, variety="high")
        assert np.array_equal(alone.draw_one(state, "rider"), frame)
        alone.close()


def test_team_shadows_move_and_leave_no_trace_on_the_shadow_map():
    painters = {variety: Painter(180, 300, fine=True, variety=variety) for variety in ("none", "team")}
    shaded = 0
    for look, steps in ((11, 0), (11, 40), (12, 0), (11, 0)):
        state = standing((0.0, -1.0, 0.0), look=float(look), steps=float(steps))
        alone, among = (painter.draw_one(state, "walker").astype(int) for painter in painters.values())
        faces = [painter._brushes[0]._scratch.pixels.reshape(180, 2, 300, 2) for painter in painters.values()]
        bare = (faces[0] == faces[1]).all(axis=(1, 3))  # shows the same with the team and without
        assert (among <= alone)[bare].all(), "they shade only the ground"
        shaded += np.count_nonzero((among < alone - 10).all(axis=2) & bare)
        fresh = Painter(180, 300, fine=True, variety="team")
        assert np.array_equal(fresh.draw_one(state, "walker"), among)
        fresh.close()
    assert shaded > 200
    for painter in painters.values():
        painter.close()


def test_people_see_shadows_edges_and_patterns_where_agents_see_flat_colors():
    state = standing((0, 13.0, 1.0))
    painters = [Painter(90, 150, fine=fine) for fine in (True, False)]
    smooth, plain = (painter.draw_one(state, "rider") for painter in painters)
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > 5 * len(np.unique(plain.reshape(-1, 3), axis=0))
    # By and large it is the same picture: blocks of it have about the same color.
    blocks = [frame.reshape(9, 10, 15, 10, 3).mean(axis=(1, 3)) for frame in (smooth, plain)]
    assert np.abs(blocks[0] - blocks[1]).mean() < 20
    for painter in painters:
        painter.close()


def test_clouds_go_all_round_without_a_seam_and_not_below_the_horizon(from_python):
    clouds, cloud = load_clouds(), from_python(shading.cloud)
    assert clouds.shape == shading.CLOUDS and clouds.min() == 0 and 0.5 < clouds.max() <= 0.75
    for bearing in np.linspace(-np.pi, np.pi, 50):
        assert cloud(clouds, bearing, 0.0) == 0 and cloud(clouds, bearing, -0.4) == 0
        assert cloud(clouds, bearing, 50.0) <= clouds.max()
    for rise in np.linspace(0, 1.2, 20):
        seam = [cloud(clouds, bearing, rise) for bearing in (np.pi - 1e-3, -np.pi + 1e-3)]
        assert seam[0] == pytest.approx(seam[1], abs=0.02)


class Canvas:
    """Inputs of `shade` for one face, with light from above; 20 x 32 pixels."""

    def __init__(self, from_python) -> None:
        self.numbers = make_look((), 0, detail=True).numbers
        self.overhead, self.horizon = self.numbers[SKY].reshape(2, 3)
        self.eye = np.empty((4, 3))
        camera = np.array(load_camera())
        from_python(aim)(camera, np.zeros(3), 0.3, 0.2, 20, 32, self.eye)
        self.half = camera[3:5]
        self.axes = seen_by_sun(np.array([0.0, 0.0, -1.0]), np.zeros(3), 20.0, 40, 40)
        self.open, self.roofed = (np.full((40, 40), height, np.float32) for height in (-1e9, 1e9))

    def ray(self, x: float, y: float) -> np.ndarray:
        right, up = (axis / np.linalg.norm(axis) for axis in self.eye[1:3])
        return self.eye[3] + (x / 16 - 1) * self.half[0] * right + (1 - y / 10) * self.half[1] * up

    def shade(self, face: int, nearness: float, x: float, y: float, shades, *, roofed=False, kind=0) -> np.ndarray:
        lit = self.roofed if roofed else self.open
        color = shade(
            np.uint32(face), np.float32(nearness), x, y, self.numbers, np.array([shades], np.float32),
            np.array([kind], np.uint8), load_clouds(), self.eye, np.zeros((4, 1, 6)), self.axes, lit, self.axes,
            self.open, 20, 32,
        )  # fmt: skip
        return np.array(color)


@pytest.fixture(scope="module")
def canvas(from_python) -> Canvas:
    return Canvas(from_python)


def test_sun_and_shade_by_their_formula(canvas):
    dark, sun = np.array([0.2, 0.3, 0.1]), np.array([0.5, 0.4, 0.3])
    assert np.allclose(canvas.shade(1, 1 / 9, 10.0, 8.0, [*dark, *sun]), dark + sun, atol=1e-6)
    assert np.allclose(canvas.shade(1, 1 / 9, 10.0, 8.0, [*dark, *sun], roofed=True), dark, atol=1e-6)


def test_haze_by_its_formula(canvas):
    color = np.array([0.9, 0.1, 0.4])
    for far in (5.0, 25.0, 40.0, 120.0, 900.0):
        rest = np.exp(-max(far - 25, 0) / HAZE)
        shown = canvas.shade(1, 1 / far, 5.0, 12.0, [*color, 0, 0, 0])
        assert np.allclose(shown, rest * color + (1 - rest) * canvas.horizon, atol=1e-5)


def test_the_fine_sky_is_the_fast_sky_with_clouds(canvas):
    cloudy = 0
    for x, y in np.random.default_rng(1).uniform(0, (32, 20), (200, 2)):
        ray = canvas.ray(x, y)
        part = min(max(1.6 * ray[2], 0.0), 1.0)
        clear = canvas.horizon + part * (canvas.overhead - canvas.horizon)
        shown, white = canvas.shade(0, 0.0, x, y, [0.0] * 6), np.minimum(canvas.horizon + 0.1, 1)
        thickness = (shown - clear) / (white - clear)
        assert np.ptp(thickness) < 1e-6 and -1e-9 < thickness[0] < 0.76
        level = canvas.ray(x, 10.0)  # a column of pixels has one bearing, that of its middle
        column = np.arctan2(level[0], level[1]) / (2 * np.pi) * shading.CLOUDS[1]
        row = np.clip(ray[2] / shading.CLOUD_TOP, 0, 0.999) * (shading.CLOUDS[0] - 1)
        rows, columns = int(row) + np.array([[0], [1]]), (int(np.floor(column)) + np.array([0, 1])) % shading.CLOUDS[1]
        weights = np.outer([1 - row % 1, row % 1], [1 - column % 1, column % 1])
        assert thickness[0] == pytest.approx(np.sum(weights * load_clouds()[rows, columns]), abs=1e-5)
        cloudy += thickness[0] > 0.1
    assert 20 < cloudy < 180


@pytest.mark.parametrize("kind", sorted({0, *shading.PATTERNS.values()}))
def test_a_pattern_keeps_a_color_about_as_it_is_and_is_fainter_with_distance(canvas, kind):
    gray, generator = [0.5, 0.5, 0.5, 0, 0, 0], np.random.default_rng(2)
    spread = []
    for far in (10.0, 22.0):
        colors = [canvas.shade(1, 1 / far, x, y, gray, kind=kind) for x, y in generator.uniform(0, (32, 20), (300, 2))]
        tones = np.array(colors)[:, 0] / 0.5
        assert np.allclose(colors, np.array(colors)[:, :1]), "lightness, not hue"
        assert 0.85 < tones.mean() < 1.1 and 0.6 < tones.min() and tones.max() < 1.4
        assert (np.ptp(tones) > 0.01) == (kind > 0)
        spread.append(tones.std())
    assert canvas.shade(1, 1 / 78.1, 3.0, 4.0, gray, kind=kind) == pytest.approx(
        canvas.shade(1, 1 / 78.1, 3.0, 4.0, gray)
    )


def test_outlines_stand_where_one_part_lies_well_behind_another(from_python):
    is_outline, parts = from_python(shading.is_outline), np.array([0, 0, 1])
    body = (1 << 16) + 5  # of the player's character; a team-mate's is 1 << 10 more

    def outlined(one: int, other: int, near: float, far: float) -> bool:
        pixels = np.full((4, 4), 77, np.uint32)
        pixels[2:, 2:] = [[one, one], [one, other]]
        return is_outline(pixels, 2, 2, 2, near, far, parts)

    assert outlined(1, 3, 1 / 10, 1 / 12), "another part behind"
    assert not outlined(1, 3, 1 / 10, 1 / 10.5), "another part right beside"
    assert not outlined(1, 2, 1 / 10, 1 / 12), "another face of the same part"
    assert outlined(1, 0, 1 / 10, 0.0) and outlined(0, 1, 1 / 10, 0.0), "the sky behind"
    assert outlined(1, body, 1 / 4, 1 / 12) and not outlined(body, body + 1, 1 / 4, 1 / 12)
    assert not outlined(1, 1, 1 / 4, 1 / 12) and not outlined(0, 0, 0.0, 0.0)
