"""Contact sheets of levels, as agents and as people see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from jumppad_env.drawing import Painter
from jumppad_env.levels import Level, LevelSettings, make_level
from jumppad_env.world import STATE, World
from tools.draw_sheets import draw, sheet

LEVELS, COLUMNS = 24, 6
REDUCED = (250, 150)
"""Width and height of people's frames on a sheet, pixels."""


def state_on(level: Level, place: int, cue: int = -1) -> np.ndarray:
    """Returns the state of a rider on a level.

    Args:
        level: which.
        place: 0 at a spawn point, 1 behind the stairs, 2 before the lanes, 3 in one.
        cue: color that the flag shows, -1 without one.
    """
    plan = level.plans[0]
    lane = plan.lanes[level.number % len(plan.lanes)].points[0]
    pose = (plan.spawns[level.number % 4], plan.neck.ahead(0.5), plan.hub.ahead(-1.5), lane)[place]
    world = World(1, settings=level.settings)
    world.load(0, level.number)
    world.place(0, "rider", np.array(pose[:3]), pose.heading, cue=cue)
    state = world.get_state(0)
    speed = 7.0
    moving = {"vx": -speed * np.sin(pose.heading), "vy": speed * np.cos(pose.heading), "stride": 0.4, "steps": 12.0}
    for name, value in moving.items():
        state[STATE.index(name)] = value
    return state


def draw_levels(settings: LevelSettings, small: Path, large: Path) -> None:
    """Writes the first levels at 64x64, each pixel doubled, and at 600x360, reduced.

    Args:
        settings: what levels are like.
        small: PNG file.
        large: JPEG file.
    """
    rows = LEVELS // COLUMNS
    states = [state_on(make_level(number, settings), number // COLUMNS % rows) for number in range(LEVELS)]
    _draw_small(states, settings, small)
    frames = draw(Painter(360, 600, fine=True, threads=2, settings=settings), states, ["rider"] * LEVELS)
    reduced = [np.asarray(Image.fromarray(frame).resize(REDUCED, Image.Resampling.LANCZOS)) for frame in frames]
    Image.fromarray(sheet(np.stack(reduced), COLUMNS)).save(large, optimize=True, quality=85)


def draw_flags(path: Path) -> None:
    """Writes the view from spawn points of levels with a flag, at 64x64."""
    settings = LevelSettings(cue=True)
    states = [state_on(make_level(number, settings), 0, number % 3) for number in range(COLUMNS)]
    _draw_small(states, settings, path)


def _draw_small(states: list[np.ndarray], settings: LevelSettings, path: Path) -> None:
    frames = draw(Painter(64, 64, settings=settings), states, ["rider"] * len(states))
    Image.fromarray(sheet(frames, COLUMNS, 2)).save(path, optimize=True)
