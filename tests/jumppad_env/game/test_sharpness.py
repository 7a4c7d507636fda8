"""Adaptive resolution, on simulated computers."""

import numpy as np
import pytest

from jumppad_env.game.sharpness import FRAMES_TO_GROW, FRAMES_TO_SHRINK, Sharpness

SLOWEST = 1 / 30


def draw(sharpness: Sharpness, seconds: float, frames: int) -> list[tuple[int, int]]:
    """Returns the sizes drawn by a computer that takes this many seconds for 360x600 pixels, plus 5 ms."""
    sizes = []
    for _ in range(frames):
        sizes.append(sharpness.size)
        height, width = sharpness.size
        sharpness.note(0.005 + seconds * height * width / (360 * 600))
    return sizes


@pytest.fixture
def sharpness():
    return Sharpness((360, 600), SLOWEST)


def test_a_fast_computer_draws_the_requested_size(sharpness):
    assert set(draw(sharpness, 0.02, 1000)) == {(360, 600)}


@pytest.mark.parametrize(("seconds", "size"), [(0.035, (300, 500)), (0.05, (240, 400)), (0.09, (180, 300))])
def test_a_slow_computer_soon_draws_the_largest_size_that_is_fast_enough(sharpness, seconds, size):
    sizes = draw(sharpness, seconds, 3 * FRAMES_TO_SHRINK + 1)
    assert sizes[0] == (360, 600) and sizes[-1] == size
    assert set(draw(sharpness, seconds, 10 * FRAMES_TO_GROW)) == {size}, "and stays there"


def test_there_is_a_smallest_size_of_the_same_shape(sharpness):
    assert draw(sharpness, 9.0, 1000)[-1] == (120, 200)
    assert all(height / width == 0.6 for height, width in sharpness._sizes)


def test_frames_grow_again_when_the_load_is_gone(sharpness):
    draw(sharpness, 0.09, 100)
    sizes = draw(sharpness, 0.01, 4 * FRAMES_TO_GROW)
    assert sizes[0] == (180, 300) and sizes[-1] == (360, 600)


def test_a_single_stall_changes_nothing(sharpness):
    generator = np.random.default_rng(0)
    for _ in range(1000):
        sharpness.note(generator.uniform(0.01, 0.02))
    assert FRAMES_TO_SHRINK <= 1000 % FRAMES_TO_GROW < 2 * FRAMES_TO_SHRINK, "few frames to set it against"
    sharpness.note(0.3)
    assert sharpness.size == (360, 600)
