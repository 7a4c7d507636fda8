"""Modes of behavior: one small strategy each.

A mode receives a `View` once per control step and returns an `Intent`: where to go, where to look, what to press, and
with which goal. `demonstrator.py` turns intents into stick deflections, with the person's delay and noise.

Strategies are written for people whose first side is the left; `demonstrator.py` mirrors them for the others.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np

from agents.population.person import Person
from agents.population.ways import Path, Point, bearing, distance, lane, pad_point, way
from jumppad_env import gamepad
from jumppad_env.island import Places

GOALS = (
    "wait",  # before reacting to the start
    "rest",  # stands still
    "look",  # looks around
    "stroll",
    "box",  # shadow-boxes
    "to_stairs",
    "to_garden",  # through the neck
    "to_pad",
    "past_pad",  # runs past the pad
    "return",  # to the pad that was missed
    "watch",  # watches the flight
    "to_wall",
    "leap",  # leaps over the wall
    "astray",  # heads for a dead end
)
"""Goals of people; the ground truth of every step is an index into this tuple."""

TAKE_OFF = 0.9
"""m before the last place to jump from, at which people press the button."""
LOOK_STEPS = 15
"""Control steps for which a standing person looks in one direction."""


class View(NamedTuple):
    """What a person observes of the state."""

    step: int
    x: float
    y: float
    z: float
    speed: float
    camera_yaw: float
    pad: int


class Intent(NamedTuple):
    """What a person intends to do in this step."""

    goal: str
    """One of `GOALS`."""
    go: float | None = None
    """Direction to move in, rad, counterclockwise from +y; None stands still."""
    pace: float = 1.0
    """Share of full deflection."""
    look: float | None = None
    """Direction to look in, rad; None leaves the camera alone."""
    press: tuple[int, ...] = ()
    """Indices of buttons in the action."""


class Mode(Protocol):
    """A strategy for one episode."""

    def intend(self, view: View) -> Intent:
        """Returns the intent of this control step; called once per step."""
        ...


WAIT, REST, WATCH = Intent("wait"), Intent("rest"), Intent("watch")


class Run:
    """Follows the track to a pad, or its first points, at the person's own pace and lateral offset."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator, pad: int) -> None:
        """Draws the lateral offset, which varies slightly between the runs of a person."""
        self.lateral = -(person.lateral + person.drift * float(generator.normal()))
        self.path = Path(lane(island, pad, self.lateral), person.lookahead)
        self._pace = min(1.0, 0.75 + 0.4 * person.boldness)
        self._stairs = float(island.ways["stairs"][1])
        self._garden = float(island.ways["neck_out"][1])
        self._jumps: list[Point] = [(float(x), float(y)) for x, y, _ in island.jumps[pad]]
        self._reaction = person.reaction

    def intend(self, view: View) -> Intent:
        """Heads for the next point and looks there; jumps where it has to, early by the time it takes to react."""
        direction = self.path.heading(view)
        goal = "to_stairs" if view.y < self._stairs else "to_garden" if view.y < self._garden else "to_pad"
        near = TAKE_OFF + view.speed * self._reaction
        press = (gamepad.A,) if any(distance(view, place) < near for place in self._jumps) else ()
        return Intent(goal, direction, self._pace, direction, press)


class Direct:
    """Runs to a pad."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator, pad: int) -> None:
        self._run = Run(island, person, generator, pad)
        self._run.path.points.append(pad_point(island, pad, 0.5, min(0.6, max(-0.6, self._run.lateral))))
        self._stroll = Wander(island, person, generator)
        dawdles, steps = generator.random() < 0.3 * person.boredom, int(generator.integers(8, 28))
        self._set_out = steps if dawdles else 0
        glances, self._glance = generator.random() < person.glance, float(generator.uniform(0.3, 0.9))
        self._glance_until = self._set_out + (int(generator.integers(6, 13)) if glances else 0)

    def intend(self, view: View) -> Intent:
        """May stroll first; glances to the first side, follows the lane onto the pad, watches the flight."""
        if view.pad >= 0:
            return WATCH
        if view.step < self._set_out:
            return self._stroll.intend(view)
        intent = self._run.intend(view)
        if view.step < self._glance_until:
            return intent._replace(look=self._glance)
        return intent


class MissAndReturn:
    """Runs past a side pad, or into the wall beside the middle one, then turns around and comes back."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator, pad: int) -> None:
        room = island.passing[pad]
        side = float(generator.choice([-1.0, 1.0]))
        inner = side if room.both_sides else 1.0 if pad == 0 else -1.0
        low, high = room.across
        across = float(generator.uniform(low, high)) if high > low else low
        points = [(along, share * across) for along, share in (room.before, room.beyond)] + [room.retreat]
        self._before, self._beyond, self._retreat = (
            pad_point(island, pad, along, inner * far) for along, far in points
        )
        self._run = Run(island, person, generator, pad)
        self._run.path.points[-1:] = [self._before]
        self._pad = pad_point(island, pad)
        self._hesitation = int(generator.integers(2, 6))
        self._passing = self._retreated = False
        self._missed_at: int | None = None

    def intend(self, view: View) -> Intent:
        """Misses, hesitates, returns."""
        if view.pad >= 0:
            return WATCH
        if self._missed_at is None:
            self._passing = self._passing or distance(view, self._before) < 1.5
            if not self._passing:
                return self._run.intend(view)
            heading = bearing(view, self._beyond)
            if distance(view, self._beyond) < 0.7 or view.speed < 1.5:
                self._missed_at = view.step
            return Intent("past_pad", heading, look=heading)
        self._retreated = self._retreated or distance(view, self._retreat) < 1.5
        back = bearing(view, self._pad if self._retreated else self._retreat)
        if view.step - self._missed_at < self._hesitation:
            return Intent("look", look=back)
        return Intent("return", back, look=back)


class Wander:
    """Strolls across the plaza between random points."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator) -> None:
        center, half = island.plaza
        self._points: list[Point] = (generator.uniform(-1.0, 1.0, size=(20, 2)) * half[:2] + center[:2]).tolist()
        self._pace = float(generator.uniform(0.55, 1.0))
        self._rests = (generator.random(20) < 0.3).tolist()
        self._resting = 0

    def intend(self, view: View) -> Intent:
        """Heads for the next point; sometimes rests there."""
        if self._resting > 0:
            self._resting -= 1
            return REST
        if distance(view, self._points[0]) < 1.3 and len(self._points) > 1:
            self._points.pop(0)
            if self._rests[len(self._points) - 1]:
                self._resting = 6
        direction = bearing(view, self._points[0])
        return Intent("stroll", direction, self._pace, direction)


class GiveUp:
    """Sets out for a pad, stops on the way and stays there."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator) -> None:
        last = int(generator.integers(2, 5))
        self._run = Run(island, person, generator, int(generator.integers(len(island.pads))))
        del self._run.path.points[last:]
        self._end = self._run.path.points[-1]
        self._arrived_at: int | None = None
        self._look = _looks(generator, 8, 2.5)

    def intend(self, view: View) -> Intent:
        """Goes to its end point, then stands and looks around."""
        if self._arrived_at is None:
            if distance(view, self._end) >= 2.0:
                return self._run.intend(view)
            self._arrived_at = view.step
        return Intent("look", look=self._look[(view.step - self._arrived_at) // LOOK_STEPS % len(self._look)])


class LoseWay:
    """Gets lost: runs into walls and planters, notices late, and tries elsewhere."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator) -> None:
        side = _side(person, generator)
        center, half = island.plaza
        self._run: Run | None = None
        if generator.random() < 0.5:  # never finds the stairs
            front, back = float(center[1] + half[1]), float(center[1] - half[1])
            aims = [(side * 7.5, front), (-side * 8.5, float(generator.uniform(back, front))), (side * 4.0, back - 2.0)]
        else:  # mistakes a garden bed for a path, and the wall between two pads for its end
            middle = len(island.pads) // 2
            self._run = Run(island, person, generator, middle)
            self._run.path.points[3:] = []
            bed, lane_end = island.lanes[0][0], island.lanes[0][-1]
            end = float(island.lanes[middle][-1][1])
            aims = [(side * abs(bed[0]) * 0.62, lane_end[1]), (side * abs(lane_end[0]) * 0.65, end + 4.0)]
        self._aims: list[Point] = aims
        self._patience = generator.integers(6, 16, size=len(aims)).tolist()
        self._stuck = 0
        self._pause = 0
        self._look = _looks(generator, 8, 2.0)

    def intend(self, view: View) -> Intent:
        """Pushes against the obstacle, stops, looks around, heads for the next wrong place."""
        if self._run is not None:
            if distance(view, self._run.path.points[-1]) >= 2.5:
                return self._run.intend(view)
            self._run = None
        looking = self._look[len(self._aims)]
        if self._pause > 0 or not self._aims:
            self._pause -= 1
            return Intent("look", look=looking)
        self._stuck += view.speed < 2.0
        if self._stuck > self._patience[-len(self._aims)]:
            self._aims.pop(0)
            self._stuck, self._pause = 0, 8
            return REST
        direction = bearing(view, self._aims[0])
        return Intent("astray", direction, look=direction)


class ShadowBox:
    """Shadow-boxes on the plaza: attacks, jumps and dodges around the spawn point."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator) -> None:
        keenness = 0.7 + 0.6 * person.boldness
        chances = ((gamepad.X, 0.4), (gamepad.A, 0.06 * keenness), (gamepad.B, 0.03 * keenness))
        drawn = generator.random((len(chances), 128))
        self._press = [
            tuple(button for (button, chance), place in zip(chances, places, strict=True) if place < chance)
            for places in drawn.T.tolist()
        ]
        self._turns = np.cumsum(generator.normal(0.0, 1.2, size=26)).tolist()
        self._home: Point | None = None

    def intend(self, view: View) -> Intent:
        """Moves around the spawn point."""
        if self._home is None:
            self._home = (view.x, view.y)
        step = view.step % len(self._press)
        direction = self._turns[step // 5]
        if distance(view, self._home) > 2.0:
            direction = bearing(view, self._home)
        return Intent("box", direction, pace=0.6, press=self._press[step])


class Idle:
    """Stands still and looks around now and then."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator) -> None:
        self._glances = (generator.random(8) < 0.35).tolist()
        self._look = _looks(generator, 8, 1.5)

    def intend(self, view: View) -> Intent:
        """Stands, sometimes with a glance."""
        moment = view.step // LOOK_STEPS % len(self._look)
        return Intent("look", look=self._look[moment]) if self._glances[moment] else REST


class LeaveTrack:
    """Jumps over the wall of the plaza or neck down to a side terrace and strolls there."""

    def __init__(self, island: Places, person: Person, generator: np.random.Generator) -> None:
        side = _side(person, generator)
        (center,) = way(island, "terrace_left" if side < 0 else "terrace_right")
        if generator.random() < 0.4:  # from the plaza
            plaza_center, plaza_half = island.plaza
            approach = [(side * 4.5, float(plaza_center[1] + plaza_half[1] - generator.uniform(1.5, 2.5)))]
        else:  # from the neck
            approach = [*way(island, "stairs", "neck_in"), (side, center[1] + float(generator.uniform(*island.leap)))]
        self._approach = Path(approach, person.lookahead)
        self._takeoff = approach[-1]
        self._beyond_wall = abs(self._takeoff[0]) + 4.0
        self._out = -side * math.pi / 2
        self._jumping = False
        self._stroll = Path((generator.uniform(-4.5, 4.5, size=(12, 2)) + center).tolist(), 1.5)

    def intend(self, view: View) -> Intent:
        """Runs to the wall, jumps over it, and strolls on the terrace."""
        if view.z < -1.0:
            direction = self._stroll.heading(view)
            return Intent("stroll", direction, 0.6, direction)
        self._jumping = self._jumping or distance(view, self._takeoff) < 1.5
        if not self._jumping:
            direction = self._approach.heading(view)
            return Intent("to_wall", direction, look=direction)
        if abs(view.x) < self._beyond_wall:
            return Intent("leap", self._out, look=self._out, press=(gamepad.A,))
        return Intent("leap", self._out, pace=0.2, look=self._out)  # slowly, to land on the terrace


def _side(person: Person, generator: np.random.Generator) -> float:
    """Returns -1 for the first side (the left) and 1 for the other."""
    return -1.0 if generator.random() < person.habit else 1.0


def _looks(generator: np.random.Generator, count: int, largest: float) -> list[float]:
    """Returns directions to look in, rad: alternately to the first side and the other, starting with the first."""
    looks = generator.uniform(0.2, 1.0, size=count) * largest
    looks[1::2] *= -1
    return looks.tolist()
