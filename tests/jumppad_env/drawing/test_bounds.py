"""Frames of any size, and whatever is asked for: nothing is written beyond a frame, or nothing is drawn at all.

Compiled code checks no bounds when it runs, and what is written as vectors not even when Numba is told to check them.
"""

import numpy as np
import pytest

from jumppad_env.drawing import Painter
from jumppad_env.drawing.lanes import LANES
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import World

SIZES = [(8, 8), (8, 9), (9, 31), (31, 9), (2048, 8), (8, 2048), (13, 127), (1, LANES), (LANES, 1)]
MARGIN = 1000
"""Elements before and behind an array, which must stay as they are."""


@pytest.fixture(scope="module")
def states() -> np.ndarray:
    """Seven places along the way, one of them in mid-air, seen in different directions, (7, len(STATE))."""
    ways = load_island().ways
    places = [*load_island().spawns[:2], *(ways[name] for name in list(ways)[:4]), np.array([0.0, 20.0, 5.0])]
    world = World(len(places))
    for row, place in enumerate(places):
        world.place(row, "rider", place, heading=0.7 * row, look=row)
        world.camera_tilt[row] = (-0.6, 0.3, -0.12)[row % 3]
    return world.states()


def guarded(shape: tuple[int, ...], dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Returns an array in the midst of a larger one of zeros, and that."""
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
def test_frames_smaller_than_what_is_written_at_a_time_are_refused(size):
    with pytest.raises(ValueError, match=f"at least {LANES} pixels, got {size[0]} x {size[1]}"):
        Painter(*size)


@pytest.mark.parametrize("threads", [0, -1])
def test_somebody_must_draw(threads):
    with pytest.raises(ValueError, match=f"threads={threads} must be at least 1"):
        Painter(8, 8, threads=threads)


def test_nobody_is_drawn_as_nothing_and_a_stranger_not_at_all(states):
    painter = Painter(8, 8)
    painter.draw(states[:0], [], np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="character='nobody' is unknown; choose one of"):
        painter.draw_one(states[0], "nobody")
