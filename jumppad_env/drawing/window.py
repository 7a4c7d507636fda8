"""A pygame window, for `render_mode="human"` and for `python -m jumppad_env.play`."""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Color = tuple[int, int, int]
WHITE: Color = (255, 255, 255)
GROUND = (14, 18, 26, 215)
"""Background of panels: dark and slightly translucent."""
LABEL, TEXT = (168, 180, 196), (240, 243, 247)
LINES_PER_WINDOW = 18
"""Lines of text that fill a window of the usual shape."""
SMALLEST_FONT = 8
"""Pixels; in a very small window a panel may not fit."""
FINER = 2
"""Supersampling of text: pygame spaces small letters unevenly."""
LONGEST_STILL = 0.25
"""s after which unchanged content is shown again: another window may have covered this one."""


class Panel(NamedTuple):
    """A table of text on a translucent background."""

    title: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    """Cells, the same number in each row; the first column holds labels."""
    place: tuple[float, float] = (0.5, 0.5)
    """Position in the window, from left (0) to right (1) and from top (0) to bottom (1)."""
    color: Color = WHITE
    """Of the title."""


class Window:
    """Shows frames at a steady rate, scaled to the window's current size.

    Args:
        height: initial height, pixels.
        width: initial width, pixels.
        fps: frames per second, kept by waiting in `show`. 0 never waits.

    Attributes:
        busy: s between the last two calls of `show`, excluding the wait.
    """

    def __init__(self, height: int, width: int, fps: int) -> None:
        """Opens the window.

        Raises:
            ImportError: pygame is missing; the message says how to install it.
        """
        try:
            import pygame
        except ImportError as error:
            raise ImportError('render_mode="human" needs pygame: pip install pygame') from error
        self._pygame = pygame
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            # Without a display SDL might pick a driver that needs one.
            os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        pygame.display.init()
        pygame.display.set_mode((width, height), pygame.RESIZABLE)
        pygame.display.set_caption("jumppad")
        self._clock = pygame.time.Clock()
        self._fps = fps
        self._fonts: dict[int, Any] = {}
        self._drawn: dict[tuple[Panel, tuple[int, int]], Any] = {}
        self._shown: tuple[bytes, tuple[Panel, ...], tuple[int, int]] | None = None
        self._shown_at = 0.0
        self.busy = 0.0

    def show(self, frame: np.ndarray, panels: Sequence[Panel] = ()) -> None:
        """Shows a frame, uint8 (height, width, 3), with panels on top, then waits until the next is due."""
        pygame = self._pygame
        pygame.event.pump()
        surface = pygame.display.get_surface()
        content = frame.tobytes(), tuple(panels), surface.get_size()
        now = time.monotonic()
        if content != self._shown or now - self._shown_at > LONGEST_STILL:  # a paused game takes no CPU time
            self._draw(surface, content[0], frame.shape[1::-1], panels)
            self._shown, self._shown_at = content, now
        self._clock.tick(self._fps)
        self.busy = self._clock.get_rawtime() / 1000

    def close(self) -> None:
        """Closes the window."""
        self._pygame.display.quit()

    def _draw(self, surface: Any, pixels: bytes, size: tuple[int, int], panels: Sequence[Panel]) -> None:
        pygame = self._pygame
        picture = pygame.image.frombuffer(pixels, size, "RGB").convert(surface)  # four bytes a pixel scale faster
        scale = min(surface.get_width() / size[0], surface.get_height() / size[1])
        if scale != 1.0:
            picture = pygame.transform.smoothscale(picture, [max(1, round(side * scale)) for side in size])
        surface.fill((0, 0, 0))
        surface.blit(picture, picture.get_rect(center=surface.get_rect().center))
        self._draw_panels(surface, panels)
        pygame.display.flip()

    def _draw_panels(self, surface: Any, panels: Sequence[Panel]) -> None:
        width, height = surface.get_size()
        margin = round(height * 0.025)
        drawn = {}  # a panel is rendered once and cached while it is shown
        for panel in panels:
            key = panel, (width, height)
            text = self._drawn[key] if key in self._drawn else self._render(panel, width, height)
            free = width - 2 * margin - text.get_width(), height - 2 * margin - text.get_height()
            surface.blit(text, (margin + panel.place[0] * free[0], margin + panel.place[1] * free[1]))
            drawn[key] = text
        self._drawn = drawn

    def _render(self, panel: Panel, width: int, height: int) -> Any:
        """Returns the panel as a surface in proportion to the window, so it fits into windows of any size."""
        size = FINER * max(SMALLEST_FONT, round(min(height, 0.6 * width) / LINES_PER_WINDOW))
        pygame = self._pygame
        plain, large = self._font(size), self._font(round(size * 1.3))
        padding, gap = round(size * 0.6), size
        cells = [
            [plain.render(cell, True, TEXT if column and row[0] else LABEL) for column, cell in enumerate(row)]
            for row in panel.rows
        ]
        title = [large.render(panel.title, True, panel.color)] if panel.title else []
        columns = [max(cell.get_width() for cell in column) for column in zip(*cells, strict=True)]
        wide = max([sum(columns) + gap * (len(columns) - 1), *(text.get_width() for text in title)])
        head = sum(text.get_height() for text in title)
        between = size // 2 if title and cells else 0
        line = round(plain.get_linesize() * 1.15)
        high = head + between + line * (len(cells) - 1) + plain.get_height() if cells else head
        surface = pygame.Surface((wide + 2 * padding, high + 2 * padding), pygame.SRCALPHA)
        pygame.draw.rect(surface, GROUND, surface.get_rect(), border_radius=padding)
        for text in title:
            surface.blit(text, (padding, padding))
        for number, row in enumerate(cells):
            x = padding
            for cell, column in zip(row, columns, strict=True):
                surface.blit(cell, (x, padding + head + between + line * number))
                x += column + gap
        return pygame.transform.smoothscale(surface, [side // FINER for side in surface.get_size()])

    def _font(self, size: int) -> Any:
        if size not in self._fonts:
            self._pygame.font.init()
            self._fonts[size] = self._pygame.font.Font(None, size)
        return self._fonts[size]
