"""Coverage, depth and clipping of polygons, against edges, rays and formulas in NumPy."""

import itertools
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest

from jumppad_env.drawing import rasterizer
from jumppad_env.drawing.lanes import ROWS
from jumppad_env.drawing.rasterizer import SMALLEST, draw_flat
from jumppad_env.drawing.scenery import Mesh, make_mesh

HEIGHT, WIDTH = 40, 56
RED, BLUE = 0xFF, 0xFF0000
NEAR = 0.25
AHEAD = [(0, 0, 0), (WIDTH / 2, 0, 0), (0, 0, HEIGHT / 2), (0, 1, 0)]
"""From the origin along +y; 1 m at 1 m is half the width."""


class Canvas(NamedTuple):
    depth: np.ndarray
    pixels: np.ndarray
    screen: np.ndarray
    outline: np.ndarray
    spans: np.ndarray
    eye: np.ndarray

    def clear(self) -> None:
        self.depth[:] = 0
        self.pixels[:] = 0


@pytest.fixture
def canvas() -> Canvas:
    canvas = Canvas(
        depth=np.zeros((HEIGHT, WIDTH), np.float32),
        pixels=np.zeros((HEIGHT, WIDTH), np.uint32),
        screen=np.empty((5, 32)),
        outline=np.empty((64, 2)),
        spans=np.empty((2, ROWS), np.int32),
        eye=np.array(AHEAD, float),
    )
    return canvas


@pytest.fixture(scope="module")
def fill():
    """Fills a convex polygon of corners (n, 2) in either orientation; returns which pixels have its color."""

    @numba.njit(error_model="numpy")
    def part(outline, count, plane, value, depth, pixels):
        first, end = rasterizer.find_rows(outline, count, depth.shape[0], depth.shape[1])
        rasterizer.fill(outline, count, first, end, plane, value, np.empty((2, ROWS), np.int32), depth, pixels)

    def fill(canvas: Canvas, corners: Any, color: int = RED, plane=(1.0, 0.0, 0.0)) -> np.ndarray:
        outline = np.array(corners, float)
        x, y = outline.T
        if np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0:  # clockwise as seen, for y points down
            outline = outline[::-1].copy()
        part(outline, len(outline), plane, np.uint32(color), canvas.depth, canvas.pixels)
        return canvas.pixels == color

    return fill


@pytest.fixture(scope="module")
def draw_face(from_python):
    """Draws a convex face (n, 3) m from the canvas's camera; returns its pixels."""
    project, draw_faces = from_python(rasterizer.project), from_python(rasterizer.draw_faces)

    def draw_face(canvas: Canvas, corners: np.ndarray) -> np.ndarray:
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        plane = np.array([[*normal, normal @ corners[0]]])
        faces, indices = np.array([0, len(corners)], np.uint32), np.arange(len(corners), dtype=np.uint32)
        project(canvas.eye, corners, len(corners), canvas.screen, WIDTH / 2, HEIGHT / 2)
        draw_faces(
            0, 1, faces, indices, plane, NEAR, canvas.eye, np.array([RED], np.uint32), canvas.screen, canvas.outline,
            canvas.spans, canvas.depth, canvas.pixels,
        )  # fmt: skip
        return canvas.pixels == RED

    return draw_face


def inside(corners) -> np.ndarray:
    """Which pixel centers (HEIGHT, WIDTH) lie strictly inside a convex polygon, by its edges."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    sides = []
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        sides.append((bx - ax) * (y - ay) - (by - ay) * (x - ax))
    return np.all(np.array(sides) > 1e-9, axis=0) | np.all(np.array(sides) < -1e-9, axis=0)


def test_a_triangle_fills_the_pixels_whose_centers_it_holds(canvas, fill):
    generator = np.random.default_rng(0)
    for number in range(200):
        corners = generator.uniform(-40, 90, (3, 2)) if number % 2 else generator.uniform(0, 40, (3, 2))
        canvas.clear()
        assert np.array_equal(fill(canvas, corners), inside(corners))


def test_a_convex_polygon_fills_what_its_triangles_fill(canvas, fill):
    generator = np.random.default_rng(5)
    for count in (4, 5, 8, 14) * 30:
        angles = np.sort(generator.uniform(0, 2 * np.pi, count))
        ring = generator.uniform(0, 50, 2) + generator.uniform(2, 40, 2) * np.column_stack(
            [np.cos(angles), np.sin(angles)]
        )
        canvas.clear()
        covered = fill(canvas, ring).copy()
        assert np.array_equal(covered, inside(ring))
        canvas.clear()
        for last in range(2, count):
            fill(canvas, (ring[0], ring[last - 1], ring[last]))
        assert np.array_equal(covered, canvas.pixels == RED)


def test_neighbors_leave_no_gap_and_share_no_pixel(canvas, fill):
    # A fan of triangles around a point covers a square, each pixel once, wherever the point lies: on pixel centers too.
    generator = np.random.default_rng(1)
    ring = np.array([(4.0, 4.0), (30.0, 4.0), (50.5, 4.0), (50.5, 20.5), (50.5, 36.0), (20.0, 36.0), (4.0, 36.0)])
    points = [*generator.uniform(8, 34, (40, 2)), (20.5, 20.5), (20.0, 20.5), (12.5, 30.0)]
    for point in points:
        times = np.zeros((HEIGHT, WIDTH), int)
        for one, other in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            covered = []
            for corners in ((one, other, point), (other, point, one), (point, one, other)):  # whichever is the first
                canvas.clear()
                covered.append(fill(canvas, corners))
            assert np.array_equal(covered[0], covered[1]) and np.array_equal(covered[0], covered[2])
            times += covered[0]
        expected = np.zeros_like(times)
        expected[4:36, 4:50] = 1  # centers from 4.5 to 49.5: the one at 50.5 belongs to the right
        assert np.array_equal(times, expected), point


def test_the_nearer_one_hides_the_other_in_any_order(canvas, fill):
    far, near = [(2, 2), (50, 4), (20, 38)], [(10, 5), (40, 20), (12, 30)]
    frames = []
    for order in ((far, near), (near, far)):
        canvas.clear()
        for corners in order:
            is_near = corners is near
            fill(canvas, corners, RED if is_near else BLUE, (0.5 if is_near else 0.2, 0.0, 0.0))
        frames.append(canvas.pixels.copy())
    assert np.array_equal(*frames)
    assert (frames[0] == RED).sum() == inside(near).sum()


def test_planes_that_cross_meet_in_a_line(canvas, fill):
    # Depth grows to the right in one and to the left in the other: they meet in the middle.
    square = [(0, 0), (0, 40), (56, 40), (56, 0)]
    fill(canvas, square, RED, (0.1, 1 / 56, 0.0))
    fill(canvas, square, BLUE, (1.1, -1 / 56, 0.0))
    assert (canvas.pixels[:, :28] == BLUE).all() and (canvas.pixels[:, 28:] == RED).all()


@pytest.mark.parametrize(
    "corners", [[(5, 5), (5, 5), (20, 20)], [(5, 7), (9, 7), (30, 7)], [(3, 3)] * 3, [(5, 5), (9, 9), (12, 12)]]
)
def test_polygons_without_area_fill_nothing(canvas, fill, corners):
    assert not fill(canvas, corners).any()


@pytest.mark.parametrize("far", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_rows_are_clamped_to_the_frame(far):
    @numba.njit(error_model="numpy")
    def rows(outline):
        return rasterizer.find_rows(outline, len(outline), HEIGHT, WIDTH)

    square = np.array([(3, 3), (3, 30), (30, 30), (30, 3)], float)
    assert rows(square) == (3, 30)
    for corners, axes in itertools.product([[0], [0, 1], [0, 1, 2, 3]], [[0], [1], [0, 1]]):
        outline = square.copy()
        outline[np.ix_(corners, axes)] = far
        first, end = rows(outline)
        assert 0 <= first <= HEIGHT and 0 <= end <= HEIGHT, (corners, axes)


def test_perspective_by_its_formula(canvas, draw_face):
    wall = np.array([(-1.0, 4.0, -1.0), (1.0, 4.0, -1.0), (1.0, 4.0, 1.0), (-1.0, 4.0, 1.0)])
    covered = draw_face(canvas, wall)
    expected = np.zeros_like(covered)
    expected[15:25, 21:35] = True  # a quarter of the half size to each side of the middle
    assert np.array_equal(covered, expected)
    assert np.allclose(canvas.depth[covered], 1 / 4)


def test_the_back_of_a_face_is_not_drawn(canvas, draw_face):
    wall = np.array([(-1.0, 4.0, -1.0), (1.0, 4.0, -1.0), (1.0, 4.0, 1.0), (-1.0, 4.0, 1.0)])
    assert not draw_face(canvas, wall[::-1].copy()).any()


@pytest.mark.parametrize("start", [-50.0, 0.0, 0.2499, 0.25])
def test_a_floor_that_passes_under_the_eye_fills_all_below_the_horizon(canvas, draw_face, start):
    floor = np.array([(-500.0, start, -0.1), (500.0, start, -0.1), (500.0, 900.0, -0.1), (-500.0, 900.0, -0.1)])
    covered = draw_face(canvas, floor)
    # At the near plane 0.25 m ahead, 0.1 m down is 0.4 of half the height below the middle.
    assert not covered[:20].any() and not covered[28:].any()
    assert covered[21:28].all()
    rows = np.arange(21, 28) + 0.5
    assert np.allclose(canvas.depth[21:28, 30], (rows - 20) / 20 / 0.1, rtol=1e-4), "depth of a plane, by its formula"


def test_faces_behind_the_camera_are_not_drawn(canvas, draw_face):
    wall = np.array([(-1.0, -4.0, -1.0), (1.0, -4.0, -1.0), (1.0, -4.0, 1.0), (-1.0, -4.0, 1.0)])
    assert not draw_face(canvas, wall).any() and not draw_face(canvas, wall[::-1].copy()).any()


@pytest.mark.parametrize("count", [3, 4, 8])
def test_faces_are_clipped_at_the_near_plane(canvas, draw_face, count):
    # Against a ray through each pixel's center: does it meet the face, beyond the near plane?
    generator = np.random.default_rng(4)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    rays = np.stack([(x - WIDTH / 2) / (WIDTH / 2), np.ones_like(x), (HEIGHT / 2 - y) / (HEIGHT / 2)], axis=-1)
    cuts = dict.fromkeys(range(1, count), 0)
    for _ in range(200 * count):
        corners = generator.uniform((-3, -1, -3), (3, 3, 3), (3, 3))
        if count > 3:
            middle, *axes = corners
            angles = np.sort(generator.uniform(0, 2 * np.pi, count))
            corners = middle + np.column_stack([np.cos(angles), np.sin(angles)]) @ (np.array(axes) - middle)
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        if normal @ corners[0] > 0:  # facing away
            corners, normal = corners[::-1].copy(), -normal
        behind = int((corners[:, 1] < NEAR).sum())
        if behind not in cuts or abs(normal @ corners[0]) < 0.1 * np.linalg.norm(normal):
            continue
        cuts[behind] += 1
        canvas.clear()
        covered = draw_face(canvas, corners)
        with np.errstate(divide="ignore"):
            distance = normal @ corners[0] / (rays @ normal)
        points = rays * distance[..., None]
        sides = [
            np.cross(other - one, points - one) @ normal
            for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True)
        ]
        margin = np.minimum(np.min(sides, axis=0) / (normal @ normal), distance - NEAR)
        assert covered[margin > 1e-6].all() and not covered[margin < -1e-6].any()
        assert np.allclose(canvas.depth[covered], 1 / distance[covered], rtol=1e-4)
    assert min(cuts.values()) > 15


def test_neighbors_are_clipped_at_exactly_the_same_point(canvas, from_python):
    # Their common edge runs one way round in the one and the other way in the other.
    project, cut = from_python(rasterizer.project), from_python(rasterizer.cut)
    generator = np.random.default_rng(6)
    outlines = np.empty((2, 6, 2))
    for _ in range(300):
        vertices = generator.uniform((-3, 0.3, -3), (3, 3, 3), (4, 3))
        vertices[1, 1] = -vertices[1, 1]  # behind the eye: the end of the common edge
        project(canvas.eye, vertices, 4, canvas.screen, WIDTH / 2, HEIGHT / 2)
        points = []
        for outline, corners in zip(outlines, ((0, 1, 2), (1, 0, 3)), strict=True):
            count = cut(NEAR, canvas.screen, np.array(corners, np.uint32), outline, WIDTH / 2, HEIGHT / 2)
            assert count == 4
            points.append({tuple(point) for point in outline[:count].tolist()})
        assert len(points[0] & points[1]) == 2  # where the edge begins and where it is cut, to the last bit


@pytest.mark.parametrize("order", ["C", "F"])
def test_only_the_requested_vertices_are_projected(canvas, from_python, order):
    canvas.screen[:] = -7.0
    vertices = np.array(np.random.default_rng(7).uniform(1, 2, (13, 3)), order=order)
    from_python(rasterizer.project)(canvas.eye, vertices, 11, canvas.screen, WIDTH / 2, HEIGHT / 2)
    assert (canvas.screen[:, 11:] == -7).all()
    x, y, z = vertices[:11].T
    assert np.allclose(canvas.screen[0, :11], WIDTH / 2 * (1 + x / y))
    assert np.allclose(canvas.screen[1, :11], HEIGHT / 2 * (1 - z / y))
    assert np.array_equal(canvas.screen[4, :11], y)


def test_the_eye_by_its_formula(from_python):
    # Where the camera looks, how it circles the character's shoulder, and how large a meter is.
    generator, eye = np.random.default_rng(8), np.empty((4, 3))
    for _ in range(50):
        camera = generator.uniform(0.3, 5.0, 6)
        distance, above, shoulder, half_width, half_height = camera[:5]
        feet, yaw, tilt = generator.normal(size=3), generator.uniform(-7, 7), generator.uniform(-1.5, 1.5)
        from_python(rasterizer.aim)(camera, feet, yaw, tilt, HEIGHT, WIDTH, eye)
        position, right, up, ahead = eye
        assert ahead[2] == pytest.approx(np.sin(tilt)), "positive looks up"
        assert np.allclose(ahead[:2], np.cos(tilt) * np.array([-np.sin(yaw), np.cos(yaw)])), "0 looks along +y"
        assert right[2] == 0 and np.linalg.norm(right) == pytest.approx(WIDTH / 2 / half_width)
        assert np.linalg.norm(up) == pytest.approx(HEIGHT / 2 / half_height)
        assert np.allclose(np.cross(right / np.linalg.norm(right), ahead), up / np.linalg.norm(up))
        circled = feet + [0, 0, above] + shoulder * right / np.linalg.norm(right)
        assert np.allclose(position, circled - distance * ahead)


def frustum(canvas: Canvas) -> tuple[float, ...]:
    return rasterizer.frustum.py_func(canvas.eye, HEIGHT, WIDTH)


def test_spheres_out_of_view_are_culled(canvas, from_python):
    # A sphere is out of view if and only if all of it is on the far side of one of the frustum's five planes.
    is_seen, generator = from_python(rasterizer.is_seen), np.random.default_rng(9)
    view = frustum(canvas)
    sides = np.array([(1, 1, 0), (-1, 1, 0), (0, 1, 1), (0, 1, -1)]) / np.sqrt(2)  # 45 degrees: see `AHEAD`
    answers = []
    for _ in range(3000):
        center, radius = generator.uniform(-9, 9, 3), generator.uniform(0.5, 4)  # all of them larger than `SMALLEST`
        nearest = min(center[1] - NEAR, *(sides @ center))
        if abs(nearest + radius) > 1e-9:
            answers.append(nearest > -radius)
            assert is_seen(*center, radius, NEAR, canvas.eye, view) == answers[-1]
    assert 500 < sum(answers) < 2500


def test_spheres_below_the_smallest_size_are_culled(canvas, from_python):
    is_seen, view = from_python(rasterizer.is_seen), frustum(canvas)
    for distance in (1.0, 7.0, 50.0):
        limit = SMALLEST / (WIDTH / 2) * distance
        for factor in (0.99, 1.01):
            seen = is_seen(0.0, distance, 0.0, factor * limit, NEAR, canvas.eye, view)
            assert seen == (factor > 1)


def random_axes(generator: np.random.Generator) -> np.ndarray:
    """A random orthographic projection (3, 4) to HEIGHT x WIDTH, with the origin near its middle."""
    turned = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    turned *= np.linalg.det(turned)
    axes = np.zeros((3, 4))
    axes[:, :3] = turned * [[6.0], [-6.0], [1.0]]  # right, down, toward
    axes[:2, 3] = WIDTH / 2, HEIGHT / 2
    axes[2, 3] = generator.normal()
    return axes


def draw_map(canvas: Canvas, mesh: Mesh, axes: np.ndarray) -> None:
    canvas.depth[:] = -1e9
    count = len(mesh.planes)
    vertices, faces, corners, planes = mesh[:4]
    draw_flat(vertices, faces, corners, planes, 0, count, axes, canvas.outline, canvas.depth, canvas.pixels)


def test_a_flat_map_of_a_tilted_plane_by_its_formula(canvas):
    generator = np.random.default_rng(10)
    drawn = 0
    for _ in range(60):
        axes = random_axes(generator)
        corner, one, other = generator.normal(size=(3, 3)) * [[1], [3], [3]]
        face = np.array([corner, corner + one, corner + one + other, corner + other])
        mesh = make_mesh([[face]])
        draw_map(canvas, mesh, axes)
        covered = canvas.depth > -1e9
        normal, offset = mesh.planes[0, :3], mesh.planes[0, 3]
        if normal @ axes[2, :3] <= 0:
            assert not covered.any(), "its back is not drawn"
            continue
        assert np.array_equal(covered, inside(face @ axes[:2, :3].T + axes[:2, 3]))
        if normal @ axes[2, :3] < 0.1:
            continue
        # The place of a pixel on the plane solves three equations: column, row, and the plane's own.
        y, x = (np.argwhere(covered) + 0.5).T
        known = np.stack([x - axes[0, 3], y - axes[1, 3], np.full(len(x), offset)])
        places = np.linalg.solve(np.array([axes[0, :3], axes[1, :3], normal]), known)
        assert np.allclose(canvas.depth[covered], axes[2, :3] @ places + axes[2, 3], atol=1e-3)
        drawn += covered.any()
    assert drawn > 15


def test_of_two_faces_on_a_flat_map_the_nearer_one_counts(canvas):
    floor, table = (
        np.array([(-side, -side, height), (side, -side, height), (side, side, height), (-side, side, height)])
        for side, height in ((5.0, 0.0), (2.0, 1.0))
    )
    axes = np.array([[4.0, 0, 0, WIDTH / 2], [0, -4.0, 0, HEIGHT / 2], [0, 0, 1, 0]])
    for order in ((floor, table), (table, floor)):
        mesh = make_mesh([list(order)])
        draw_map(canvas, mesh, axes)
        expected = np.zeros((HEIGHT, WIDTH))
        expected[:, :8] = expected[:, 48:] = -1e9
        expected[12:28, 20:36] = 1
        assert np.array_equal(canvas.depth, expected.astype(np.float32))
