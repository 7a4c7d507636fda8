"""Populations: who plays, and how often they do what."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from agents.population import modes
from agents.population.modes import Mode
from agents.population.person import DRAWN, SIDES, Person, Traits, always, draw_person
from jumppad_env.island import Island
from jumppad_env.rules import CHARACTERS, PADS

MakeMode = Callable[[Island, Person, np.random.Generator], Mode]


def _to(strategy: Callable[..., Mode], pad: str) -> MakeMode:
    index = PADS.index(pad)
    return lambda island, person, generator: strategy(island, person, generator, index)


MODES: dict[str, MakeMode] = {
    "direct_left": _to(modes.Direct, "left"),
    "direct_middle": _to(modes.Direct, "middle"),
    "direct_right": _to(modes.Direct, "right"),
    "miss_left": _to(modes.MissAndReturn, "left"),
    "miss_middle": _to(modes.MissAndReturn, "middle"),
    "miss_right": _to(modes.MissAndReturn, "right"),
    "wander": modes.Wander,
    "give_up": modes.GiveUp,
    "lose_way": modes.LoseWay,
    "shadow_box": modes.ShadowBox,
    "idle": modes.Idle,
    "leave_track": modes.LeaveTrack,
}
"""Every mode by name."""

SIDED = {"direct_side": "direct_{}", "miss_side": "miss_{}"}
"""Entries of a table of shares that become a mode once a person has chosen the left or the right."""


def _more(trait: float) -> float:
    """Returns how much likelier somebody does what goes with a trait from 0 to 1, on average 1."""
    return 0.3 + 1.4 * trait


TILTS: dict[str, Callable[[Person], float]] = {
    "direct_middle": lambda person: person.taste_middle,
    "direct_side": lambda person: person.taste_first + person.taste_other,
    "miss_middle": lambda person: person.taste_middle * _more(1.0 - person.skill),
    "miss_side": lambda person: (person.taste_first + person.taste_other) * _more(1.0 - person.skill),
    "wander": lambda person: _more(person.boredom),
    "give_up": lambda person: _more(person.boredom),
    "lose_way": lambda person: _more(1.0 - person.skill),
    "shadow_box": lambda person: _more(person.boredom) * _more(person.boldness),
    "idle": lambda person: _more(person.boredom) * _more(1.0 - person.boldness),
    "leave_track": lambda person: _more(person.boredom) * _more(person.boldness),
}
"""What in a person makes a choice likelier; choices that are not here are everybody's alike."""


@dataclass(frozen=True)
class Population:
    """Lasting people, and the shares of what they choose to do.

    Raises:
        ValueError: nobody, shares that do not add up to 1, or an unknown choice.
    """

    people: tuple[Person, ...]
    shares: dict[str, float]
    """Of all episodes; keys of `MODES` or `SIDED`."""

    def __post_init__(self) -> None:
        if not self.people:
            raise ValueError("a population needs at least one person")
        unknown = set(self.shares) - set(MODES) - set(SIDED)
        if unknown:
            raise ValueError(f"unknown modes {sorted(unknown)}; known are {sorted([*MODES, *SIDED])}")
        total = sum(self.shares.values())
        if abs(total - 1.0) > 1e-9 or min(self.shares.values()) <= 0:
            raise ValueError(f"shares of the modes must be positive and add up to 1, they add up to {total}")

    @cached_property
    def chances(self) -> np.ndarray:
        """(people, choices): how likely each person chooses what; rows add up to 1, columns average to the shares.

        What a person is inclined to is scaled, choice by choice, until the shares come out (iterative proportional
        fitting).
        """
        shares = np.array(list(self.shares.values()))
        tilts = [
            [TILTS[choice](person) if choice in TILTS else 1.0 for choice in self.shares] for person in self.people
        ]
        chances = np.array(tilts) * shares
        for _ in range(200):
            chances /= chances.sum(axis=1, keepdims=True)
            chances *= shares / chances.mean(axis=0)
        return chances / chances.sum(axis=1, keepdims=True)

    @cached_property
    def _edges(self) -> np.ndarray:
        return self.chances.cumsum(axis=1)[:, :-1]

    def draw(self, generator: np.random.Generator) -> tuple[Person, str]:
        """Returns who plays an episode, and the mode that this person chooses."""
        index = int(generator.integers(len(self.people)))
        person = self.people[index]
        choice, side = generator.random(2)  # always both, so that mirror images draw the same numbers
        name = list(self.shares)[int(np.searchsorted(self._edges[index], choice, side="right"))]
        if name not in SIDED:
            return person, name
        first = SIDES.index(person.first_side)
        return person, SIDED[name].format(SIDES[first if side < person.habit else 1 - first])


PEOPLE = 200
"""In a population."""

HUMAN = Population(
    people=tuple(draw_person(Traits(), number) for number in range(PEOPLE)),
    shares={
        "direct_middle": 0.318,
        "direct_side": 0.140,
        "miss_middle": 0.053,
        "miss_side": 0.057,
        "wander": 0.123,
        "give_up": 0.074,
        "lose_way": 0.050,
        "shadow_box": 0.085,
        "idle": 0.055,
        "leave_track": 0.045,
    },
)
"""Diverse play; outcomes follow the paper's base agent: none 43.6, left 11.8, middle 37.0, right 7.6%."""

CURATED = Population(
    # The same people at their best, with nothing else on their mind.
    people=tuple(
        draw_person(dataclasses.replace(Traits(), skill=always(0.9, 1.0), boredom=always(0, 0), glance=always(0, 0)), n)
        for n in range(PEOPLE)
    ),
    shares={"direct_left": 1 / 3, "direct_middle": 1 / 3, "direct_right": 1 / 3},
)
"""Clean direct runs for fine-tuning."""

BOT = Person(
    number=0,
    first_side="left",
    favorite=next(iter(CHARACTERS)),
    skill=1.0,
    **{name: 0.0 for name in DRAWN}
    | {"boldness": 1.0, "taste_first": 1.0, "taste_middle": 1.0, "taste_other": 1.0}
    | {"grip": 1.0, "camera_gain": 1.0, "camera_deadband": 0.02, "lookahead": 1.0},
)
"""No person at all: no delay, no noise, no habits."""

WAYPOINT = Population(people=(BOT,), shares=CURATED.shares)
"""A naive bot that goes from way point to way point, to compare people with."""

POPULATIONS = {"human": HUMAN, "curated": CURATED, "waypoint": WAYPOINT} | {
    mode: Population(people=HUMAN.people, shares={mode: 1.0}) for mode in MODES
}
"""By name: "human", "curated", "waypoint", and the human population with one mode alone for every mode."""
