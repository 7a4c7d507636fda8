"""A pygame window, for `render_mode="human"` and for playing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Color = tuple[int, int, int]
WHITE: Color = (255, 255, 255)
GROUND = (14, 18, 26, 215)
"""Behind text: dark, and a little of the game shines through."""
LABEL, TEXT = (168, 180, 196), (240, 243, 247)
LINES_PER_WINDOW = 18
"""How high text is: so many lines would fill a window of usual shape."""
SMALLEST_FONT = 8
"""Pixels; a panel may outgrow a window too small for this."""
FINER = 2
"""Text is written so many times as large, then scaled down: pygame's font sets small letters unevenly."""
LONGEST_STILL = 0.25
"""s until what has not changed is shown again all the same: something may have lain over the window."""


class Panel(NamedTuple):
    """Text on a translucent ground."""

    title: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    """Cells of a table, as many in each row; the first column is a label."""
    place: tuple[float, float] = (0.5, 0.5)
    """From left (0) to right (1) and from top (0) to bottom (1) of the window."""
    color: Color = WHITE
    """Of the title."""


class Window:
    """Shows frames at a steady rate, scaled to whatever size the window is dragged to.

    Args:
        height: pixels, at first.
        width: pixels, at first.
        fps: frames per second; `show` waits to keep it. 0 never waits.

    Attributes:
        busy: s that passed between the last two calls of `show`, without the waiting.
    """

    def __init__(self, height: int, width: int, fps: int) -> None:
        """Opens the window.

        Raises:
            ImportError: pygame is missing; the message says how to get it.
        """
        try:
            import pygame
        except ImportError as error:
            raise ImportError('render_mode="human" needs pygame: pip install pygame') from error
        self._pygame = pygame
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            # Without a screen SDL might pick a driver that needs one.
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
        """Shows a frame, uint8 (height, width, 3), with panels over it, then waits until the next is due."""
        pygame = self._pygame
        pygame.event.pump()
        surface = pygame.display.get_surface()
        content = frame.tobytes(), tuple(panels), surface.get_size()
        now = time.monotonic()
        if content != self._shown or now - self._shown_at > LONGEST_STILL:  # a pause costs no computing time
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
        drawn = {}  # a panel is written once, and forgotten when it is not shown any more
        for panel in panels:
            key = panel, (width, height)
            text = self._drawn[key] if key in self._drawn else self._write(panel, width, height)
            free = width - 2 * margin - text.get_width(), height - 2 * margin - text.get_height()
            surface.blit(text, (margin + panel.place[0] * free[0], margin + panel.place[1] * free[1]))
            drawn[key] = text
        self._drawn = drawn

    def _write(self, panel: Panel, width: int, height: int) -> Any:
        """Returns the panel as a surface, in proportion to the window: what fits into one fits into all."""
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
