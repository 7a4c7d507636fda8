"""The commands of `tools.levels`, on a few levels each: what they find, and that they would find what must not be."""

import numpy as np
import pytest

from agents.population import CURATED
from jumppad_env.levels import LevelSettings, make_level
from tools.levels import random_play as random_play_module
from tools.levels import resets as resets_module
from tools.levels import solvable as solvable_module
from tools.levels import speed as speed_module
from tools.levels.outcomes import outcomes
from tools.levels.playing import Runner, Runners, play
from tools.levels.random_play import ROWS, random_play
from tools.levels.resets import resets
from tools.levels.solvable import solvable, try_levels
from tools.levels.speed import speed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("pads", [2, 4, 5])
def test_runners_reach_the_pads_of_their_plans_inner_ones_too(pads):
    settings = LevelSettings(pads=pads, islands=2)
    plans = [(pad, pads - 1 - pad) for pad in range(pads)] * 3
    runners = [Runner(seed, plan) for seed, plan in enumerate(plans)]
    assert {runner.person.mirrored for runner in runners} == {False, True}
    ended = play(Runners(runners, settings), range(len(plans)), settings, 1, level=[3] * len(plans))
    assert np.mean(ended.pads == plans) > 0.9
    assert all(runner.person in CURATED.people for runner in runners)


def test_tries_are_told_by_level_island_pad_and_person():
    chunk = {"first": 5, "count": 2, "start": 100, "seed": 0, "character": "favorite"}
    result = np.array(try_levels(chunk, LevelSettings("hard", 2, 2), 1))
    assert result.shape == (2, 2, 2, 3) and set(result.ravel().tolist()) <= {-1, 0, 1}
    assert (result[:, 0] >= 0).all() and (result == 1).mean() > 0.8


def test_solvable_resumes_and_names_what_is_not_reached(tmp_path, monkeypatch):
    out = tmp_path / "tries.jsonl"
    first = solvable(levels=4, pads=2, out=out)
    assert "| 0      | 24    | 100.00%" in first
    monkeypatch.setattr(solvable_module, "try_levels", lambda *_: pytest.fail("nothing is left to do"))
    assert solvable(levels=4, pads=2, out=out) == first
    tries = np.ones((4, 1, 2, 3), int)
    tries[2, 0, 1] = 0
    monkeypatch.setattr(solvable_module, "try_levels", lambda *_: tries.tolist())
    assert "87.50%" in (told := solvable(levels=4, pads=2, start_level=10)) and "12:1" in told
    with pytest.raises(ValueError, match="character='nobody' must be"):
        solvable(character="nobody")


@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_random_play_escapes_from_no_island(mode):
    told = random_play(levels=50, steps=5000, mode=mode, islands=2)
    assert [cell.strip() for cell in told.splitlines()[4].split("|")][3:7] == ["0"] * 4 and " on level " not in told


def test_who_stands_in_a_wall_or_beside_the_floor_is_seen():
    settings = LevelSettings("hard")
    solids = random_play_module._Solids(settings)
    solids.follow(np.arange(ROWS))
    spawns = np.array([make_level(number, settings).islands[0].spawns[0] for number in range(ROWS)])
    steps = np.zeros(ROWS)
    assert not solids.inside(spawns + [0, 0, 0.6], steps).any() and not solids.beside(spawns).any()
    assert solids.inside(spawns - [0, 0, 0.3], steps).all(), "in the floor"
    assert (solids.beside(np.tile([-60.0, 0.0, 0.0], (ROWS, 1))) > 20).all()
    for row in range(ROWS):
        level = make_level(row, settings)
        geom, x, y, reach_x, reach_y, _, phase = level.blocks[0]
        if geom >= 0:
            points = np.tile([0.0, 0.0, 50.0], (ROWS, 1))
            points[row] = x, y, level.row.geom_pos[int(geom), 2]
            points[row, :2] += np.sin(phase) * np.array([reach_x, reach_y])
            assert solids.inside(points, steps)[row], "where the block is at the first step"


def test_the_rest_print_a_table_each(monkeypatch):
    monkeypatch.setattr(resets_module, "CASES", resets_module.CASES[:1])
    monkeypatch.setattr(speed_module, "CASES", dict(list(speed_module.CASES.items())[:2]))
    assert "easy, 3 pads, 1 islands" in resets(n=5)
    assert "easy, 200 levels" in speed(seconds=1.0, envs=4)
    told = outcomes(episodes=40)
    rows = [line.split("|") for line in told.splitlines() if "%" in line and "|" in line]
    for row in rows:
        assert sum(float(cell.split("%")[0]) for cell in row[2:6]) == pytest.approx(100, abs=0.3)
    with pytest.raises(ValueError, match="population='robots' is unknown"):
        outcomes(population="robots")
