"""One recorded episode."""

import math
from dataclasses import dataclass

import numpy as np

from jumppad_env.gamepad import FACTORS
from jumppad_env.island import Places, load_island
from jumppad_env.levels import COLORS, LevelSettings, make_level
from jumppad_env.levels.settings import MOST_PADS
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import STATE
from jumppad_env.world.options import places_of_pads
from jumppad_env.world.state import LEVEL, TAKEN, taken_pads

LARGEST_SEED = 2**63 - 1
"""A larger seed does not fit the column of a dataset."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """An episode of T control steps. Row t holds the observation at step t and the action taken then.

    Raises:
        ValueError: shapes or names are inconsistent.
    """

    seed: int
    """Seed of environment and actor; it suffices to replay the episode. -1: unknown."""
    character: str
    mode: str
    """Ground truth: mode of a demonstrator, "" for agents without modes."""
    pad: int
    """Pad touched, counted from the left; -1 none. Of islands in a row, the pad of the last."""
    fell: bool
    actions: np.ndarray
    """uint8 (T, 16)."""
    states: np.ndarray
    """float64 (T, C), exact; the first columns are those of `jumppad_env.world.STATE`."""
    frames: np.ndarray | None
    """uint8 (T, H, W, 3), or None if not rendered."""
    person: int = -1
    """Ground truth: number of the person within the population, -1 if unknown."""
    skill: float = math.nan
    """Ground truth: skill of the person, 0 to 1; NaN if unknown."""
    goals: np.ndarray | None = None
    """Ground truth: uint8 (T,), indices into the names of goals stored beside it; None if unknown."""
    settings: LevelSettings | None = None
    """What levels are like in the world that was played; None: the classic island."""
    style: str = ""
    """Tag given by the person who recorded the episode, "" otherwise."""

    def __post_init__(self) -> None:
        length = len(self.actions)
        if length == 0 or self.actions.shape != (length, FACTORS) or self.actions.dtype != np.uint8:
            raise ValueError(
                f"actions must be uint8 (T, {FACTORS}), T > 0; got {self.actions.dtype} {self.actions.shape}"
            )
        if self.states.ndim != 2 or len(self.states) != length or self.states.shape[1] < len(STATE):
            raise ValueError(
                f"states must be ({length}, {len(STATE)} or more) to fit the actions; got {self.states.shape}"
            )
        if self.frames is not None and (len(self.frames) != length or self.frames.dtype != np.uint8):
            raise ValueError(f"frames must be uint8 ({length}, H, W, 3); got {self.frames.dtype} {self.frames.shape}")
        if self.goals is not None and (self.goals.shape != (length,) or self.goals.dtype != np.uint8):
            raise ValueError(f"goals must be uint8 ({length},); got {self.goals.dtype} {self.goals.shape}")
        if not -1 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"seed {self.seed} is not between -1 (unknown) and {LARGEST_SEED}; use -1")
        if self.character not in CHARACTERS or not -1 <= self.pad < MOST_PADS:
            raise ValueError(f"character {self.character!r} or pad {self.pad} is unknown")

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def place(self) -> int:
        """The pad as an index into `PADS`: on an island with more than three, all inner ones are the middle."""
        return self.pad if self.settings is None else int(places_of_pads(np.array(self.pad), self.settings.pads))

    @property
    def last_island(self) -> Places:
        """The island that `pad` is on."""
        if self.settings is None:
            return load_island()
        return make_level(int(self.states[0, LEVEL]), self.settings).islands[-1]

    @property
    def taken(self) -> tuple[int, ...]:
        """Pads taken on each island, counted from the left, -1 none."""
        if self.settings is None:
            return (self.pad,)
        return tuple(taken_pads(self.states[-1, TAKEN], self.settings.islands).tolist())

    @property
    def taken_colors(self) -> tuple[str, ...]:
        """Colors of the pads taken on each island, "" for none; on the classic island all pads have the same."""
        if self.settings is None:
            return ("yellow" if self.pad >= 0 else "",)
        colors = make_level(int(self.states[0, LEVEL]), self.settings).colors
        return tuple("" if pad < 0 else COLORS[of[pad]] for pad, of in zip(self.taken, colors, strict=True))
