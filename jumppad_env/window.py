"""A pygame window for `render_mode="human"`."""

from __future__ import annotations

import os
import sys

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
            # Without a screen SDL would pick a driver that shares our EGL display, and terminate it on closing.
            os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        pygame.display.init()
        self._surface = pygame.display.set_mode((width, height))
        pygame.display.set_caption("jumppad")
        self._clock = pygame.time.Clock()
        self._fps = fps

    def show(self, frame: np.ndarray) -> None:
        """Shows a frame, uint8 (height, width, 3)."""
        pygame = self._pygame
        pygame.event.pump()
        pygame.surfarray.blit_array(self._surface, frame.swapaxes(0, 1))
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Closes the window."""
        self._pygame.display.quit()
