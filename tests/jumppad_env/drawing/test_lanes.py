"""Many rows and pixels at a time, against NumPy."""

import numba
import numpy as np
import pytest

from jumppad_env.drawing.lanes import LANES, ROWS, find_spans, write_nearer

HEIGHT, WIDTH = 5, 11
VALUE = 7


@pytest.fixture(scope="module")
def write():
    @numba.njit
    def write(depth, pixels, base, begin, end, first, step):
        write_nearer(
            depth, pixels, base, np.int32(begin), np.int32(end), (np.float32(first), np.float32(step)), np.uint32(VALUE)
        )

    return write


def test_what_is_nearer_is_written_within_the_lanes_given(write):
    generator = np.random.default_rng(0)
    written = 0
    for _ in range(500):
        depth = generator.random((HEIGHT, WIDTH), np.float32)
        pixels = generator.integers(100, 200, (HEIGHT, WIDTH), np.uint32)
        base = int(generator.integers(HEIGHT * WIDTH - LANES + 1))
        begin, end = np.sort(generator.integers(-3, LANES + 4, 2)).tolist()
        first, step = np.float32(generator.random()), np.float32(generator.normal(0, 0.1))
        expected_depth, expected_pixels = depth.flatten(), pixels.flatten()
        for lane in range(max(begin, 0), min(end, LANES)):
            here = np.float32(first + step * np.float32(lane))
            if here > expected_depth[base + lane]:
                expected_depth[base + lane], expected_pixels[base + lane] = here, VALUE
                written += 1
        write(depth, pixels, base, begin, end, first, step)
        assert np.array_equal(pixels.flatten(), expected_pixels)
        assert np.array_equal(depth.flatten(), expected_depth)
    assert written > 500


def test_what_is_as_near_is_left_alone(write):
    depth, pixels = np.full((HEIGHT, WIDTH), 0.5, np.float32), np.zeros((HEIGHT, WIDTH), np.uint32)
    write(depth, pixels, 0, 0, LANES, 0.5, 0.0)
    assert not pixels.any()


def test_depths_that_are_no_numbers_hide_nothing_and_are_not_drawn(write):
    depth, pixels = np.full((HEIGHT, WIDTH), 0.5, np.float32), np.zeros((HEIGHT, WIDTH), np.uint32)
    write(depth, pixels, 0, 0, LANES, np.nan, 0.0)
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


def test_what_lies_beside_the_frame_has_empty_spans_within_it(spans_of):
    for left in (-1e12, 1e12):
        begin, end = spans_of([(left, -9), (left, 30), (left + 4, 30), (left + 4, -9)])
        assert (begin >= end).all() and (begin >= 0).all() and (end <= 40).all()
