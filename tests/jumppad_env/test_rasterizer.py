import mujoco
import numpy as np
import pytest

from jumppad_env import rasterizer
from jumppad_env.rasterizer import Scratch
from jumppad_env.rules import CHARACTERS
from jumppad_env.scenery import load_camera, load_figure, load_island_mesh, load_light, load_model

HEIGHT, WIDTH = 40, 56
RED, BLUE = 0xFF, 0xFF0000


@pytest.fixture
def scratch() -> Scratch:
    scratch = Scratch.allocate(HEIGHT, WIDTH, load_island_mesh(), load_figure("rider"))
    scratch.depth[:] = 0
    scratch.pixels[:] = 0
    return scratch


def fill(scratch: Scratch, corners, color: int = RED, plane=(1.0, 0.0, 0.0)) -> np.ndarray:
    """Fills a convex polygon of corners (n, 2), turned round where need be; returns which pixels have its color."""
    outline = np.array(corners, float)
    x, y = outline.T
    if np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0:  # clockwise as seen, for y points down
        outline = outline[::-1].copy()
    rasterizer.fill(outline, len(outline), plane, np.uint32(color), scratch.depth, scratch.pixels)
    return scratch.pixels == color


def inside(corners) -> np.ndarray:
    """Which pixel centers (HEIGHT, WIDTH) lie strictly inside a convex polygon, by its edges."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    sides = []
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        sides.append((bx - ax) * (y - ay) - (by - ay) * (x - ax))
    return np.all(np.array(sides) > 1e-9, axis=0) | np.all(np.array(sides) < -1e-9, axis=0)


def test_a_triangle_fills_the_pixels_whose_centers_it_holds(scratch):
    generator = np.random.default_rng(0)
    for number in range(200):
        corners = generator.uniform(-40, 90, (3, 2)) if number % 2 else generator.uniform(0, 40, (3, 2))
        scratch.depth[:] = 0
        scratch.pixels[:] = 0
        assert np.array_equal(fill(scratch, corners), inside(corners))


def test_a_convex_polygon_fills_what_its_triangles_fill(scratch):
    generator = np.random.default_rng(5)
    for count in (4, 5, 8, 14) * 30:
        angles = np.sort(generator.uniform(0, 2 * np.pi, count))
        ring = generator.uniform(0, 50, 2) + generator.uniform(2, 40, 2) * np.column_stack(
            [np.cos(angles), np.sin(angles)]
        )
        scratch.depth[:] = 0
        scratch.pixels[:] = 0
        covered = fill(scratch, ring).copy()
        assert np.array_equal(covered, inside(ring))
        scratch.depth[:] = 0
        scratch.pixels[:] = 0
        for last in range(2, count):
            fill(scratch, (ring[0], ring[last - 1], ring[last]))
        assert np.array_equal(covered, scratch.pixels == RED)


def test_neighbors_leave_no_gap_and_share_no_pixel(scratch):
    # A fan of triangles around a point covers a square, each pixel once, wherever the point lies: on pixel centers too.
    generator = np.random.default_rng(1)
    ring = np.array([(4.0, 4.0), (30.0, 4.0), (50.5, 4.0), (50.5, 20.5), (50.5, 36.0), (20.0, 36.0), (4.0, 36.0)])
    points = [*generator.uniform(8, 34, (40, 2)), (20.5, 20.5), (20.0, 20.5), (12.5, 30.0)]
    for point in points:
        times = np.zeros((HEIGHT, WIDTH), int)
        for one, other in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            covered = []
            for corners in ((one, other, point), (other, point, one), (point, one, other)):  # whichever is the first
                scratch.pixels[:] = 0
                scratch.depth[:] = 0
                covered.append(fill(scratch, corners))
            assert np.array_equal(covered[0], covered[1]) and np.array_equal(covered[0], covered[2])
            times += covered[0]
        expected = np.zeros_like(times)
        expected[4:36, 4:50] = 1  # centers from 4.5 to 49.5: the one at 50.5 belongs to the right
        assert np.array_equal(times, expected), point


def test_the_nearer_one_hides_the_other_in_any_order(scratch):
    far, near = [(2, 2), (50, 4), (20, 38)], [(10, 5), (40, 20), (12, 30)]
    frames = []
    for order in ((far, near), (near, far)):
        scratch.depth[:] = 0
        scratch.pixels[:] = 0
        for corners in order:
            is_near = corners is near
            fill(scratch, corners, RED if is_near else BLUE, (0.5 if is_near else 0.2, 0.0, 0.0))
        frames.append(scratch.pixels.copy())
    assert np.array_equal(*frames)
    assert (frames[0] == RED).sum() == inside(near).sum()


def test_planes_that_cross_meet_in_a_line(scratch):
    # Depth grows to the right in one and to the left in the other: they meet in the middle.
    square = [(0, 0), (0, 40), (56, 40), (56, 0)]
    fill(scratch, square, RED, (0.1, 1 / 56, 0.0))
    fill(scratch, square, BLUE, (1.1, -1 / 56, 0.0))
    assert (scratch.pixels[:, :28] == BLUE).all() and (scratch.pixels[:, 28:] == RED).all()


@pytest.mark.parametrize(
    "corners", [[(5, 5), (5, 5), (20, 20)], [(5, 7), (9, 7), (30, 7)], [(3, 3)] * 3, [(5, 5), (9, 9), (12, 12)]]
)
def test_what_has_no_area_fills_nothing(scratch, corners):
    assert not fill(scratch, corners).any()


def draw_quad(scratch: Scratch, corners: np.ndarray) -> np.ndarray:
    """Draws a quad (4, 3) m seen from the origin along +y, 1 m at 1 m is half the width, and returns its pixels."""
    scratch.eye[:] = [(0, 0, 0), (WIDTH / 2, 0, 0), (0, 0, HEIGHT / 2), (0, 1, 0)]
    draw_face(scratch, corners)
    return scratch.pixels == RED


def draw_face(scratch: Scratch, corners: np.ndarray) -> None:
    """Draws a convex face (n, 3)."""
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    plane = np.array([[*normal, normal @ corners[0]]])
    faces, indices = np.array([0, len(corners)], np.uint32), np.arange(len(corners), dtype=np.uint32)
    rasterizer.draw_mesh(0.25, corners, faces, indices, plane, np.array([RED], np.uint32), scratch)


def test_perspective_by_its_formula(scratch):
    wall = np.array([(-1.0, 4.0, -1.0), (1.0, 4.0, -1.0), (1.0, 4.0, 1.0), (-1.0, 4.0, 1.0)])
    covered = draw_quad(scratch, wall)
    expected = np.zeros_like(covered)
    expected[15:25, 21:35] = True  # a quarter of the half size to each side of the middle
    assert np.array_equal(covered, expected)
    assert np.allclose(scratch.depth[covered], 1 / 4)


def test_the_back_of_a_face_is_not_drawn(scratch):
    wall = np.array([(-1.0, 4.0, -1.0), (1.0, 4.0, -1.0), (1.0, 4.0, 1.0), (-1.0, 4.0, 1.0)])
    assert not draw_quad(scratch, wall[::-1].copy()).any()


@pytest.mark.parametrize("start", [-50.0, 0.0, 0.2499, 0.25])
def test_a_floor_that_passes_under_the_eye_fills_all_below_the_horizon(scratch, start):
    floor = np.array([(-500.0, start, -0.1), (500.0, start, -0.1), (500.0, 900.0, -0.1), (-500.0, 900.0, -0.1)])
    covered = draw_quad(scratch, floor)
    # At the near plane 0.25 m ahead, 0.1 m down is 0.4 of half the height below the middle.
    assert not covered[:20].any() and not covered[28:].any()
    assert covered[21:28].all()
    rows = np.arange(21, 28) + 0.5
    assert np.allclose(scratch.depth[21:28, 30], (rows - 20) / 20 / 0.1, rtol=1e-4), "depth of a plane, by its formula"


def test_what_lies_behind_is_not_drawn(scratch):
    wall = np.array([(-1.0, -4.0, -1.0), (1.0, -4.0, -1.0), (1.0, -4.0, 1.0), (-1.0, -4.0, 1.0)])
    assert not draw_quad(scratch, wall).any() and not draw_quad(scratch, wall[::-1].copy()).any()


@pytest.mark.parametrize("character", list(CHARACTERS))
def test_bodies_are_where_mujoco_puts_them(character):
    figure, model = load_figure(character), load_model(character)
    scratch = Scratch.allocate(8, 8, load_island_mesh(), figure)
    data = mujoco.MjData(model)
    generator = np.random.default_rng(2)
    for _ in range(20):
        data.qpos[:] = generator.normal(size=model.nq) * 3
        mujoco.mj_kinematics(model, data)
        rasterizer.pose(figure, data.qpos.copy(), scratch.origins, scratch.axes)
        assert np.allclose(scratch.origins, data.xpos, atol=1e-12)
        assert np.allclose(scratch.axes.reshape(-1, 9), data.xmat, atol=1e-12)


def test_a_hinge_with_an_anchor_and_a_turned_body_too():
    spec = mujoco.MjSpec.from_string(
        """<mujoco><worldbody><body pos="1 2 3" euler="10 20 30"><joint type="hinge" axis="1 2 3" pos="0.3 -0.2 0.5"/>
        <joint type="slide" axis="0 1 1"/><geom size="1"/><body pos="0 0 1" euler="0 90 5"><geom size="1"/>
        <joint type="hinge" axis="0 0 1" pos="1 0 0"/></body></body></worldbody></mujoco>"""
    )
    model = spec.compile()
    data = mujoco.MjData(model)
    data.qpos[:] = 0.7, -0.4, 2.0
    mujoco.mj_kinematics(model, data)
    rotation = np.empty(9)
    axes = []
    for quaternion in model.body_quat:
        mujoco.mju_quat2Mat(rotation, quaternion)
        axes.append(rotation.reshape(3, 3).copy())
    figure = load_figure("rider")._replace(
        parents=model.body_parentid.astype(np.int32),
        offsets=model.body_pos.copy(),
        axes=np.array(axes),
        joint_bodies=model.jnt_bodyid.astype(np.int32),
        joint_hinges=model.jnt_type == mujoco.mjtJoint.mjJNT_HINGE,
        joint_axes=model.jnt_axis.copy(),
        joint_anchors=model.jnt_pos.copy(),
    )
    origins, frames = np.zeros((3, 3)), np.tile(np.eye(3), (3, 1, 1))
    rasterizer.pose(figure, data.qpos.copy(), origins, frames)
    assert np.allclose(origins, data.xpos, atol=1e-12) and np.allclose(frames.reshape(-1, 9), data.xmat, atol=1e-12)


def test_a_block_of_pixels_becomes_its_mean():
    generator = np.random.default_rng(3)
    rgb = generator.integers(0, 256, (6, 9, 3)).astype(np.uint32)
    pixels = rgb[..., 0] | rgb[..., 1] << 8 | rgb[..., 2] << 16
    out = np.empty((2, 3, 3), np.uint8)
    rasterizer.unpack_mean(pixels, 3, out)
    expected = rgb.reshape(2, 3, 3, 3, 3).mean(axis=(1, 3))
    assert np.abs(out - expected).max() <= 0.5
    whole = np.empty((6, 9, 3), np.uint8)
    rasterizer.unpack(pixels, whole)
    assert np.array_equal(whole, rgb)


def test_the_camera_is_the_mjcfs():
    camera, model = load_camera(), load_model("rider")
    fovy = 2 * np.degrees(np.arctan(camera.half_height))
    assert fovy == pytest.approx(model.cam_fovy[model.camera("observer").id], abs=1e-3)


@pytest.mark.parametrize("count", [3, 4, 8])
def test_faces_that_reach_behind_the_eye_are_cut_at_the_near_plane(scratch, count):
    # Against a ray through each pixel's center: does it meet the face, beyond the near plane?
    generator = np.random.default_rng(4)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    rays = np.stack([(x - WIDTH / 2) / (WIDTH / 2), np.ones_like(x), (HEIGHT / 2 - y) / (HEIGHT / 2)], axis=-1)
    scratch.eye[:] = [(0, 0, 0), (WIDTH / 2, 0, 0), (0, 0, HEIGHT / 2), (0, 1, 0)]
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
        behind = int((corners[:, 1] < 0.25).sum())
        if behind not in cuts or abs(normal @ corners[0]) < 0.1 * np.linalg.norm(normal):
            continue
        cuts[behind] += 1
        scratch.depth[:] = 0
        scratch.pixels[:] = 0
        draw_face(scratch, corners)
        with np.errstate(divide="ignore"):
            distance = normal @ corners[0] / (rays @ normal)
        points = rays * distance[..., None]
        sides = [
            np.cross(other - one, points - one) @ normal
            for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True)
        ]
        margin = np.minimum(np.min(sides, axis=0) / (normal @ normal), distance - 0.25)
        covered = scratch.pixels == RED
        assert covered[margin > 1e-6].all() and not covered[margin < -1e-6].any()
        assert np.allclose(scratch.depth[covered], 1 / distance[covered], rtol=1e-4)
    assert min(cuts.values()) > 15


def test_neighbors_are_cut_at_the_very_same_point(scratch):
    # Their common edge runs one way round in the one and the other way in the other.
    generator = np.random.default_rng(6)
    scratch.eye[:] = [(0, 0, 0), (WIDTH / 2, 0, 0), (0, 0, HEIGHT / 2), (0, 1, 0)]
    outlines = np.empty((2, 6, 2))
    for _ in range(300):
        vertices = generator.uniform((-3, 0.3, -3), (3, 3, 3), (4, 3))
        vertices[1, 1] = -vertices[1, 1]  # behind the eye: the end of the common edge
        rasterizer.project(scratch.eye, vertices, scratch.screen, WIDTH / 2, HEIGHT / 2)
        points = []
        for outline, corners in zip(outlines, ((0, 1, 2), (1, 0, 3)), strict=True):
            count = rasterizer.cut(0.25, scratch.screen, np.array(corners, np.uint32), outline, WIDTH / 2, HEIGHT / 2)
            assert count == 4
            points.append({tuple(point) for point in outline[:count].tolist()})
        assert len(points[0] & points[1]) == 2  # where the edge begins and where it is cut, to the last bit


def test_light_by_its_formula(scratch):
    figure, light = load_figure("rider"), load_light()
    state = np.array([1.0, 2.0, 0.0, 0.7, 1.2])
    rasterizer.pose(figure, state, scratch.origins, scratch.axes)
    rasterizer.dress(figure, light, True, scratch)
    normals = np.einsum("tij,tj->ti", scratch.axes[figure.face_bodies], figure.normals)
    sun = np.maximum(0, -(normals @ light.direction))[:, None] * light.diffuse
    expected = np.minimum(1, figure.colors * (light.ambient + sun + figure.emissions[:, None])) * 255
    shown = np.stack([scratch.colors & 255, scratch.colors >> 8 & 255, scratch.colors >> 16], axis=1)
    assert np.abs(shown - expected).max() <= 0.5 + 1e-9
    assert figure.emissions.max() > 0 and (sun > 0).any() and (sun == 0).any()
