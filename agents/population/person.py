"""People: lasting traits that distinguish one demonstrator from another.

A person is drawn from a table of traits by number and is the same in every episode. Traits with a side are relative to
the person: people whose first side is the right are mirror images of those whose first side is the left. So only the
shares of the two groups can distinguish left from right.

docs/demonstrations.md lists which numbers come from the literature and which are guesses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jumppad_env.rules import CHARACTERS
from jumppad_env.streams import stream

SIDES = ("left", "right")


@dataclass(frozen=True)
class Person:
    """Traits of one person."""

    number: int
    """Number within the population."""
    first_side: str
    """"left" or "right": where the person looks first."""
    favorite: str
    """Favorite character."""
    skill: float
    """0 (clumsy) to 1 (expert); most of the other traits depend on it."""
    boredom: float
    """0 to 1: tendency to dawdle, attack for fun, and do something else."""
    boldness: float
    """0 to 1: tendency to hop, run at full speed, and leave the track."""
    taste_first: float
    """Weight of the pad on the first side, among the three."""
    taste_middle: float
    """Weight of the pad in the middle."""
    taste_other: float
    """Weight of the pad on the other side."""
    reaction: float
    """Reaction time, s."""
    start: float
    """Mean time before the first movement, beyond the reaction time, s."""
    grip: float
    """Share of the distance to the target position that a stick moves in 0.1 s."""
    tremor: float
    """Standard deviation of the stick noise, as a share of the deflection."""
    drift: float
    """Standard deviation of the slow heading error, rad; 85% of it remains after 0.1 s."""
    aim_deadband: float
    """Error of the left stick's direction that is tolerated, rad."""
    camera_gain: float
    """Share of the camera error that the right stick corrects in 0.1 s."""
    camera_deadband: float
    """Camera error that is tolerated, rad."""
    glance: float
    """Chance of a glance to the first side before setting out."""
    lateral: float
    """Habitual offset from the center of the path towards the first side, m."""
    lookahead: float
    """Distance from a waypoint at which the person heads for the next, m."""
    fidget: float
    """Chance per 0.1 s of pressing a button without function."""

    @property
    def mirrored(self) -> bool:
        """Whether the first side is the right, so that behavior is mirrored."""
        return self.first_side == "right"

    @property
    def habit(self) -> float:
        """Chance of choosing the first of the two sides."""
        return self.taste_first / (self.taste_first + self.taste_other)


class Trait(NamedTuple):
    """Distribution of a trait: uniform between two bounds that depend on skill."""

    clumsy: tuple[float, float]
    """Bounds at skill 0."""
    expert: tuple[float, float]
    """Bounds at skill 1."""

    def at(self, skill: float, place: float) -> float:
        """Returns the value at a relative place between the bounds, 0 (lower) to 1 (upper)."""
        low = self.clumsy[0] + skill * (self.expert[0] - self.clumsy[0])
        high = self.clumsy[1] + skill * (self.expert[1] - self.clumsy[1])
        return low + place * (high - low)


def always(low: float, high: float) -> Trait:
    """Returns a trait that is independent of skill."""
    return Trait((low, high), (low, high))


@dataclass(frozen=True)
class Traits:
    """Distributions that people are drawn from."""

    left_first: float = 0.70
    """Share of people whose first side is the left."""
    favorites: tuple[float, ...] = (0.30, 0.15, 0.25, 0.20, 0.10)
    """Shares of the favorite characters, ordered as `jumppad_env.rules.CHARACTERS`."""
    skill: Trait = always(0.2, 1.0)
    boredom: Trait = always(0.0, 1.0)
    boldness: Trait = always(0.0, 1.0)
    taste_first: Trait = always(0.7, 1.3)
    taste_middle: Trait = always(0.6, 1.4)
    taste_other: Trait = always(0.1, 0.4)
    reaction: Trait = Trait((0.22, 0.34), (0.16, 0.26))
    start: Trait = Trait((0.15, 0.6), (0.05, 0.25))
    grip: Trait = Trait((0.50, 0.75), (0.75, 0.95))
    tremor: Trait = Trait((0.06, 0.14), (0.02, 0.06))
    drift: Trait = Trait((0.06, 0.18), (0.02, 0.06))
    aim_deadband: Trait = Trait((0.10, 0.25), (0.03, 0.10))
    camera_gain: Trait = always(0.20, 0.45)
    camera_deadband: Trait = Trait((0.08, 0.25), (0.04, 0.08))
    glance: Trait = always(0.0, 0.5)
    lateral: Trait = Trait((-0.7, 0.9), (-0.2, 0.4))
    lookahead: Trait = always(2.0, 3.5)
    fidget: Trait = Trait((0.0, 0.010), (0.0, 0.002))


def draw_person(traits: Traits, number: int) -> Person:
    """Returns the person with this number; the same distributions and number give the same person.

    Raises:
        ValueError: the number is negative.
    """
    generator = stream(0, "person", number)
    side, character, skill_place, *places = generator.random(3 + len(DRAWN)).tolist()
    skill = traits.skill.at(0.0, skill_place)
    edges = np.cumsum(traits.favorites)
    favorite = int(np.searchsorted(edges, character * edges[-1], side="right"))
    values = {name: getattr(traits, name).at(skill, place) for name, place in zip(DRAWN, places, strict=True)}
    return Person(
        number=number,
        first_side="left" if side < traits.left_first else "right",
        favorite=list(CHARACTERS)[min(favorite, len(CHARACTERS) - 1)],
        skill=skill,
        **values,
    )


def mirrored(person: Person) -> Person:
    """Returns the same person with left and right swapped."""
    return dataclasses.replace(person, first_side=SIDES[person.first_side == "left"])


DRAWN = tuple(field.name for field in dataclasses.fields(Person))[4:]
"""Traits that depend on skill: all after `skill`."""
