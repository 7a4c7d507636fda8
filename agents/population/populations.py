"""Populations: sets of people and the shares of their modes of behavior."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from agents.population import modes
from agents.population.modes import Mode
from agents.population.person import DRAWN, SIDES, Person, Traits, always, draw_person
from jumppad_env.island import Places
from jumppad_env.levels import COLORS
from jumppad_env.rules import CHARACTERS, PADS

MakeMode = Callable[[Places, Person, np.random.Generator], Mode]


def _to(strategy: Callable[..., Mode], pad: str) -> MakeMode:
    return lambda island, person, generator: strategy(
        island, person, generator, pad_of(pad, len(island.pads), generator)
    )


def pad_of(place: str, pads: int, generator: np.random.Generator) -> int:
    """Returns the pad that people mean by a place: "middle" is any pad that is neither the first nor the last.

    Args:
        place: one of `PADS`.
        pads: number of pads of the island.
        generator: chooses where there is a choice; of two pads, "middle" is either.
    """
    meant = pads_of(place, pads)
    return meant[0] if len(meant) == 1 else meant[int(generator.integers(len(meant)))]


def pads_of(place: str, pads: int) -> range:
    """Returns the pads that people may mean by a place, one of `PADS`."""
    if place != "middle":
        return range(1) if place == "left" else range(pads - 1, pads)
    return range(1, pads - 1) if pads > 2 else range(2)


MODES: dict[str, MakeMode] = {
    **{f"direct_{pad}": _to(modes.Direct, pad) for pad in PADS},
    **{f"miss_{pad}": _to(modes.MissAndReturn, pad) for pad in PADS},
    "wander": modes.Wander,
    "give_up": modes.GiveUp,
    "lose_way": modes.LoseWay,
    "shadow_box": modes.ShadowBox,
    "idle": modes.Idle,
    "leave_track": modes.LeaveTrack,
}
"""All modes by name."""

FLAG, OTHER = "flag", "other"
"""Pads that people may mean where a flag shows a color: the one of that color, or any other."""


def _to_color(strategy: Callable[..., Mode], color: str) -> MakeMode:
    return lambda island, person, generator: strategy(island, person, generator, pad_of_color(island, color, generator))


def pad_of_color(island: Places, color: str, generator: np.random.Generator) -> int:
    """Returns the pad that people mean by a color.

    Args:
        island: where they are.
        color: one of `COLORS`, `FLAG` or `OTHER`.
        generator: chooses where there is a choice.

    Raises:
        ValueError: no pad has the color, or there is no flag.
    """
    if color in (FLAG, OTHER) and island.cue < 0:
        raise ValueError("these people look for a flag, but there is none; play on levels with cue=True")
    wanted = COLORS.index(color) if color in COLORS else island.cue
    found = [pad for pad, own in enumerate(island.colors) if (own == wanted) != (color == OTHER)]
    if not found:
        raise ValueError(f"no pad of this island is {color}; play on levels that have it")
    return found[0] if len(found) == 1 else found[int(generator.integers(len(found)))]


LEVEL_MODES: dict[str, MakeMode] = {
    f"{name}_{color}": _to_color(strategy, color)
    for name, strategy in (("direct", modes.Direct), ("miss", modes.MissAndReturn))
    for color in (*COLORS, FLAG, OTHER)
}
"""Modes that levels add: pads are meant by their colors."""

SIDED = {"direct_side": "direct_{}", "miss_side": "miss_{}"}
"""Choices whose mode depends on whether the person chooses left or right."""


def _more(trait: float) -> float:
    """Returns the relative likelihood of a choice that goes with a trait from 0 to 1; on average 1."""
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
    "direct_red": lambda person: person.taste_first,
    "direct_blue": lambda person: person.taste_middle,
    "direct_yellow": lambda person: person.taste_other,
    "direct_flag": lambda person: _more(person.skill),
    "direct_other": lambda person: _more(1.0 - person.skill),
}
"""Relative likelihood of a choice, by person; choices not listed are equally likely for everyone."""


@dataclass(frozen=True)
class Population:
    """A fixed set of people and the shares of their choices.

    Raises:
        ValueError: there are no people, shares do not add up to 1, or a choice is unknown.
    """

    people: tuple[Person, ...]
    shares: dict[str, float]
    """Share of all episodes by choice: keys of `MODES` or `SIDED`."""

    def __post_init__(self) -> None:
        if not self.people:
            raise ValueError("a population needs at least one person")
        known = {**MODES, **LEVEL_MODES, **SIDED}
        unknown = set(self.shares) - set(known)
        if unknown:
            raise ValueError(f"unknown modes {sorted(unknown)}; choose from {sorted(known)}")
        total = sum(self.shares.values())
        if abs(total - 1.0) > 1e-9 or min(self.shares.values()) <= 0:
            raise ValueError(f"shares of the modes must be positive and add up to 1, got a sum of {total}")

    @cached_property
    def chances(self) -> np.ndarray:
        """Probabilities of each person's choices, (people, choices); rows add up to 1, columns average to the shares.

        People's inclinations are scaled choice by choice until they match the shares (iterative proportional fitting).
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
        """Draws the person who plays an episode and the mode that this person chooses."""
        index = int(generator.integers(len(self.people)))
        return self.people[index], self.choose(index, generator)

    def choose(self, index: int, generator: np.random.Generator) -> str:
        """Draws the mode that a person chooses, given their index among the people."""
        person = self.people[index]
        choice, side = generator.random(2)  # always both, so that mirrored people use the same random numbers
        name = list(self.shares)[int(np.searchsorted(self._edges[index], choice, side="right"))]
        if name not in SIDED:
            return name
        first = SIDES.index(person.first_side)
        return SIDED[name].format(SIDES[first if side < person.habit else 1 - first])


PEOPLE = 200
"""Number of people in a population."""

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
"""Diverse play with the outcomes of the paper's base agent: none 43.6, left 11.8, middle 37.0, right 7.6%."""

CURATED = Population(
    # The same people at their best and without distractions.
    people=tuple(
        draw_person(dataclasses.replace(Traits(), skill=always(0.9, 1.0), boredom=always(0, 0), glance=always(0, 0)), n)
        for n in range(PEOPLE)
    ),
    shares={f"direct_{pad}": 1 / len(PADS) for pad in PADS},
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
"""A bot: no delay, no noise, no habits."""

WAYPOINT = Population(people=(BOT,), shares=CURATED.shares)
"""A naive bot that runs from waypoint to waypoint, as a reference for people."""

AWAY = {mode: share for mode, share in HUMAN.shares.items() if not mode.startswith(("direct", "miss"))}
"""What people do who want no pad."""

FANS = Population(
    people=HUMAN.people,
    shares={
        **{"direct_red": 0.228, "direct_blue": 0.140, "direct_yellow": 0.090},
        **{"miss_red": 0.050, "miss_blue": 0.035, "miss_yellow": 0.025},
        **AWAY,
    },
)
"""The same people with tastes by color, wherever it is; as many reach a pad as of `HUMAN`. For levels."""

FOLLOWERS = Population(
    people=HUMAN.people,
    shares={
        **{"direct_flag": 0.320, "direct_other": 0.048, "direct_middle": 0.060, "direct_side": 0.030},
        **{"miss_flag": 0.080, "miss_other": 0.030},
        **AWAY,
    },
)
"""The same people where a flag shows a color: most follow it, some misremember it (other), some ignore it (middle,
side). For levels with a flag."""

POPULATIONS = {"human": HUMAN, "curated": CURATED, "fans": FANS, "followers": FOLLOWERS, "waypoint": WAYPOINT} | {
    mode: Population(people=HUMAN.people, shares={mode: 1.0}) for mode in (*MODES, *LEVEL_MODES)
}
"""Populations by name: "human", "curated", "waypoint", on levels also "fans" of colors and "followers" of the flag; and
for every mode the same people with only that mode."""
