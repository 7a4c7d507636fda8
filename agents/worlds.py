"""Worlds: which environment episodes are played in, the classic island or levels, as commands and manifests say it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jumppad_env.levels import LevelSettings
from jumppad_env.levels.settings import ISLANDS, settings_of
from jumppad_env.world.options import IslandsOptions, Options
from jumppad_env.world.state import LEVEL_STATE, STATE

CLASSIC = "Jumppad-v0"


@dataclass(frozen=True, kw_only=True)
class WorldConfig(LevelSettings):
    """The world that episodes are played in; all but `environment` is for levels, see docs/islands.md.

    Raises:
        ValueError: an unknown environment, an invalid keyword, or one of levels on the classic island.
    """

    environment: str = CLASSIC
    """Jumppad-v0, the classic island, or JumppadIslands-v0, levels."""
    num_levels: int = 200
    """Number of levels that episodes are played on; 0: without end."""
    start_level: int = 0
    """The first level's number."""

    def __post_init__(self) -> None:
        if self.environment not in (CLASSIC, ISLANDS):
            raise ValueError(f"environment {self.environment!r} is unknown; choose {CLASSIC} or {ISLANDS}")
        if self.environment == ISLANDS:
            IslandsOptions(**self.keywords)
            return
        given = [field.name for field in _of_levels() if getattr(self, field.name) != field.default]
        if given:
            raise ValueError(f"{CLASSIC} has no levels, but {', '.join(given)} is given; use --environment {ISLANDS}")

    @property
    def keywords(self) -> dict[str, Any]:
        """Keywords of the environment; none on the classic island."""
        return {field.name: getattr(self, field.name) for field in _of_levels()} if self.environment == ISLANDS else {}

    def resembles(self, other: WorldConfig) -> bool:
        """Returns whether it is the same world, perhaps with other levels, or colors that follow places elsewhere."""
        if self.environment != other.environment or not self.keywords:
            return self == other
        known = {"num_levels": other.num_levels, "start_level": other.start_level, "color_tie": other.color_tie}
        return dataclasses.replace(self, **known) == other

    @property
    def settings(self) -> LevelSettings | None:
        """What levels are like; None on the classic island."""
        return settings_of(self.entry)

    @property
    def state_columns(self) -> tuple[str, ...]:
        """Names of the columns of states."""
        return (*STATE, *LEVEL_STATE) if self.keywords else STATE

    def options(self, **keywords: Any) -> Options:
        """Returns the options of the environment with further keywords.

        Raises:
            ValueError: an invalid keyword.
        """
        return IslandsOptions(**self.keywords, **keywords) if self.keywords else Options(**keywords)

    @property
    def entry(self) -> dict[str, Any]:
        """How manifests tell the world, first in their entry `environment`."""
        return {"id": self.environment, **self.keywords}


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Levels that an agent plays on, where they are not those of its demonstrations."""

    levels: tuple[int, int] | None = None
    """On levels: the first level and the number of levels to play on (0: without end), instead of those that the
    agent's demonstrations were made on. 1000000 0: levels that no agent has seen."""
    color_tie: float | None = None
    """On levels: share of the levels in which the pads' colors follow their places, instead of that of the agent's
    demonstrations."""

    def of(self, world: WorldConfig) -> WorldConfig:
        """Returns a world with these levels.

        Raises:
            ValueError: the classic island, which has none, or an impossible number.
        """
        if not world.keywords and (self.levels is not None or self.color_tie is not None):
            raise ValueError(
                f"{world.environment} has no levels: leave out --levels and --color-tie, or take agents that were "
                "trained on levels"
            )
        changed: dict[str, Any] = {}
        if self.levels is not None:
            changed |= {"start_level": self.levels[0], "num_levels": self.levels[1]}
        if self.color_tie is not None:
            changed |= {"color_tie": self.color_tie}
        return dataclasses.replace(world, **changed)


def world_of(entry: Mapping[str, Any]) -> WorldConfig:
    """Returns the world that a manifest's entry `environment` tells.

    Raises:
        ValueError: it is of an environment or has keywords that this version does not know.
    """
    if entry.get("id", CLASSIC) == CLASSIC:
        return WorldConfig()
    told = {field.name: entry[field.name] for field in _of_levels() if field.name in entry}
    return WorldConfig(environment=str(entry["id"]), **told)


def _of_levels() -> list[dataclasses.Field[Any]]:
    """Returns the fields that only levels have."""
    return [field for field in dataclasses.fields(WorldConfig) if field.name != "environment"]
