"""Lanes from a neck's end to a pad: straight on easy islands; bent, cut, stepped, sloped or forked on hard ones."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from jumppad_env.levels.drawn import OVERLAP, Drawn, Pose, strip
from jumppad_env.levels.outline import HIGH_WALL

BEFORE_HUB = 1.5
"""m by which a lane reaches back into the neck."""
COURT = 4.5
"""m before a pad's middle at which its lane widens, so that there is room beside the pad."""
BEHIND_PAD = 2.2
"""m from a pad's middle to the end of its lane."""
RUN_UP = 0.5
"""m before an edge from where people leap, at the latest."""
SLOPE = 3.0
"""m, length of a slope."""
PLAIN, BENT, CUT, STEPPED, SLOPED, FORKED = range(6)


class Lane(NamedTuple):
    """A lane as laid out."""

    strips: list[tuple[Any, ...]]
    """Where players walk; see `jumppad_env.levels.outline.STRIP`."""
    floors: list[tuple[Any, ...]]
    """What they stand on; the last one is the court around the pad."""
    points: list[Pose]
    """Along its middle, from where it is on its own."""
    jumps: list[Pose]
    """Where one has to jump."""
    pad: Pose
    court: float
    """Half width of the floor around the pad, m."""
    decoys: list[Pose]
    """What looks like a pad and launches nobody."""


class Shape(NamedTuple):
    """What all kinds of lanes need to know."""

    start: Pose
    """Middle of the hub, and the direction in which the lane leaves it."""
    length: float
    """m to the pad."""
    half: float
    """Half width, m."""
    apart: float
    """m from the hub, where the lane is on its own."""
    court: float
    """Half width of the floor around the pad, m."""
    aside: float
    """m by which the pad is off the middle."""


def lay_lane(kind: int, shape: Shape, drawn: Drawn, outward: int) -> Lane:
    """Lays out a lane.

    Args:
        kind: `PLAIN`, `BENT`, ...
        shape: its size.
        drawn: three numbers are taken, whatever the kind.
        outward: 1 for the first lane from the left, -1 for the last, 0 for those between.
    """
    where, much, sign = drawn.between(0.0, 1.0), drawn.between(0.0, 1.0), drawn.between(-1.0, 1.0)
    start, length, half, apart = shape.start, shape.length, shape.half, shape.apart
    wide, run = 1.5 + 0.7 * much, SLOPE if kind == SLOPED else 0.0
    span = wide if kind == CUT else run  # of what is in the way, between where the lane is on its own and the court
    at = apart + 0.5 + max(length - COURT - 0.7 - span - apart - 0.5, 0.0) * where
    whole = strip(start.ahead(-BEFORE_HUB), BEFORE_HUB + length + BEHIND_PAD, half, wall=HIGH_WALL)
    near, far = start.ahead(min(apart, length - 5.0)), start.ahead(length - 3.2)
    strips, floors, points, jumps, decoys = [whole], [whole], [near, far], [], []
    pad = start.ahead(length, shape.aside)
    if kind == BENT:
        turn = math.copysign(math.radians(8 + 6 * much), outward or sign)
        corner, reach = start.ahead(at), half * math.tan(abs(turn)) + OVERLAP
        first = strip(start.ahead(-BEFORE_HUB), BEFORE_HUB + at + reach, half, wall=HIGH_WALL)
        onward = corner.turned(turn)
        strips = [first, strip(onward.ahead(-reach), reach + length - at + BEHIND_PAD, half, wall=HIGH_WALL)]
        floors, pad = list(strips), onward.ahead(length - at, shape.aside)
        points = [start.ahead(min(apart, at)), corner, onward.ahead(length - at - 3.2)]
    elif kind == CUT:
        beyond = start.ahead(at + wide)
        floors = [
            strip(start.ahead(-BEFORE_HUB), BEFORE_HUB + at, half, wall=HIGH_WALL),
            strip(beyond, length + BEHIND_PAD - at - wide, half, wall=HIGH_WALL),
        ]
        jumps, points = [start.ahead(at - RUN_UP)], [near, beyond, far]
    elif kind in (STEPPED, SLOPED):
        rise = 0.3 + 0.25 * much if kind == STEPPED else math.copysign(0.4 + 0.6 * much, sign)
        lower = strip(start.ahead(-BEFORE_HUB), BEFORE_HUB + at, half, wall=HIGH_WALL)
        up = start._replace(z=start.z + rise)
        after = BEHIND_PAD + length - at - run
        slope = [strip(start.ahead(at), run, half, up.z, HIGH_WALL)] if run else []
        back = [strip(start.ahead(at - OVERLAP), run + OVERLAP, half, up.z, HIGH_WALL)] if run else []
        floors = [lower, *slope, strip(up.ahead(at + run), after, half, wall=HIGH_WALL)]
        strips = [lower, *back, strip(up.ahead(at + run - OVERLAP), after + OVERLAP, half, wall=HIGH_WALL)]
        jumps = [start.ahead(at - RUN_UP)] if kind == STEPPED else []
        pad, points = up.ahead(length, shape.aside), [near, up.ahead(length - 3.2)]
    elif kind == FORKED:
        branch = start.ahead(apart + 0.3).turned(outward * math.radians(30 + 8 * much))
        long = half / math.sin(math.radians(30)) + 4.0
        dead_end = strip(branch, long, half * 0.9, wall=HIGH_WALL)
        strips, floors, decoys = [whole, dead_end], [whole, dead_end], [branch.ahead(long - 1.8)]
    court = strip(pad.ahead(-COURT, -shape.aside), COURT + BEHIND_PAD, shape.court, wall=HIGH_WALL)
    return Lane([*strips, court], [*floors, court], points, jumps, pad, shape.court, decoys)


def kinds_of(outer: bool) -> tuple[int, ...]:
    """Returns what a lane of a hard island may be; only the outer ones have room for a bend or a fork."""
    return (PLAIN, BENT, CUT, STEPPED, SLOPED, FORKED) if outer else (PLAIN, CUT, STEPPED, SLOPED)
