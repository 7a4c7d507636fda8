"""A person at the gamepad: the traits in which demonstrators differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Person:
    """Traits of one person; all are our guesses, chosen to look plausible at 10 Hz."""

    reaction_steps: int
    """Control steps (0.1 s) between seeing and acting."""
    start_steps: int
    """Control steps before the first movement."""
    tremor: float
    """Standard deviation of the fast noise of both sticks, in deflection."""
    drift: float
    """Standard deviation of the slow error of the heading, rad."""
    drift_memory: float
    """How much of the slow error survives a step, 0 to 1."""
    camera_gain: float
    """Share of the viewing error that the right stick corrects in a step."""
    camera_deadband: float
    """rad of viewing error that is left alone."""
    lateral: float
    """m, habitual offset from the middle of the way, positive to the right."""
    lookahead: float
    """m from a way point at which the next is aimed for."""
    fidget: float
    """Chance per step of pressing a button that does nothing here."""
    hop: float
    """Chance per step of a jump for fun while moving."""
    jab: float
    """Chance per step of an attack for fun while moving."""
    dawdle_steps: int
    """Control steps of strolling before setting out for a pad."""


def draw_person(generator: np.random.Generator, skill: float) -> Person:
    """Draws a person.

    Args:
        generator: source of all randomness.
        skill: 0 (clumsy) to 1 (expert).
    """
    clumsy = 1.0 - skill
    return Person(
        reaction_steps=1 + int(generator.random() < 0.2 + 0.6 * clumsy),
        start_steps=1 + int(generator.gamma(2.0, 0.6 + 1.2 * clumsy)),
        tremor=0.04 + 0.10 * clumsy * generator.random(),
        drift=0.05 + 0.20 * clumsy * generator.random(),
        drift_memory=0.85,
        camera_gain=0.25 + 0.25 * generator.random(),
        camera_deadband=0.04 + 0.10 * clumsy * generator.random(),
        lateral=generator.normal(0.0, 0.25 + 0.45 * clumsy),
        lookahead=2.0 + 1.5 * generator.random(),
        fidget=0.002 + 0.008 * clumsy * generator.random(),
        hop=0.012 * clumsy * generator.random(),
        jab=0.02 * clumsy * generator.random(),
        dawdle_steps=int(generator.integers(6, 26)) if generator.random() < 0.3 * clumsy else 0,
    )
