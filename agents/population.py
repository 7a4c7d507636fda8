"""Populations: tables of modes with their shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agents import modes
from agents.modes import Mode
from agents.person import Person
from jumppad_env.island import Island
from jumppad_env.rules import PADS

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
    "shadow_box": modes.ShadowBox,
    "idle": modes.Idle,
    "leave_track": modes.LeaveTrack,
}
"""Every mode by name."""


@dataclass(frozen=True)
class Population:
    """Who plays: shares of the modes, and the range of skill.

    Raises:
        ValueError: shares that do not add up to 1, or an unknown mode.
    """

    shares: dict[str, float]
    skill: tuple[float, float]
    """Skill is drawn evenly from this range, 0 to 1."""

    def __post_init__(self) -> None:
        unknown = set(self.shares) - set(MODES)
        if unknown:
            raise ValueError(f"unknown modes {sorted(unknown)}; known are {sorted(MODES)}")
        total = sum(self.shares.values())
        if abs(total - 1.0) > 1e-9 or min(self.shares.values()) < 0:
            raise ValueError(f"shares of the modes must be positive and add up to 1, they add up to {total}")


HUMAN = Population(
    shares={
        "direct_left": 0.090,
        "direct_middle": 0.325,
        "direct_right": 0.050,
        "miss_left": 0.030,
        "miss_middle": 0.050,
        "miss_right": 0.027,
        "wander": 0.140,
        "give_up": 0.083,
        "shadow_box": 0.095,
        "idle": 0.060,
        "leave_track": 0.050,
    },
    skill=(0.2, 1.0),
)
"""Diverse play; outcomes follow the paper's base agent: none 43.6, left 11.8, middle 37.0, right 7.6%."""

CURATED = Population(
    shares={"direct_left": 1 / 3, "direct_middle": 1 / 3, "direct_right": 1 / 3},
    skill=(0.9, 1.0),
)
"""Clean direct runs for fine-tuning."""

POPULATIONS = {"human": HUMAN, "curated": CURATED} | {
    mode: Population(shares={mode: 1.0}, skill=(0.2, 1.0)) for mode in MODES
}
"""By name: "human", "curated", and one population for every mode alone."""
