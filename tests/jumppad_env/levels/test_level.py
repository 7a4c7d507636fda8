"""Levels: a pure function from a number; what differs between them, and what one keyword does to all of them."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jumppad_env.levels import LEVELS, Level, LevelSettings, make_level
from jumppad_env.levels.level import KEPT, _colors

ROOT = Path(__file__).parents[3]
SOME = [
    LevelSettings(),
    LevelSettings("hard", pads=4),
    LevelSettings("hard", pads=2, islands=3, color_tie=0.5),
    LevelSettings(pads=5, islands=2, cue=True),
]
NUMBERS = (0, 1, 7, 199, 123_456, LEVELS - 1)


def digest(level: Level) -> str:
    """Everything about a level but its number."""
    found = hashlib.sha256()
    for array in (*level.row, *level.walls, level.origins, level.colors, level.blocks, level.landings):
        found.update(np.ascontiguousarray(array).tobytes())
    for plan in level.plans:
        found.update(plan.strips.tobytes() + plan.floors.tobytes() + repr(plan[2:]).encode())
    for island in level.islands:
        for array in (island.spawns, island.pads, *island.lanes, *island.jumps, *island.plaza, *island.ways.values()):
            found.update(array.tobytes())
    return found.hexdigest()


def digests(order: int = 1) -> list[str]:
    """Digests of some levels, made in one order or the other."""
    cases = [(number, settings) for settings in SOME for number in NUMBERS][::order]
    return [digest(make_level.__wrapped__(*case)) for case in cases][::order]


@pytest.mark.slow
def test_a_level_is_the_same_in_any_order_and_in_another_process():
    code = (
        "import importlib.util as util, sys\n"
        "spec = util.spec_from_file_location('levels', sys.argv[1])\n"
        "module = util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(*module.digests(-1), sep='\\n')"
    )
    other = subprocess.run([sys.executable, "-c", code, __file__], cwd=ROOT, capture_output=True, text=True)
    assert other.returncode == 0, other.stderr
    assert digests() == digests(-1) == other.stdout.split()


def test_levels_differ_far_apart_too():
    for settings in SOME[:2]:
        numbers = [*range(60), *range(1_000_000, 1_000_060)]
        assert len({make_level(number, settings).row.geom_pos.tobytes() for number in numbers}) == len(numbers)
    plazas = np.array([make_level(number, SOME[0]).plans[0].plaza for number in range(60)])
    lengths = np.array([make_level(number, SOME[0]).plans[0].length for number in range(60)])
    assert np.ptp(plazas, axis=0).min() > 1.0 and np.ptp(lengths) > 8.0


@pytest.mark.parametrize("number", [-1, LEVELS, 2**40])
def test_there_are_no_other_levels(number):
    with pytest.raises(ValueError, match=f"level {number} is not between 0 and {LEVELS - 1}"):
        make_level(number, LevelSettings())


def test_the_memory_of_levels_is_bounded():
    for number in range(KEPT + 20):
        make_level(number, LevelSettings())
    assert make_level.cache_info().currsize == make_level.cache_info().maxsize == KEPT


@pytest.mark.parametrize("pads", range(2, 6))
@pytest.mark.parametrize("tie", [0.0, 0.2, 0.7, 1.0])
def test_every_pad_has_a_color_and_so_many_levels_follow_the_places(pads, tie):
    settings, places = LevelSettings(pads=pads, color_tie=tie), np.arange(pads)
    colors = np.concatenate([_colors(number, settings) for number in range(800)])
    assert (np.sort(colors, axis=1) == places).all()
    by_chance = 1 / np.prod(places + 1)
    expected = tie + (1 - tie) * by_chance
    assert abs((colors == places).all(axis=1).mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / 800) + 1e-9


def test_a_larger_share_ties_the_same_levels_and_more():
    several = [LevelSettings(color_tie=tie) for tie in (0.0, 0.3, 0.6)]
    levels = [np.array([_colors(number, settings) for number in range(300)]) for settings in several]
    for fewer, more in zip(levels[:-1], levels[1:], strict=True):
        changed = (fewer != more).any(axis=(1, 2))
        assert 30 < changed.sum() < 150
        assert (more[changed] == np.arange(3)).all(), "what changes, changes to the places' colors"


def test_colors_are_shuffled_island_by_island():
    colors = np.array([_colors(number, LevelSettings(islands=4)) for number in range(200)])
    assert (colors[:, 0] != colors[:, 1]).any(axis=1).mean() > 0.7
    tied = _colors(5, LevelSettings(islands=4, color_tie=1.0))
    assert (tied == np.arange(3)).all()


@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_what_the_geometry_does_not_need_leaves_it_alone(mode):
    one, other = LevelSettings(mode), LevelSettings(mode, color_tie=1.0, cue=True)
    for number in range(20):
        assert all(map(np.array_equal, make_level(number, one).row, make_level(number, other).row))


@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_the_first_island_of_a_chain_is_the_only_one_alone_but_for_its_landings(mode):
    for number in range(10):
        chain, alone = make_level(number, LevelSettings(mode, islands=2)), make_level(number, LevelSettings(mode))
        first, only = chain.islands[0], alone.islands[0]
        assert repr(chain.plans[0]) == repr(alone.plans[0])
        assert np.array_equal(chain.walls[0], alone.walls[0]) and np.array_equal(chain.colors[0], alone.colors[0])
        assert np.array_equal(first.pads, only.pads) and np.array_equal(first.spawns, only.spawns)
        assert all(map(np.array_equal, first.lanes, only.lanes)) and first.ways.keys() == only.ways.keys()
        assert not np.array_equal(first.landings, only.landings)


@pytest.mark.parametrize("settings", [LevelSettings("hard", islands=4), LevelSettings(pads=5, islands=4)])
def test_launches_end_on_the_next_plaza_and_at_last_on_the_cliff(settings):
    for number in range(12):
        level = make_level(number, settings)
        for island, following in zip(level.islands[:-1], level.islands[1:], strict=True):
            center, half = following.plaza
            assert (np.abs(island.landings - center) <= half + [0, 0, 1e-9]).all()
            assert (np.diff(island.landings[:, 0]) > 0.5).all(), "from the left to the right"
        assert (level.islands[-1].landings[:, 1] > level.cliff).all()
        lanes = [lane for island in level.islands for lane in island.lanes]
        assert len(level.landings) == len(lanes) == settings.pads * settings.islands
