"""Walls around unions of strips: closed forms, and properties over random ones."""

import math

import numpy as np
import pytest

from jumppad_env.levels.outline import HIGH_WALL, LOW_WALL, NO_WALL, STRIP, WALL, outline

MOST = 400


def strip(x=0.0, y=0.0, heading=0.0, length=4.0, half=1.0, low=0.0, high=0.0, wall=LOW_WALL) -> list[float]:
    return [x, y, heading, length, half, low, high, wall]


def walls_of(*strips: list[float]) -> np.ndarray:
    walls = np.full((MOST, len(WALL)), np.nan)
    count = outline(np.array(strips).reshape(-1, len(STRIP)), walls)
    assert count <= MOST
    return walls[:count]


def lengths(walls: np.ndarray) -> np.ndarray:
    return np.hypot(walls[:, 2] - walls[:, 0], walls[:, 3] - walls[:, 1])


def inside(strips: np.ndarray, points: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Whether points (N, 2) lie in some strip, further inside than a margin, bool (N,)."""
    x, y, heading, length, half = strips.T[:5, :, None]
    right, up = points[:, 0] - x, points[:, 1] - y
    ahead = up * np.cos(heading) - right * np.sin(heading)
    across = right * np.cos(heading) + up * np.sin(heading)
    depth = np.minimum(np.minimum(ahead, length - ahead), half - np.abs(across))
    return (depth > margin).any(axis=0)


def test_one_strip_has_four_walls_counter_clockwise_around_it():
    walls = walls_of(strip(length=4.0, half=1.0))
    assert sorted(lengths(walls)) == pytest.approx([2, 2, 4, 4])
    x0, y0, x1, y1 = walls[:, :4].T
    assert np.sum(x0 * y1 - x1 * y0) / 2 == pytest.approx(8.0), "the strip is on the left: its area is positive"
    assert np.allclose(walls[1:, :2], walls[:-1, 2:4]) and np.allclose(walls[0, :2], walls[-1, 2:4])
    assert (walls[:, 6] == LOW_WALL).all()


def test_a_turned_strip_has_turned_walls():
    walls, straight = walls_of(strip(1.0, 2.0, heading=0.5)), walls_of(strip())
    cos, sin = math.cos(0.5), math.sin(0.5)
    turn = np.array([[cos, -sin], [sin, cos]])
    assert np.allclose(walls[:, :2], straight[:, :2] @ turn.T + [1.0, 2.0])


def test_two_that_overlap_in_a_cross_are_open_to_each_other():
    walls = walls_of(strip(y=-3.0, length=6.0, half=1.0), strip(3.0, 0.0, math.pi / 2, length=6.0, half=0.5))
    assert lengths(walls).sum() == pytest.approx(2 * 2 + 4 * 2.5 + 2 * 1 + 4 * 2.0)
    assert len(walls) == 12


def test_two_on_one_line_are_one_without_a_wall_between():
    walls = walls_of(strip(length=4.0), strip(y=3.7, length=4.3))
    assert lengths(walls[np.abs(walls[:, 0]) < 0.99]).sum() == 0, "no wall begins between the sides"
    ends = walls[np.abs(walls[:, 1] - walls[:, 3]) < 1e-9]
    assert sorted(ends[:, 1]) == pytest.approx([0.0, 8.0])
    sides = walls[np.abs(walls[:, 0] - walls[:, 2]) < 1e-9]
    for side in (-1.0, 1.0):
        spans = np.sort(sides[np.abs(sides[:, 0] - side) < 1e-9][:, [1, 3]], axis=1)
        assert spans.min() == 0.0 and spans.max() == 8.0, "edges on one line keep their walls"


def test_a_strip_within_another_has_no_walls():
    assert len(walls_of(strip(), strip(y=1.0, length=2.0, half=0.5))) == 4


def test_a_strip_without_walls_opens_those_that_it_reaches_into():
    walls = walls_of(strip(length=4.0, half=2.0), strip(y=3.7, length=5.0, half=1.0, wall=NO_WALL))
    front = walls[np.abs(walls[:, 1] - 4.0) + np.abs(walls[:, 3] - 4.0) < 1e-9]
    assert lengths(front) == pytest.approx([1.0, 1.0], abs=1e-5), "beside the opening"
    assert lengths(walls).sum() == pytest.approx(4 + 2 * 4 + 2, abs=1e-5)


def test_a_wall_knows_the_floor_beside_it_and_its_kind():
    walls = walls_of(strip(length=4.0, low=1.0, high=3.0, wall=HIGH_WALL))
    bottoms = {(round(float(y0), 9), round(float(y1), 9)): (low, high) for _, y0, _, y1, low, high, _ in walls}
    assert bottoms == {(0, 4): (1, 3), (4, 4): (3, 3), (4, 0): (1, 3), (0, 0): (1, 1)}
    assert (walls[:, 6] == HIGH_WALL).all()


def test_walls_that_do_not_fit_are_counted_and_not_written():
    walls = np.full((2, len(WALL)), np.nan)
    assert outline(np.array([strip(), strip(x=50.0)]), walls) == 8
    assert np.isfinite(walls).all()


def random_strips(generator: np.random.Generator) -> np.ndarray:
    count = int(generator.integers(1, 9))
    strips = np.zeros((count, len(STRIP)))
    strips[:, :2] = generator.uniform(-6, 6, (count, 2))
    strips[:, 2] = generator.uniform(-math.pi, math.pi, count)
    strips[:, 3], strips[:, 4] = generator.uniform(2, 9, count), generator.uniform(0.6, 3, count)
    strips[:, 7] = LOW_WALL
    return strips


def test_walls_stand_all_around_random_unions_and_nowhere_inside():
    generator = np.random.default_rng(0)
    checked = 0
    for _ in range(300):
        strips = random_strips(generator)
        walls = walls_of(*strips.tolist())
        start, along = walls[:, :2], walls[:, 2:4] - walls[:, :2]
        length = lengths(walls)[:, None]
        normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / length  # away from the strip
        for share in (0.02, 0.3, 0.5, 0.98):
            points = start + share * along
            assert inside(strips, points - 1e-4 * normal).all(), "the strip is on the left of its wall"
            assert not inside(strips, points + 1e-4 * normal, margin=2e-4).any(), "nothing is behind a wall"
        # From points inside, straight ahead: one never leaves the union without crossing a wall.
        points = generator.uniform(-8, 8, (200, 2))
        points = points[inside(strips, points, 0.01)]
        angle = generator.uniform(-math.pi, math.pi, len(points))
        ray = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        reach = first_wall(points, ray, walls)
        assert np.isfinite(reach).all()
        way = points[:, None] + (np.linspace(0, 1, 60)[:, None] * (reach[:, None, None] - 1e-6)) * ray[:, None]
        outside = ~inside(strips, way.reshape(-1, 2), -1e-6).reshape(way.shape[:2])
        assert not outside.any()
        checked += len(points)
    assert checked > 10_000


def first_wall(points: np.ndarray, ray: np.ndarray, walls: np.ndarray) -> np.ndarray:
    """Distance to the first wall along rays (N,), inf for none; gaps narrower than the shortest wall are closed."""
    ends = walls[:, 2:4] - walls[:, :2]
    ends_length = lengths(walls)[:, None]
    start = walls[:, :2] - 0.06 * ends / ends_length
    ends = ends * (1 + 0.12 / ends_length)
    cross = ray[:, None, 0] * ends[:, 1] - ray[:, None, 1] * ends[:, 0]
    to_x, to_y = start[:, 0] - points[:, None, 0], start[:, 1] - points[:, None, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        far = (to_x * ends[:, 1] - to_y * ends[:, 0]) / cross
        share = (to_x * ray[:, None, 1] - to_y * ray[:, None, 0]) / cross
    far[~((far > 0) & (share >= 0) & (share <= 1))] = np.inf
    return far.min(axis=1)
