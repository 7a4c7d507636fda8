"""What levels look like: one stock for all of them, and nothing green where players walk."""

import math

import numpy as np
import pytest

from jumppad_env.drawing import Painter
from jumppad_env.drawing.levels.pieces import build, floors_of, materials
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.world import World

MODES = "easy", "hard"
GREEN = [index for index, material in enumerate(materials()) if material.name in ("hedge", "cypress")]


@pytest.mark.parametrize("mode", MODES)
def test_levels_of_the_same_settings_have_arrays_of_the_same_shape(mode):
    levels = [make_level(number, LevelSettings(mode, islands=2)) for number in range(50)]
    assert len({floors_of(level).shape for level in levels}) == 1
    assert len({build(level, -1).shape for level in levels}) == 1


def test_levels_of_many_kinds_are_drawn_together():
    settings, count = LevelSettings("hard"), 12
    world = World(count, settings=settings)
    for row in range(count):
        world.load(row, row)
        world.place(row, "rider", world.islands(row)[0].spawns[0], 0.0)
    together, alone = np.empty((2, count, 64, 64, 3), np.uint8)
    Painter(64, 64, settings=settings).draw(world.states(), ["rider"] * count, together)
    for row, state in enumerate(world.states()):
        alone[row] = Painter(64, 64, settings=settings).draw_one(state, "rider")
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pads", [3, 5])
def test_nothing_green_stands_where_players_walk(mode, pads):
    seen = 0
    for number in range(40):
        level = make_level(number, LevelSettings(mode, pads))
        table = build(level, -1)
        for x, y, *_ in table[(table[:, 3] > 0) & np.isin(table[:, 8], GREEN)]:
            seen += 1
            for start_x, start_y, heading, length, half, *_ in level.plans[0].strips:
                cos, sin = math.cos(heading), math.sin(heading)
                ahead, right = (y - start_y) * cos - (x - start_x) * sin, (x - start_x) * cos + (y - start_y) * sin
                assert not (0 < ahead < length and abs(right) < half), (number, x, y)
    assert seen > 20
