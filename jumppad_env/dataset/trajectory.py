"""One episode, as it was played."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jumppad_env.gamepad import FACTORS
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.world import STATE


@dataclass(frozen=True, eq=False)
class Trajectory:
    """T control steps. Row t holds what was seen at t and what was done then.

    Raises:
        ValueError: shapes or names that do not fit together.
    """

    seed: int
    """Of the environment and of whoever acted; the episode replays from it alone. -1: only the first state is known."""
    character: str
    mode: str
    """Ground truth of a demonstrator's mode, "" for agents that have none."""
    pad: int
    """Pad touched: -1 none, 0 left, 1 middle, 2 right."""
    fell: bool
    actions: np.ndarray
    """uint8 (T, 16)."""
    states: np.ndarray
    """float64 (T, len(STATE)), exact, columns as in `jumppad_env.world.STATE`."""
    frames: np.ndarray | None
    """uint8 (T, H, W, 3), or None if none were drawn."""
    person: int = -1
    """Ground truth: who of the population acted, -1 if nobody knows."""
    skill: float = math.nan
    """Ground truth: the person's, 0 to 1; not a number if nobody knows."""
    goals: np.ndarray | None = None
    """Ground truth: uint8 (T,), indices into the names of goals that belong to it; None if nobody knows."""
    style: str = ""
    """What a person who records says of the play, "" otherwise."""

    def __post_init__(self) -> None:
        length = len(self.actions)
        if length == 0 or self.actions.shape != (length, FACTORS) or self.actions.dtype != np.uint8:
            raise ValueError(
                f"actions must be uint8 (T, {FACTORS}), T > 0; got {self.actions.dtype} {self.actions.shape}"
            )
        if self.states.shape != (length, len(STATE)):
            raise ValueError(f"states must be ({length}, {len(STATE)}) to fit the actions; got {self.states.shape}")
        if self.frames is not None and (len(self.frames) != length or self.frames.dtype != np.uint8):
            raise ValueError(f"frames must be uint8 ({length}, H, W, 3); got {self.frames.dtype} {self.frames.shape}")
        if self.goals is not None and (self.goals.shape != (length,) or self.goals.dtype != np.uint8):
            raise ValueError(f"goals must be uint8 ({length},); got {self.goals.dtype} {self.goals.shape}")
        if self.character not in CHARACTERS or not -1 <= self.pad < len(PADS):
            raise ValueError(f"character {self.character!r} or pad {self.pad} is unknown")

    def __len__(self) -> int:
        return len(self.actions)
