"""Keyword arguments of ``gymnasium.make("Jumppad-v0", ...)``, and their validation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from jumppad_env.gamepad import FORMATS
from jumppad_env.levels import COLORS, LEVELS, LevelSettings
from jumppad_env.rules import CHARACTERS, PADS

OBSERVATIONS = ("pixels", "state", "both")
RENDER_MODES = ("rgb_array", "human")
LARGEST_IMAGE = 2048
PAPER = ("character", "team", "hud", "shake", "weather")
"""Kinds of variety within a match, as in the paper."""
KINDS = (*PAPER, "light", "colors", "landmarks", "clutter", "camera")
"""Kinds of variety.

`character`: another character is drawn. `team`: three team-mates at the spawn points. `hud`: a heads-up display.
`shake`: the camera shakes with speed. `weather`: small changes of light. `light`: time of day. `colors`: new colors for
each family of materials. `landmarks`: other positions. `clutter`: objects beside the track. `camera`: distance, height,
shoulder offset and field of view.
"""
VARIETIES = {"none": (), "paper": PAPER, "high": KINDS}


def parse_variety(variety: object) -> tuple[str, ...]:
    """Returns the kinds that a value of the keyword `variety` enables, in the order of `KINDS`.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(variety, str) and variety in VARIETIES:
        return VARIETIES[variety]
    names = (variety,) if isinstance(variety, str) else variety
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) and name in KINDS for name in names):
        raise ValueError(
            f"variety={variety!r} is unknown; choose one of {', '.join(map(repr, VARIETIES))}, "
            f"or names of kinds: {', '.join(map(repr, KINDS))}"
        )
    return tuple(kind for kind in KINDS if kind in names)


def _expect(name: str, value: object, allowed: Iterable[object]) -> None:
    choices = list(allowed)
    # `value in choices` alone would fail on arrays; all choices are strings or None.
    if not (value is None or isinstance(value, str)) or value not in choices:
        raise ValueError(f"{name}={value!r} is unknown; choose one of {', '.join(map(repr, choices))}")


def _size(name: str, value: Sequence[int]) -> tuple[int, int]:
    try:
        height, width = (int(v) for v in value)
        whole = (height, width) == tuple(value)
    except (TypeError, ValueError):
        height = width = 0
        whole = False
    if not whole or not (8 <= height <= LARGEST_IMAGE and 8 <= width <= LARGEST_IMAGE):
        raise ValueError(f"{name}={value!r} must be (height, width), two integers from 8 to {LARGEST_IMAGE} pixels")
    return height, width


@dataclass(frozen=True)
class Options:
    """Keywords of the environment; docs/environment.md explains each.

    Raises:
        ValueError: an unknown or invalid value; the message lists what is allowed.
    """

    observation: str = "pixels"
    actions: str = "gamepad"
    image_size: tuple[int, int] = (128, 128)
    target: str | None = None
    character: str = "rider"
    variety: str | tuple[str, ...] = "none"
    terminate_on_pad: bool = True
    flight_steps: int = 6
    render_mode: str | None = None
    render_size: tuple[int, int] = (360, 600)

    def __post_init__(self) -> None:
        _expect("observation", self.observation, OBSERVATIONS)
        _expect("actions", self.actions, FORMATS)
        self._check_target()
        _expect("character", self.character, (*CHARACTERS, "random"))
        parse_variety(self.variety)
        if not isinstance(self.variety, str):
            object.__setattr__(self, "variety", tuple(self.variety))
        _expect("render_mode", self.render_mode, (None, *RENDER_MODES))
        object.__setattr__(self, "image_size", _size("image_size", self.image_size))
        object.__setattr__(self, "render_size", _size("render_size", self.render_size))
        if not isinstance(self.terminate_on_pad, bool):
            raise ValueError(f"terminate_on_pad={self.terminate_on_pad!r} must be True or False")
        if isinstance(self.flight_steps, bool) or not isinstance(self.flight_steps, int) or self.flight_steps < 0:
            raise ValueError(f"flight_steps={self.flight_steps!r} must be a non-negative integer (control steps)")

    def _check_target(self) -> None:
        _expect("target", self.target, (None, *PADS))

    @property
    def settings(self) -> LevelSettings | None:
        """What levels are like; None on the classic island."""
        return None

    @property
    def pads(self) -> int:
        """Number of pads of an island."""
        return len(PADS)

    @property
    def islands(self) -> int:
        """Number of islands in a row."""
        return 1

    @property
    def draws(self) -> bool:
        """Whether observations include pixels."""
        return self.observation != "state"


Target = str | int | None
"""A pad of an island: its place, its color, or "cue" for the color that the flag shows; None: any."""


@dataclass(frozen=True)
class IslandsOptions(Options):
    """Keywords of `JumppadIslands-v0`; docs/islands.md explains each.

    Raises:
        ValueError: an unknown, invalid or impossible value; the message lists what is allowed.
    """

    target: Target | tuple[Target, ...] = None  # pyright: ignore[reportIncompatibleVariableOverride]
    num_levels: int = 200
    start_level: int = 0
    distribution_mode: str = "easy"
    pads: int = 3  # pyright: ignore[reportIncompatibleVariableOverride]
    islands: int = 1  # pyright: ignore[reportIncompatibleVariableOverride]
    color_tie: float = 0.0
    cue: bool = False
    extra_steps: int = 0

    def __post_init__(self) -> None:
        for name in ("num_levels", "start_level", "extra_steps"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{name}={value!r} must be an integer of at least 0")
        if self.start_level + max(1, self.num_levels) > LEVELS:
            last = max(self.start_level, self._end - 1)
            raise ValueError(f"there are {LEVELS} levels; start_level and num_levels name level {last}")
        _ = self.settings  # validates the rest
        super().__post_init__()

    @property
    def world(self) -> dict[str, Any]:
        """What levels are like and which are played on, by keyword: what datasets must tell of a world."""
        return {"num_levels": self.num_levels, "start_level": self.start_level, **vars(self.settings)}

    @property
    def _end(self) -> int:
        return self.start_level + self.num_levels if self.num_levels else LEVELS

    @property
    def levels(self) -> range:
        """Numbers of the levels that episodes are played on."""
        return range(self.start_level, self._end)

    @cached_property
    def settings(self) -> LevelSettings:
        """What levels are like."""
        return LevelSettings(self.distribution_mode, self.pads, self.islands, self.color_tie, self.cue)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The target of each island."""
        return self.target if isinstance(self.target, tuple) else (self.target,) * self.islands

    def _check_target(self) -> None:
        if isinstance(self.target, list):
            object.__setattr__(self, "target", tuple(self.target))
        several = isinstance(self.target, tuple)
        if self.target is not None and several != (self.islands > 1):
            wanted = f"a tuple of {self.islands}, one for each island" if self.islands > 1 else "one place or color"
            raise ValueError(f"target={self.target!r} must be {wanted}")
        if len(self.targets) != self.islands:
            raise ValueError(f"target={self.target!r} has {len(self.targets)} entries for {self.islands} islands")
        for target in self.targets:
            named = target is None or isinstance(target, str)
            if named and target == "cue" and not self.cue:
                raise ValueError('target="cue" needs cue=True: without a flag no level shows a color')
            if isinstance(target, int) and not isinstance(target, bool) and 0 <= target < self.pads:
                continue
            if not named or target not in self._target_names:
                names = ", ".join(map(repr, self._target_names))
                raise ValueError(f"target={target!r} is on no level; choose one of {names}, or 0 to {self.pads - 1}")

    @property
    def _target_names(self) -> tuple[str | None, ...]:
        return (None, *place_names(self.pads), *self.settings.colors, "cue")

    def target_pads(self, colors: "Sequence[Sequence[int]]", cue: int) -> list[int]:
        """Returns the target pad of each island of a level, counted from the left; -1: any.

        Args:
            colors: of the pads of each island, indices into `COLORS`.
            cue: the color that the flag shows, -1 without one.
        """
        places = place_names(self.pads)
        found = []
        for target, own in zip(self.targets, colors, strict=True):
            if target is None:
                found.append(-1)
            elif isinstance(target, int):
                found.append(target)
            elif target in places:
                found.append(places[target])
            else:
                found.append(list(own).index(cue if target == "cue" else COLORS.index(target)))
        return found


def places_of_pads(pads: np.ndarray, count: int) -> np.ndarray:
    """Returns pads, counted from the left, as indices into `PADS`; -1 stays. All inner pads are the middle.

    Args:
        pads: integers.
        count: number of pads of an island.
    """
    return np.where(pads <= 0, pads, np.where(pads == count - 1, len(PADS) - 1, 1))


def place_names(pads: int) -> dict[str, int]:
    """Returns the places that have a name, and their index from the left: the middle only of an odd number of pads."""
    return {"left": 0, **({"middle": pads // 2} if pads % 2 else {}), "right": pads - 1}
