"""The window, on SDL's dummy driver."""

import time

import numpy as np
import pytest

from jumppad_env.drawing.window import LONGEST_STILL, Panel, Window
from jumppad_env.game.panels import Recorded, Status, heads_up, help_panel, pause_panel, summary_panel

FRAME = np.broadcast_to(np.array([10, 200, 60], np.uint8), (90, 150, 3))


@pytest.fixture
def window(pygame):
    window = Window(90, 150, fps=0)
    yield window
    window.close()


def shown(pygame) -> np.ndarray:
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def written(pygame, window: Window, panel: Panel) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of the pixels that a panel changes."""
    window.show(FRAME)
    before = shown(pygame)
    window.show(FRAME, [panel])
    rows, columns = np.nonzero((shown(pygame) != before).any(axis=2))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_a_frame_of_the_windows_size_is_shown_as_it_is(pygame, window):
    frame = np.random.default_rng(0).integers(0, 256, (90, 150, 3), np.uint8)
    window.show(frame)
    assert np.array_equal(shown(pygame), frame)


def test_a_frame_keeps_its_shape_in_any_window(pygame, window):
    pygame.display.set_mode((200, 300), pygame.RESIZABLE)
    window.show(FRAME)
    picture = (shown(pygame) == FRAME[0, 0]).all(axis=2)
    rows, columns = np.nonzero(picture)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (0, 199, 90, 209)
    assert picture.sum() == 200 * 120 and not shown(pygame)[:90].any()


@pytest.mark.parametrize("recorded", [None, Recorded(1234, "w" * 24)])
@pytest.mark.parametrize("size", [(360, 240), (800, 480), (1920, 1080), (500, 900), (1600, 300), (640, 640)])
def test_every_panel_fits_and_none_hides_another(pygame, window, size, recorded):
    pygame.display.set_mode(size, pygame.RESIZABLE)
    status = Status("bruiser", "middle", pad=2, seconds_left=10.0, recorded=recorded)
    for panel in (help_panel(status), pause_panel(status), summary_panel(status)):
        left, top, right, bottom = written(pygame, window, panel)
        assert 0 < left < right < size[0] - 1 and 0 < top < bottom < size[1] - 1, panel.title
        assert abs(left + right + 1 - size[0]) < 4, "in the middle"
    boxes = [written(pygame, window, panel) for panel in heads_up(status)]
    covered = np.zeros((size[1], size[0]), int)
    for left, top, right, bottom in boxes:
        covered[top : bottom + 1, left : right + 1] += 1
    assert covered.max() == 1


def test_text_grows_with_the_window(pygame, window):
    panel = Panel("Paused", (("Go on", "P"),))
    boxes = []
    for size in ((400, 240), (1600, 960)):
        pygame.display.set_mode(size, pygame.RESIZABLE)
        boxes.append(written(pygame, window, panel))
    heights = [bottom - top for _, top, _, bottom in boxes]
    assert heights[1] / heights[0] == pytest.approx(4, rel=0.15)


def test_text_is_bright_on_a_translucent_background(pygame, window):
    pygame.display.set_mode((800, 480), pygame.RESIZABLE)
    left, top, right, bottom = written(pygame, window, Panel("Paused"))
    box = shown(pygame)[top : bottom + 1, left : right + 1].reshape(-1, 3)
    ground = np.median(box, axis=0)
    assert (ground < 70).all() and ground[1] > ground[0] + 10, "dark, with a touch of the green"
    assert box.min(axis=1).max() > 250


def test_unchanged_content_is_shown_again_only_occasionally(pygame, window):
    window.show(FRAME, [Panel("Paused")])
    picture = shown(pygame)

    def after_something_lay_over_it(frame, panels) -> np.ndarray:
        pygame.display.get_surface().fill((255, 0, 0))
        window.show(frame, panels)
        return shown(pygame)

    red = np.broadcast_to(np.array([255, 0, 0], np.uint8), (90, 150, 3))
    assert np.array_equal(after_something_lay_over_it(FRAME, [Panel("Paused")]), red), "no work in a pause"
    time.sleep(1.2 * LONGEST_STILL)
    assert np.array_equal(after_something_lay_over_it(FRAME.copy(), [Panel("Paused")]), picture)
    other = FRAME.copy()
    other[0, 0] = 0
    for frame, panels in ((other, [Panel("Paused")]), (FRAME, [Panel("Paused")]), (FRAME, [Panel("Help")])):
        assert not np.array_equal(after_something_lay_over_it(frame, panels), red), "any change is shown at once"
    pygame.display.set_mode((200, 300), pygame.RESIZABLE)
    window.show(FRAME, [Panel("Help")])
    assert shown(pygame).any(), "and so is another size"


def test_a_panel_is_rendered_once(pygame, window, monkeypatch):
    written = []
    write = Window._render
    monkeypatch.setattr(Window, "_render", lambda *given: written.append(given[1]) or write(*given))
    for panel in (Panel("one"), Panel("one"), Panel("two"), Panel("one")):
        window.show(FRAME, [panel])
    assert [panel.title for panel in written] == ["one", "two", "one"]
