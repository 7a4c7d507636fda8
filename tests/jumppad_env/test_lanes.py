"""Eight pixels at a time, against NumPy."""

import numba
import numpy as np
import pytest

from jumppad_env.lanes import LANES, write_nearer

HEIGHT, WIDTH = 3, 11
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
