"""A pygame window, for `render_mode="human"` and for playing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import numpy as np


class Window:
    """Shows frames at a steady rate.

    Args:
        height: pixels.
        width: pixels.
        fps: frames per second; `show` waits to keep it.
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
        self._surface = pygame.display.set_mode((width, height))
        pygame.display.set_caption("jumppad")
        self._clock = pygame.time.Clock()
        self._fps = fps

    def show(self, frame: np.ndarray, lines: Sequence[str] = ()) -> None:
        """Shows a frame, uint8 (height, width, 3), with lines of text over its lower edge."""
        pygame = self._pygame
        pygame.event.pump()
        pygame.surfarray.blit_array(self._surface, frame.swapaxes(0, 1))
        if lines:
            self._write(lines)
        pygame.display.flip()
        self._clock.tick(self._fps)

    def _write(self, lines: Sequence[str]) -> None:
        pygame = self._pygame
        pygame.font.init()
        font = pygame.font.Font(None, 20)
        bottom = self._surface.get_height() - 6
        for line in reversed(lines):
            for color, offset in (((0, 0, 0), 1), ((255, 255, 255), 0)):  # a shadow, to be read on anything
                text = font.render(line, True, color)
                self._surface.blit(text, (8 + offset, bottom - text.get_height() + offset))
            bottom -= font.get_linesize()

    def close(self) -> None:
        """Closes the window."""
        self._pygame.display.quit()
