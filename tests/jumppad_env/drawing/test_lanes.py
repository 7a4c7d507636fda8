"""SIMD operations against NumPy; and nothing is written outside a frame of any size.

Compiled code is not bounds-checked, and vector writes not even with Numba's bounds checks enabled.
"""

import numba
import numpy as np
import pytest

from jumppad_env.drawing import Painter
from jumppad_env.drawing.lanes import LANES, ROWS, STRETCH, find_spans, write_nearer
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import World

HEIGHT, WIDTH = 5, 11
VALUE = 7


@pytest.fixture(scope="module")
def write():
    @numba.njit
    def write(depth, pixels, base, lane, begin, end, first, step):
        line = np.float32(first), np.float32(step)
        write_nearer(depth, pixels, base, np.int32(lane), np.int32(begin), np.int32(end), line, np.uint32(VALUE))

    return write


def test_nearer_pixels_are_written_within_the_given_lanes(write):
    generator = np.random.default_rng(0)
    written = 0
    for _ in range(500):
        depth = generator.random((HEIGHT, WIDTH), np.float32)
        pixels = generator.integers(100, 200, (HEIGHT, WIDTH), np.uint32)
        base, start = int(generator.integers(HEIGHT * WIDTH - STRETCH + 1)), LANES * int(generator.integers(2))
        begin, end = np.sort(generator.integers(-3, STRETCH + 4, 2)).tolist()
        first, step = np.float32(generator.random()), np.float32(generator.normal(0, 0.1))
        expected_depth, expected_pixels = depth.flatten(), pixels.flatten()
        for lane in range(max(begin, start), min(end, start + LANES)):
            here = np.float32(first + step * np.float32(lane))
            if here > expected_depth[base + lane]:
                expected_depth[base + lane], expected_pixels[base + lane] = here, VALUE
                written += 1
        write(depth, pixels, base, start, begin, end, first, step)
        assert np.array_equal(pixels.flatten(), expected_pixels)
        assert np.array_equal(depth.flatten(), expected_depth)
    assert written > 500


def test_pixels_of_equal_depth_are_kept(write):
    depth, pixels = np.full((HEIGHT, WIDTH), 0.5, np.float32), np.zeros((HEIGHT, WIDTH), np.uint32)
    write(depth, pixels, 0, 0, 0, LANES, 0.5, 0.0)
    assert not pixels.any()


def test_nan_depths_hide_nothing_and_are_not_drawn(write):
    depth, pixels = np.full((HEIGHT, WIDTH), 0.5, np.float32), np.zeros((HEIGHT, WIDTH), np.uint32)
    write(depth, pixels, 0, 0, 0, LANES, np.nan, 0.0)
    assert not pixels.any() and (depth == 0.5).all()


@pytest.fixture(scope="module")
def spans_of():
    @numba.njit(error_model="numpy")
    def find(outline, row, width, spans):
        find_spans(outline, len(outline), row, width, spans)

    def spans_of(outline, row: int = 0, width: int = 40) -> np.ndarray:
        spans = np.full((2, ROWS), -99, np.int32)
        find(np.array(outline, float), row, width, spans)
        return spans

    return spans_of


def test_spans_are_the_pixels_whose_centers_lie_in_the_polygon(spans_of):
    generator = np.random.default_rng(0)
    for corners in (3, 4, 5, 9) * 100:
        angles = -np.sort(generator.uniform(0, 2 * np.pi, corners))  # counter-clockwise as seen, for y points down
        place, size, row = generator.uniform(-5, 45, 2), generator.uniform(1, 40, 2), int(generator.integers(-5, 40))
        outline = place + size * np.column_stack([np.cos(angles), np.sin(angles)])
        begin, end = spans_of(outline, row)
        centers = row + np.arange(ROWS) + 0.5
        inside = np.ones((ROWS, 40), np.bool_)
        for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            inside &= (bx - ax) * (centers[:, None] - ay) - (by - ay) * (np.arange(40) + 0.5 - ax) < 0
        assert ((begin >= 0) & (begin <= 40) & (end >= 0) & (end <= 40)).all()
        within = (outline[:, 1].min() < centers) & (centers < outline[:, 1].max())
        columns = np.arange(40)
        found = (begin[:, None] <= columns) & (columns < end[:, None])
        assert np.array_equal(found[within], inside[within])


def test_level_edges_bound_nothing(spans_of):
    begin, end = spans_of([(3, -9), (3, 30), (7, 30), (7, -9)])
    assert (begin == 3).all() and (end == 7).all()
    begin, end = spans_of([(3, -9), (3, 30), (7, np.nextafter(30, 31)), (7, np.nextafter(-9, -10))])
    assert (begin == 3).all() and (end == 7).all(), "nor do those that are nearly level"


def test_polygons_beside_the_frame_have_empty_spans_within_it(spans_of):
    for left in (-1e12, 1e12):
        begin, end = spans_of([(left, -9), (left, 30), (left + 4, 30), (left + 4, -9)])
        assert (begin >= end).all() and (begin >= 0).all() and (end <= 40).all()


SIZES = [(8, 8), (8, 9), (9, 31), (31, 9), (2048, 8), (8, 2048), (13, 127), (1, STRETCH), (STRETCH, 1)]
MARGIN = 1000
"""Guard elements before and after an array, which must not change."""


@pytest.fixture(scope="module")
def states() -> np.ndarray:
    """Seven places along the track, one of them in mid-air, with different view directions, (7, len(STATE))."""
    ways = load_island().ways
    places = [*load_island().spawns[:2], *(ways[name] for name in list(ways)[:4]), np.array([0.0, 20.0, 5.0])]
    world = World(len(places))
    for row, place in enumerate(places):
        world.place(row, "rider", place, heading=0.7 * row, look=row)
        world.camera_tilt[row] = (-0.6, 0.3, -0.12)[row % 3]
    return world.states()


def guarded(shape: tuple[int, ...], dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Returns an array inside a larger one of zeros, and the larger one."""
    count = int(np.prod(shape))
    whole = np.zeros(count + 2 * MARGIN, dtype)
    return whole[MARGIN : MARGIN + count].reshape(shape), whole


@pytest.mark.parametrize("variety", ["none", "high"])
@pytest.mark.parametrize("fine", [False, True], ids=["agents", "people"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_is_written_beyond_a_frame(states, size, fine, variety):
    painter = Painter(*size, fine=fine, variety=variety)
    painter.draw_one(states[0], "rider")
    brush = painter._brushes[0]
    depth, all_depth = guarded(brush._scratch.depth.shape, np.float32)
    pixels, all_pixels = guarded(brush._scratch.pixels.shape, np.uint32)
    brush._scratch = brush._scratch._replace(depth=depth, pixels=pixels)
    for number, state in enumerate(states):
        out, all_out = guarded((1, *size, 3), np.uint8)
        painter.draw(state[None], [list(CHARACTERS)[number % len(CHARACTERS)]], out)
        for whole in (all_depth, all_pixels, all_out):
            assert not whole[:MARGIN].any() and not whole[-MARGIN:].any()
        assert out.any(), "the sky at least"
    painter.close()


@pytest.mark.parametrize("size", [(3, 5), (1, 15), (0, 20), (-4, -4)])
def test_frames_smaller_than_one_vector_are_rejected(size):
    with pytest.raises(ValueError, match=f"at least {STRETCH} pixels, got {size[0]} x {size[1]}"):
        Painter(*size)


@pytest.mark.parametrize("threads", [0, -1])
def test_zero_threads_are_rejected(threads):
    with pytest.raises(ValueError, match=f"threads={threads} must be at least 1"):
        Painter(8, 8, threads=threads)


def test_an_empty_batch_works_and_an_unknown_character_is_rejected(states):
    painter = Painter(8, 8)
    painter.draw(states[:0], [], np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="character='nobody' is unknown; choose one of"):
        painter.draw_one(states[0], "nobody")
