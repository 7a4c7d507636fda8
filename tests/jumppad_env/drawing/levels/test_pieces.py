"""Pieces of levels: they fit into the stock, and say the same as physics about floors and blocks."""

import numpy as np
import pytest

from jumppad_env.drawing.ground import FLOOR, NO_GROUND, height_below
from jumppad_env.drawing.levels.mesh import load_level_scenery
from jumppad_env.drawing.levels.pieces import PAINTS, build, clutter_spots, counts, floors_of, materials, moving_blocks
from jumppad_env.levels import COLORS, LevelSettings, make_level
from jumppad_env.levels.level import B_GEOM, B_PHASE, B_RATE, B_REACH_X, B_X
from jumppad_env.levels.stock import load_stock

SOME = [LevelSettings(), LevelSettings("hard", 5, 2), LevelSettings("hard", 2), LevelSettings(pads=4, islands=4)]
each = pytest.mark.parametrize("settings", SOME, ids=lambda one: f"{one.distribution_mode}-{one.pads}-{one.islands}")
NUMBERS = range(24)


@each
def test_all_levels_fit_into_the_stock_of_shapes(settings):
    used = []
    for number in NUMBERS:
        table = build(make_level(number, settings), -1)
        assert table.shape == (sum(counts(settings)), 10) and np.isfinite(table).all()
        assert (table[:, 3:6] >= 0).all() and set(table[:, 8:].ravel()) <= set(range(len(materials())))
        used.append((table[:, 3] > 0).sum())
    assert max(used) < sum(counts(settings)) and min(used) > 40
    assert len(load_level_scenery(settings, detail=False).pieces.spheres) == sum(counts(settings))


def test_the_flag_is_two_pieces_of_its_color_on_the_first_island():
    settings = LevelSettings(islands=2, cue=True)
    level = make_level(0, settings)
    without = build(level, -1)
    for cue in range(3):
        table = build(level, cue)
        assert (table[:, 3] > 0).sum() == (without[:, 3] > 0).sum() + 2
        names = [materials()[int(index)].name for index in table[table[:, 3] > 0, 8]]
        plain = [materials()[int(index)].name for index in without[without[:, 3] > 0, 8]]
        assert names.count(COLORS[cue]) == plain.count(COLORS[cue]) + 1


@each
def test_shadows_fall_on_the_floors_of_the_plan(settings, from_python):
    below, none = from_python(height_below), np.empty((0, 0), np.float32)
    shapes = set()
    for number in NUMBERS:
        level = make_level(number, settings)
        floors = floors_of(level)
        shapes.add(floors.shape)
        for plan, (x, y), island in zip(level.plans, level.origins.tolist(), level.islands, strict=True):
            for pad in island.pads:
                assert below(pad[0], pad[1], (none, floors)) == pytest.approx(pad[2], abs=1e-5)
            for pose in (*plan.spawns, plan.top, plan.hub):
                assert below(pose.x + x, pose.y + y, (none, floors)) == pytest.approx(pose.z, abs=1e-5)
        assert below(200.0, 0.0, (none, floors)) == NO_GROUND == below(0.0, -60.0, (none, floors))
    assert len(shapes) == 1 and shapes.pop()[1] == len(FLOOR), "looks of all levels share one array"


def test_moving_blocks_are_drawn_where_they_are():
    settings, found = LevelSettings("hard", islands=2), 0
    stock = load_stock(settings)
    for number in NUMBERS:
        level = make_level(number, settings)
        for drawn, block in zip(moving_blocks(level), level.blocks, strict=True):
            if block[B_GEOM] < 0:
                assert not drawn.any()
                continue
            found += 1
            geom = int(block[B_GEOM])
            assert stock.solids.start <= geom < stock.solids.stop
            assert np.array_equal(drawn[[0, 1]], block[B_X : B_X + 2])
            assert np.allclose(drawn[:3], level.row.geom_pos[geom])
            assert np.allclose(drawn[3:6], level.row.geom_size[geom])
            assert np.array_equal(drawn[7:], [*block[B_REACH_X : B_REACH_X + 2], block[B_RATE], block[B_PHASE]])
    assert found > 10


def test_clutter_stands_on_the_terraces():
    level = make_level(1, LevelSettings())
    spots = clutter_spots(level)
    for x, y, z in spots:
        assert any(
            abs(x - pose.x) < half and abs(y - pose.y) < long and z == pose.z
            for pose, half, long in level.plans[0].terraces
        )


def test_paints_are_far_apart():
    chroma = np.array(PAINTS) - np.mean(PAINTS, axis=1, keepdims=True)
    chroma /= np.linalg.norm(chroma, axis=1, keepdims=True)
    alike = chroma @ chroma.T - 2 * np.eye(len(PAINTS))
    assert alike.max() < 0.75
