"""How large a game is drawn: as large as the computer draws often enough. The window scales it to its own size."""

from __future__ import annotations

SMALLER = (1.0, 5 / 6, 2 / 3, 1 / 2, 1 / 3)
"""Height and width that can be drawn, as parts of what was asked for."""
FRAMES_TO_SHRINK, FRAMES_TO_GROW = 10, 90
"""Frames at one size before another is tried: what is too slow is seen soon, what is fast enough should stay so."""
SPARE = 0.8
"""Part of the time for a frame that the next larger size must be expected to need at most."""


class Sharpness:
    """Chooses among sizes by how long frames take.

    Args:
        size: (height, width) asked for, pixels.
        slowest: s that a frame may take.

    Attributes:
        size: (height, width) to draw now.
    """

    def __init__(self, size: tuple[int, int], slowest: float) -> None:
        """Begins with the size asked for."""
        height, width = size
        self._sizes = [(max(8, round(part * height)), max(8, round(part * width))) for part in SMALLER]
        self._slowest = slowest
        self._choose(0)

    def note(self, seconds: float) -> None:
        """Takes account of a frame drawn at this size, that took so long without any waiting."""
        self._frames += 1
        self._seconds += min(seconds, 2 * self._slowest)  # one that got stuck is no slow computer
        mean = self._seconds / self._frames
        if self._frames >= FRAMES_TO_SHRINK and mean > self._slowest and self._index + 1 < len(self._sizes):
            self._choose(self._index + 1)
        elif self._frames >= FRAMES_TO_GROW:
            pixels = [height * width for height, width in self._sizes]
            grows = self._index > 0 and mean * pixels[self._index - 1] / pixels[self._index] < SPARE * self._slowest
            self._choose(self._index - grows)

    def _choose(self, index: int) -> None:
        self._index = index
        self.size: tuple[int, int] = self._sizes[index]
        self._frames, self._seconds = 0, 0.0
