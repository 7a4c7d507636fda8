"""What a level depends on besides its number: the keywords of the environment that say what levels are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

ISLANDS = "JumppadIslands-v0"
"""Id of the environment."""
Mode = Literal["easy", "hard"]
MODES: tuple[Mode, ...] = get_args(Mode)
COLORS = ("red", "blue", "yellow", "green", "purple")
"""Colors of pads, from the left where they follow the places."""
MOST_ISLANDS = 4
FEWEST_PADS, MOST_PADS = 2, len(COLORS)
LEVELS = 2**31
"""Number of levels."""


@dataclass(frozen=True)
class LevelSettings:
    """Keywords that say what levels are like.

    Raises:
        ValueError: an invalid value; the message says what is allowed.
    """

    distribution_mode: str = "easy"
    """"easy", or "hard" with bends, forks, gaps, steps, narrow bridges, moving blocks and decoys."""
    pads: int = 3
    """Number of pads of an island."""
    islands: int = 1
    """Number of islands in a row."""
    color_tie: float = 0.0
    """Share of the levels in which the pads' colors follow their places; in the others they are shuffled."""
    cue: bool = False
    """Whether a flag on the first plaza shows the color of one pad."""

    def __post_init__(self) -> None:
        if self.distribution_mode not in MODES:
            raise ValueError(f"distribution_mode={self.distribution_mode!r} is unknown; choose one of {list(MODES)}")
        _expect_whole("pads", self.pads, FEWEST_PADS, MOST_PADS)
        _expect_whole("islands", self.islands, 1, MOST_ISLANDS)
        tie = self.color_tie
        if isinstance(tie, bool) or not isinstance(tie, int | float) or not 0 <= tie <= 1:
            raise ValueError(f"color_tie={tie!r} must be a share of the levels, 0 to 1")
        if not isinstance(self.cue, bool):
            raise ValueError(f"cue={self.cue!r} must be True or False")

    @property
    def colors(self) -> tuple[str, ...]:
        """Colors that pads have, one each."""
        return COLORS[: self.pads]


def settings_of(environment: Mapping[str, Any]) -> LevelSettings | None:
    """Returns what levels are like, given a manifest's entry `environment`; None for the classic island.

    Raises:
        ValueError: an invalid value.
    """
    if environment.get("id") != ISLANDS:
        return None
    names = [field.name for field in fields(LevelSettings)]
    return LevelSettings(**{name: environment[name] for name in names if name in environment})


def _expect_whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name}={value!r} must be an integer from {least} to {most}")
