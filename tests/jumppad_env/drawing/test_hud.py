"""The heads-up display: inside the frame at every size, and legible."""

import numpy as np
import pytest

from jumppad_env.drawing import hud
from jumppad_env.drawing.hud import BOXES, CLOCK, COUNTERS, DIGITS, HERE, PROGRESS, Hud, make_hud, no_hud, write_over
from jumppad_env.island import load_island

SIZES = [(64, 64), (128, 128), (360, 600), (90, 150)]
GRAY = 90


@pytest.fixture(scope="module")
def written(from_python):
    """Draws a HUD over a gray frame and returns it, (H, W, 3)."""

    def written(panels: Hud, size: tuple[int, int], steps: float = 0.0, position=(0.0, 0.0)) -> np.ndarray:
        out = np.full((*size, 3), GRAY, np.uint8)
        from_python(write_over)(panels.boxes, panels.numbers, steps, np.array(position, float), out)
        return out

    return written


@pytest.fixture
def panels() -> Hud:
    return make_hud(np.array([0.2, 0.3, 0.5]), np.array([3, 8]), 47.0)


def only(panels: Hud, *, boxes=(), numbers=()) -> Hud:
    """The same HUD without the other boxes and counters."""
    some = Hud(panels.boxes.copy(), panels.numbers.copy())
    some.boxes[[index for index in range(HERE) if index not in boxes]] = 0
    some.boxes[HERE, 2:4] = some.boxes[HERE, :2]  # opaque, which switches all on, and of no size
    some.numbers[[index for index in range(COUNTERS) if index not in numbers], 1] = 0  # no digits
    return some


def read(frame: np.ndarray, number: np.ndarray) -> int:
    """Reads a counter of `Hud.numbers` from a frame that shows no other."""
    _, digits, left, top, size, *color = number
    height, width = frame.shape[:2]
    dot = max(round(size * height / 5), 1)
    lit = (frame == np.array(color, np.uint8)).all(axis=2)
    value = 0
    for place in range(int(digits)):
        row, column = int(top * height), int(left * width) + 4 * place * dot
        cell = lit[row : row + 5 * dot, column : column + 3 * dot]
        assert cell.shape == (5 * dot, 3 * dot), "not cut off by the frame"
        dots = cell.reshape(5, dot, 3, dot).any(axis=(1, 3))
        assert np.array_equal(dots, cell.reshape(5, dot, 3, dot).all(axis=(1, 3))), "dots are squares"
        bits = int("".join("1" if dot else "0" for dot in dots.ravel()), 2)
        assert bits in DIGITS.tolist()
        value = 10 * value + DIGITS.tolist().index(bits)
    return value


def test_the_digits_look_like_digits():
    drawn = ["".join(" #"[int(bit)] for bit in f"{digit:015b}") for digit in DIGITS.tolist()]
    assert len(set(drawn)) == 10
    assert drawn[0] == "#### ## ## ####" and drawn[8] == "#### ##### ####" and drawn[7] == "###  #  #  #  #"


def test_nothing_is_written_where_nothing_is_to_be(written):
    assert (written(no_hud(), (64, 64), 50.0, (3.0, 4.0)) == GRAY).all()


@pytest.mark.parametrize("size", SIZES)
def test_boxes_lie_inside_the_frame_and_have_a_size_there(panels, size):
    height, width = size
    shown = [index for index in range(HERE) if panels.boxes[index, 7] > 0]
    assert len(shown) > 20
    for index in shown:
        left, top, right, bottom = panels.boxes[index, :4] * [width, height, width, height]
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        assert round(right) - round(left) >= 1 and round(bottom) - round(top) >= 1


@pytest.mark.parametrize("size", SIZES)
def test_a_box_is_blended_by_its_opacity_and_nothing_else_is_touched(written, panels, size):
    height, width = size
    for index in range(HERE):
        frame = written(only(panels, boxes=[index]), size)
        left, top, right, bottom, *color, opacity = panels.boxes[index]
        # A pixel is in the box if its center is; on the edge it may be either.
        x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
        margin = np.minimum(
            np.minimum(x - left * width, right * width - x), np.minimum(y - top * height, bottom * height - y)
        )
        blended = np.broadcast_to(GRAY * (1 - opacity) + np.array(color) * opacity, frame.shape)
        inside, outside = margin > 1e-6, margin < -1e-6
        assert inside.any() or not opacity
        assert (np.abs(frame - blended)[inside] <= 0.5 + 1e-9).all() and (frame[outside] == GRAY).all()


@pytest.mark.parametrize("size", SIZES)
def test_every_number_can_be_read_at_every_size(written, panels, size):
    for index in range(COUNTERS):
        shown = read(written(only(panels, numbers=[index]), size), panels.numbers[index])
        assert shown == (47, 0, 3, 8, 600)[index]


def test_the_clock_counts_down_and_the_progress_up(written, panels):
    clock, progress = only(panels, numbers=[CLOCK]), only(panels, numbers=[PROGRESS])
    size = (128, 128)
    for steps in (0, 9, 10, 11, 250, 469, 470, 471, 2000):
        assert read(written(clock, size, float(steps)), panels.numbers[CLOCK]) == max(int(47 - steps / 10 + 1e-9), 0)
        assert read(written(progress, size, float(steps)), panels.numbers[PROGRESS]) == min(int(0.08 * steps), 99)


@pytest.mark.parametrize("size", SIZES)
def test_who_plays_is_on_the_map_and_moves_with_it(written, panels, size):
    height, width = size
    island, places = load_island(), []
    alone = Hud(np.zeros((BOXES, 8)), np.zeros((COUNTERS, 8)))
    alone.boxes[HERE] = panels.boxes[HERE]
    chart = next(box for box in panels.boxes if (box[4:7] == hud.DARK).all())
    everywhere = [*island.spawns, *island.ways.values(), *island.pads, *island.landings]
    for position in [*everywhere, (-300.0, -300.0, 0.0), (300.0, 300.0, 0.0)]:
        rows, columns = np.nonzero((written(alone, size, 0.0, position[:2]) != GRAY).any(axis=2))
        left, top, right, bottom = chart[:4] * [width, height, width, height]
        middle = columns.mean() + 0.5, rows.mean() + 0.5
        assert left - 0.5 < middle[0] < right + 0.5 and top - 0.5 < middle[1] < bottom + 0.5, "wherever it is"
        places.append(middle)
    ahead = np.array([position[1] for position in everywhere])
    assert np.corrcoef(ahead, np.array(places)[: len(everywhere), 0])[0, 1] > 0.9, "forward is to the right"
    side = np.array([position[0] for position in everywhere])
    assert np.corrcoef(side, np.array(places)[: len(everywhere), 1])[0, 1] > 0.9, "right is down"
