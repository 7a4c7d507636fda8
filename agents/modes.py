"""What people do at this place: one small strategy per mode of behavior.

A mode looks at a `View` once per control step and returns an `Intent`: where to go, where to look, what to press. The
pilot (`agents.demonstrator`) turns intents into stick deflections, with the person's delay and noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from agents.person import Person
from jumppad_env import gamepad
from jumppad_env.island import Island
from jumppad_env.rules import PADS

Point = tuple[float, float]


@dataclass(frozen=True)
class View:
    """What a person sees of the game: the state, without the future."""

    step: int
    x: float
    y: float
    z: float
    speed: float
    camera_yaw: float
    pad: int


@dataclass(frozen=True)
class Intent:
    """What a person wants to do in this step."""

    go: float | None = None
    """Direction to move in, rad, counter-clockwise from +y; None stands still."""
    pace: float = 1.0
    """Share of full deflection."""
    look: float | None = None
    """Direction to look in, rad; None leaves the camera alone."""
    press: tuple[int, ...] = field(default=())
    """Indices of buttons in the action."""


class Mode(Protocol):
    """A strategy for one episode."""

    def intend(self, view: View) -> Intent:
        """Returns what to do now; called once per control step."""
        ...


def bearing(view: View, point: Point) -> float:
    """Returns the direction from the character to a point, rad, counter-clockwise from +y."""
    return math.atan2(view.x - point[0], point[1] - view.y)


def distance(view: View, point: Point) -> float:
    """Returns the distance to a point, m."""
    return math.hypot(view.x - point[0], view.y - point[1])


class Path:
    """Follows points one after the other; the last is run into."""

    def __init__(self, points: list[Point], lookahead: float) -> None:
        self.points = points
        self.lookahead = lookahead

    def intend(self, view: View) -> Intent:
        """Heads for the next point, looking where it goes."""
        points = self.points
        # A point is done when reached, or when the next is nearer to us than to it: then we have passed it.
        while len(points) > 1 and (
            distance(view, points[0]) < self.lookahead or distance(view, points[1]) < math.dist(points[0], points[1])
        ):
            points.pop(0)
        direction = bearing(view, self.points[0])
        return Intent(go=direction, look=direction)


def way(island: Island, *names: str, lateral: float = 0.0) -> list[Point]:
    """Returns the named points of the track, shifted to the right by `lateral` m."""
    return [(float(island.ways[name][0]) + lateral, float(island.ways[name][1])) for name in names]


def lane(island: Island, pad: int, person: Person) -> list[Point]:
    """Returns the way from the plaza to just before a pad."""
    side = PADS[pad]
    track = way(island, "stairs", "neck_in", "neck_out", lateral=float(np.clip(person.lateral * 1.6, -1.9, 1.9)))
    return track + way(island, f"{side}_in", f"{side}_out", lateral=float(np.clip(person.lateral, -0.7, 0.7)))


def pad_point(island: Island, pad: int, along: float = 0.0, across: float = 0.0) -> Point:
    """Returns a point near a pad: `along` m further in launch direction, `across` m to the right of it."""
    center, landing = island.pads[pad], island.landings[pad]
    dx, dy = float(landing[0] - center[0]), float(landing[1] - center[1])
    length = math.hypot(dx, dy)
    dx, dy = dx / length, dy / length
    return float(center[0]) + along * dx + across * dy, float(center[1]) + along * dy - across * dx


class Direct:
    """Runs to a pad."""

    def __init__(self, island: Island, person: Person, generator: np.random.Generator, pad: int) -> None:
        across = float(np.clip(person.lateral, -0.6, 0.6))
        self._path = Path([*lane(island, pad, person), pad_point(island, pad, 0.5, across)], person.lookahead)
        self._stroll = Wander(island, person, generator)
        self._set_out = person.start_steps + person.dawdle_steps

    def intend(self, view: View) -> Intent:
        """Strolls if in the mood, follows the lane into the pad, and watches the flight."""
        if view.step < self._set_out:
            return self._stroll.intend(view)
        return Intent() if view.pad >= 0 else self._path.intend(view)


class MissAndReturn:
    """Runs past a pad, bumps into the wall behind it, turns round and comes back."""

    def __init__(self, island: Island, person: Person, generator: np.random.Generator, pad: int) -> None:
        inner = {0: 1.0, 1: float(generator.choice([-1.0, 1.0])), 2: -1.0}[pad]  # where there is room to pass
        across = inner * generator.uniform(2.3, 2.7)
        before, passing = pad_point(island, pad, -2.5, across), pad_point(island, pad, 0.0, across)
        beyond = pad_point(island, pad, 1.6, across)
        self._out = Path([*lane(island, pad, person)[:-1], before, passing, beyond], 1.0)
        self._beyond = beyond
        self._pad = pad_point(island, pad)
        self._turn = int(generator.integers(2, 6))
        self._missed_at: int | None = None

    def intend(self, view: View) -> Intent:
        """Misses, hesitates, returns."""
        if view.pad >= 0:
            return Intent()
        if self._missed_at is None:
            close = len(self._out.points) == 1
            if close and (distance(view, self._beyond) < 0.7 or view.speed < 1.5):
                self._missed_at = view.step
            return self._out.intend(view)
        back = bearing(view, self._pad)
        if view.step - self._missed_at < self._turn:
            return Intent(look=back)
        return Intent(go=back, look=back)


class Wander:
    """Strolls about the plaza, from one random point to the next."""

    def __init__(self, island: Island, person: Person, generator: np.random.Generator) -> None:
        center, half = island.plaza
        spread = generator.uniform(-1.0, 1.0, size=(40, 2)) * half[:2] + center[:2]
        self._points: list[Point] = [(float(x), float(y)) for x, y in spread]
        self._pace = float(generator.uniform(0.55, 1.0))
        self._rest = generator.random(40) < 0.3
        self._resting = 0

    def intend(self, view: View) -> Intent:
        """Heads for the next point; sometimes rests there."""
        if self._resting > 0:
            self._resting -= 1
            return Intent()
        if distance(view, self._points[0]) < 1.3 and len(self._points) > 1:
            self._points.pop(0)
            if self._rest[len(self._points) - 1]:
                self._resting = 6
        direction = bearing(view, self._points[0])
        return Intent(go=direction, pace=self._pace, look=direction)


class GiveUp:
    """Sets out for the pads, stops on the way and loiters there."""

    def __init__(self, island: Island, person: Person, generator: np.random.Generator) -> None:
        last = int(generator.integers(2, 5))
        pad = int(generator.integers(len(PADS)))
        self._path = Path(lane(island, pad, person)[:last], person.lookahead)
        self._goal = self._path.points[-1]
        self._arrived = False
        self._look = generator.uniform(-2.5, 2.5, size=8)

    def intend(self, view: View) -> Intent:
        """Goes to its place, then stands and looks about."""
        if not self._arrived and distance(view, self._goal) < 2.0:
            self._arrived = True
        if not self._arrived:
            return self._path.intend(view)
        return Intent(look=float(self._look[(view.step // 15) % len(self._look)]))


class ShadowBox:
    """Fights the air on the plaza: attacks, hops and dodges around the spawn."""

    def __init__(self, island: Island, person: Person, generator: np.random.Generator) -> None:
        self._attack = generator.random(400) < 0.4
        self._jump = generator.random(400) < 0.06
        self._dodge = generator.random(400) < 0.03
        self._turns = np.cumsum(generator.normal(0.0, 1.2, size=80))
        self._home: Point | None = None

    def intend(self, view: View) -> Intent:
        """Circles around where it began."""
        if self._home is None:
            self._home = (view.x, view.y)
        step = view.step % 400
        direction = float(self._turns[step // 5])
        if distance(view, self._home) > 2.5:
            direction = bearing(view, self._home)
        choices = ((self._attack, gamepad.X), (self._jump, gamepad.A), (self._dodge, gamepad.B))
        press = tuple(button for chosen, button in choices if chosen[step])
        return Intent(go=direction, pace=0.7, press=press)


class Idle:
    """Does nothing, but looks about now and then."""

    def __init__(self, island: Island, person: Person, generator: np.random.Generator) -> None:
        self._glances = generator.random(40) < 0.35
        self._look = generator.uniform(-1.5, 1.5, size=40)

    def intend(self, view: View) -> Intent:
        """Stands."""
        moment = (view.step // 12) % 40
        return Intent(look=float(self._look[moment]) if self._glances[moment] else None)


class LeaveTrack:
    """Jumps over the wall of plaza or neck, down to a side terrace, and strolls there."""

    def __init__(self, island: Island, person: Person, generator: np.random.Generator) -> None:
        side = "left" if generator.random() < 0.5 else "right"
        (center,) = way(island, f"terrace_{side}")
        outward = math.copysign(1.0, center[0])
        if generator.random() < 0.4:  # from the plaza
            plaza_center, plaza_half = island.plaza
            approach = [(outward * 4.5, float(plaza_center[1] + plaza_half[1] - generator.uniform(1.5, 2.5)))]
        else:  # from the neck
            approach = [*way(island, "stairs", "neck_in"), (outward, center[1] + float(generator.uniform(2.0, 7.0)))]
        self._path = Path(approach, person.lookahead)
        self._takeoff = approach[-1]
        self._out = -outward * math.pi / 2
        self._jumping = False
        spread = generator.uniform(-4.5, 4.5, size=(12, 2)) + center
        self._stroll = Path([(float(x), float(y)) for x, y in spread], 1.5)

    def intend(self, view: View) -> Intent:
        """Runs up to the wall, over it, and about on the terrace."""
        if view.z < -1.0:
            intent = self._stroll.intend(view)
            return Intent(go=intent.go, look=intent.look, pace=0.6)
        self._jumping = self._jumping or distance(view, self._takeoff) < 1.5
        if not self._jumping:
            return self._path.intend(view)
        return Intent(go=self._out, look=self._out, press=(gamepad.A,))
