"""Places on the track of levels: on floors, away from edges and from whatever stands there, and everywhere alike."""

import math

import numpy as np
import pytest

from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.levels.rulebook import BLOCK_HALF
from jumppad_env.levels.track import CLEARANCE, draw_place

HARD = LevelSettings("hard", pads=5)
LEVELS = range(60)


def places_on(number, settings, count):
    generator = np.random.default_rng(number)
    return np.array([draw_place(generator, make_level(number, settings)) for _ in range(count)])


@pytest.mark.parametrize("settings", [LevelSettings(), HARD], ids=["easy", "hard"])
def test_they_are_on_floors_and_away_from_pads_decoys_and_blocks(settings, height_of):
    decoys = blocks = 0
    for number in LEVELS:
        level = make_level(number, settings)
        plan, places = level.plans[0], places_on(number, settings, 20)
        circle = CLEARANCE * np.array([[math.cos(angle), math.sin(angle)] for angle in np.arange(8) * math.pi / 4])
        heights = height_of(plan.floors, (places[:, None, :2] + circle).reshape(-1, 2)).reshape(-1, len(circle))
        assert not np.isnan(heights).any() and (places[:, 2] > heights.max(axis=1) - 0.01).all()
        assert np.abs(places[:, 2] - height_of(plan.floors, places[:, :2])).max() < 0.6, "beside a step, at most"
        things = [*plan.pads, *(decoy for lane in plan.lanes for decoy in lane.decoys)]
        decoys += len(things) - len(plan.pads)
        for thing in things:
            assert np.hypot(*(places[:, :2] - thing[:2]).T).min() > 2.3
        if plan.block is not None:
            blocks += 1
            for share in np.linspace(-1, 1, 9):
                middle = plan.block.middle.ahead(0.0, share * plan.block.reach)
                assert np.hypot(*(places[:, :2] - middle[:2]).T).min() > CLEARANCE + BLOCK_HALF[0]
    assert (decoys > 5 and blocks > 5) == (settings is HARD)


def test_they_are_alike_everywhere():
    level = make_level(4, LevelSettings())
    wide, deep = level.plans[0].plaza
    places = places_on(4, LevelSettings(), 4000)
    inside = (np.abs(places[:, 0]) < wide - CLEARANCE) & (np.abs(places[:, 1]) < deep - CLEARANCE)
    columns = np.histogram(places[inside, 0], bins=8, range=(CLEARANCE - wide, wide - CLEARANCE))[0]
    rows = np.histogram(places[inside, 1], bins=8, range=(CLEARANCE - deep, deep - CLEARANCE))[0]
    for counts in (columns, rows):  # within four standard deviations of the same everywhere
        expected = inside.sum() / 8
        assert np.abs(counts - expected).max() < 4 * math.sqrt(expected)
    assert 0.1 < inside.mean() < 0.9 and places[:, 1].max() > level.plans[0].hub.y + 8
