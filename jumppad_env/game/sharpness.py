"""Adaptive resolution: draws the largest size that keeps the frame rate. The window scales it to its own size."""

SMALLER = (1.0, 5 / 6, 2 / 3, 1 / 2, 1 / 3)
"""Available sizes, as fractions of the requested height and width."""
FRAMES_TO_SHRINK, FRAMES_TO_GROW = 10, 90
"""Frames at one size before the next is tried: shrink soon, grow only if the speed is stable."""
SPARE = 0.8
"""Largest share of the time for a frame that the next larger size may be expected to take."""


class Sharpness:
    """Chooses the drawn size from frame times.

    Args:
        size: requested (height, width), pixels.
        slowest: longest acceptable time of a frame, s.

    Attributes:
        size: (height, width) to draw now.
    """

    def __init__(self, size: tuple[int, int], slowest: float) -> None:
        height, width = size
        self._sizes = [(max(8, round(part * height)), max(8, round(part * width))) for part in SMALLER]
        self._slowest = slowest
        self._choose(0)

    def note(self, seconds: float) -> None:
        """Records the time of a frame at the current size, s, excluding any wait."""
        self._frames += 1
        self._seconds += min(seconds, 2 * self._slowest)  # a single stall does not mean a slow computer
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
