"""Walls around strips: the outline of a union of rectangles.

Islands are laid out as strips of floor that overlap where one leads into the next. A wall stands wherever the edge of a
strip lies in no other one, so every way in and out is open and everything else is closed, whatever the rules of a level
draw.
"""

import math

import numpy as np

from jumppad_env.compiled import compiled, compiled_part

STRIP = ("x", "y", "heading", "length", "half", "low", "high", "wall")
"""Columns of a strip: middle of its start (m), direction (rad, counter-clockwise from +y), length and half width (m),
height of the floor at its start and end (m), and what stands along its edges."""
S_X, S_Y, S_HEADING, S_LENGTH, S_HALF, S_LOW, S_HIGH, S_WALL = range(len(STRIP))
NO_WALL, LOW_WALL, HIGH_WALL = 0.0, 1.0, 2.0
"""Nothing; a wall that can be jumped over; one that cannot."""
WALL = ("x0", "y0", "x1", "y1", "bottom", "top", "wall")
"""Columns of a wall: its ends (m), with the strip on the left; lowest and highest floor beside it (m); its kind."""
SHORTEST = 0.05
"""m; a shorter piece of wall is left out: nobody fits through."""
INSIDE = 1e-6
"""m by which an edge must lie in another strip: edges of two strips on one line both keep their walls."""


@compiled
def outline(strips, walls):
    """Finds the walls around strips.

    Args:
        strips: (S, len(STRIP)) float64.
        walls: (W, len(WALL)) float64, output.

    Returns:
        The number of walls; those that do not fit into the output are only counted.
    """
    count = 0
    covered = np.empty((len(strips), 2))  # parts of an edge that lie in other strips, shares of its length
    for own in range(len(strips)):
        if strips[own, S_WALL] == NO_WALL:
            continue
        length, half = strips[own, S_LENGTH], strips[own, S_HALF]
        low, high = strips[own, S_LOW], strips[own, S_HIGH]
        cos, sin = math.cos(strips[own, S_HEADING]), math.sin(strips[own, S_HEADING])
        corners = ((0.0, half), (length, half), (length, -half), (0.0, -half))  # ahead, right; counter-clockwise
        for side in range(4):
            a, b = corners[side]
            c, d = corners[(side + 1) % 4]
            x0, y0 = strips[own, S_X] - a * sin + b * cos, strips[own, S_Y] + a * cos + b * sin
            x1, y1 = strips[own, S_X] - c * sin + d * cos, strips[own, S_Y] + c * cos + d * sin
            found = 0
            for other in range(len(strips)):
                if other == own:
                    continue
                first, last = clip(strips[other], x0, y0, x1, y1)
                if last > first:
                    place = found
                    while place > 0 and covered[place - 1, 0] > first:  # kept in order
                        covered[place] = covered[place - 1]
                        place -= 1
                    covered[place, 0], covered[place, 1] = first, last
                    found += 1
            extent = math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
            begin = 0.0
            for index in range(found + 1):
                end = covered[index, 0] if index < found else 1.0
                if (end - begin) * extent > SHORTEST:
                    if count < len(walls):
                        wall = walls[count]
                        wall[0], wall[1] = x0 + begin * (x1 - x0), y0 + begin * (y1 - y0)
                        wall[2], wall[3] = x0 + end * (x1 - x0), y0 + end * (y1 - y0)
                        start = low + (a + begin * (c - a)) / length * (high - low)
                        stop = low + (a + end * (c - a)) / length * (high - low)
                        wall[4], wall[5] = min(start, stop), max(start, stop)
                        wall[6] = strips[own, S_WALL]
                    count += 1
                if index < found:
                    begin = max(begin, covered[index, 1])
    return count


@compiled_part
def clip(strip, x0, y0, x1, y1):
    """Returns where a line enters and leaves a strip, shares of its length; the second is smaller if it does not."""
    cos, sin = math.cos(strip[S_HEADING]), math.sin(strip[S_HEADING])
    first, last = 0.0, 1.0
    ahead0 = (y0 - strip[S_Y]) * cos - (x0 - strip[S_X]) * sin
    ahead1 = (y1 - strip[S_Y]) * cos - (x1 - strip[S_X]) * sin
    right0 = (x0 - strip[S_X]) * cos + (y0 - strip[S_Y]) * sin
    right1 = (x1 - strip[S_X]) * cos + (y1 - strip[S_Y]) * sin
    length, half = strip[S_LENGTH], strip[S_HALF]
    for start, stop in (
        (ahead0 - INSIDE, ahead1 - INSIDE),
        (length - ahead0 - INSIDE, length - ahead1 - INSIDE),
        (right0 + half - INSIDE, right1 + half - INSIDE),
        (half - right0 - INSIDE, half - right1 - INSIDE),
    ):  # inside where all of these are positive
        if start < 0.0 and stop < 0.0:
            return 1.0, 0.0
        if start < 0.0:
            first = max(first, start / (start - stop))
        elif stop < 0.0:
            last = min(last, start / (start - stop))
    return first, last
