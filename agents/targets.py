"""Targets: which pad an episode should take on each island, such as "left", "red", "cue" or "left,right"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from agents.outcomes import steps_of
from jumppad_env.dataset import Trajectory
from jumppad_env.levels import COLORS, LevelSettings
from jumppad_env.rules import PADS
from jumppad_env.world.options import IslandsOptions
from jumppad_env.world.state import CUE

FLAG = "cue"
"""The pad in the color that the flag shows."""
ANY = "any"
"""Whichever pad."""
PEOPLE = "people_"
"""Begins the name of a target in a run where people answered the comparisons, to tell it from a formula's."""
KNOWN = (*PADS, *COLORS, FLAG, ANY)
"""What a target may name."""


@dataclass(frozen=True)
class Target:
    """The pads that an episode should take, one on each island.

    Raises:
        ValueError: a name is none of a place, a color, "cue", or "any".
    """

    names: tuple[str, ...]
    """Of each island: a place, a color, "cue", or "any"."""

    def __post_init__(self) -> None:
        if wrong := [name for name in self.names if name not in KNOWN]:
            raise ValueError(
                f"target {str(self)!r} names {wrong[0]!r}; choose one of {', '.join(KNOWN)}, and for several islands "
                "one for each, as in left,right"
            )

    @classmethod
    def parse(cls, text: str) -> Target:
        """Returns the target that commands and manifests call by this name.

        Raises:
            ValueError: it is none.
        """
        return cls(tuple(text.removeprefix(PEOPLE).split(",")))

    def __str__(self) -> str:
        return ",".join(self.names)

    def check(self, settings: LevelSettings | None) -> None:
        """Checks that a world has such pads.

        Args:
            settings: what its levels are like; None for the classic island.

        Raises:
            ValueError: it has not; the message says what there is.
        """
        _check(self.names, settings)

    def reached(self, trajectory: Trajectory) -> bool:
        """Returns whether an episode took these pads.

        Raises:
            ValueError: its world has no such pads.
        """
        self.check(trajectory.settings)
        if trajectory.settings is None:
            return trajectory.pad >= 0 if self.names[0] == ANY else trajectory.place == PADS.index(self.names[0])
        flag = COLORS[int(trajectory.states[0, CUE])]
        wanted = [flag if name == FLAG else name for name in self.names]
        return all(_takes(step, name) for name, step in zip(wanted, steps_of(trajectory), strict=True))

    def share(self, outcome: Mapping[str, Any]) -> float:
        """Returns the share of episodes that took these pads, given the outcome object of a world that has them."""
        if "by_way" not in outcome:
            return 1.0 - outcome["none"] if self.names[0] == ANY else outcome[self.names[0]]
        if self.names == (FLAG,):
            return outcome["followed"]
        if FLAG in self.names:
            raise ValueError(f"outcomes do not tell how often target {self} was reached")
        ways = ((way.split(", "), share) for way, share in outcome["by_way"].items())
        return sum(share for way, share in ways if self._names(way))

    def _names(self, way: list[str]) -> bool:
        """Returns whether a way such as ["left-red", "..."] takes these pads."""
        return len(way) == len(self.names) and all(
            _takes(step.split("-"), name) for name, step in zip(self.names, way, strict=True)
        )


def _takes(step: Sequence[str], name: str) -> bool:
    """Returns whether place and color of a pad are as wanted; a step without a pad names neither."""
    return len(step) == 2 if name == ANY else name in step


def is_target(text: str) -> bool:
    """Returns whether a target has this name."""
    return set(text.removeprefix(PEOPLE).split(",")) <= set(KNOWN)


@cache
def _check(names: tuple[str, ...], settings: LevelSettings | None) -> None:
    target = names[0] if len(names) == 1 else names
    if settings is not None:
        wanted = tuple(None if name == ANY else name for name in names)
        IslandsOptions(**vars(settings), target=wanted[0] if settings.islands == len(wanted) == 1 else wanted)
    elif target not in (*PADS, ANY):
        raise ValueError(f"target {','.join(names)!r} is on no classic island; choose one of {', '.join(PADS)}")
