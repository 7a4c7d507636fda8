"""Levels: islands from a number."""

from jumppad_env.levels.level import BLOCK, Level, make_level
from jumppad_env.levels.settings import COLORS, LEVELS, LevelSettings
from jumppad_env.levels.stock import FALL_HEIGHT, FLIGHT_SECONDS, load_stock

__all__ = [
    "BLOCK",
    "COLORS",
    "FALL_HEIGHT",
    "FLIGHT_SECONDS",
    "LEVELS",
    "Level",
    "LevelSettings",
    "load_stock",
    "make_level",
]
