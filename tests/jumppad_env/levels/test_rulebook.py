"""The rules of islands, over thousands of plans: what is promised of every one."""

import itertools
import math

import numpy as np
import pytest

from jumppad_env.levels import LevelSettings
from jumppad_env.levels.drawn import Pose
from jumppad_env.levels.lanes import RUN_UP, Lane
from jumppad_env.levels.outline import S_HALF, S_LENGTH
from jumppad_env.levels.rulebook import CLOSEST, MOST_DECOYS, Plan, floors_of_an_island, lay_out, walls_of
from jumppad_env.rules import RULES
from jumppad_env.streams import stream

PLANS = 200
STEP = 0.05
"""m between the places along a way that are looked at."""
UNEVEN = 0.03
"""m: more than any slope rises from one of these to the next."""
MODES = ("easy", "hard")
SOME = [LevelSettings(mode, pads) for mode in MODES for pads in range(2, 6)]
each = pytest.mark.parametrize("settings", SOME, ids=lambda one: f"{one.distribution_mode}-{one.pads}")


def plans_of(settings: LevelSettings) -> list[tuple[Plan, np.ndarray]]:
    return [lay_out(stream(number, "island", 0), settings) for number in range(PLANS)]


def flat(*poses: Pose) -> np.ndarray:
    return np.array([(pose.x, pose.y) for pose in poses])


def way_to(plan: Plan, lane: Lane) -> np.ndarray:
    """Places along the way from the foot of the stairs to a pad, (n, 2) m."""
    corners = flat(plan.stairs.ahead(0.1), plan.top, plan.neck, plan.hub, *lane.points, lane.pad)
    parts = []
    for start, end in itertools.pairwise(corners):
        count = max(1, math.ceil(np.linalg.norm(end - start) / STEP))
        parts.append(start + (end - start) * np.arange(count)[:, None] / count)
    return np.concatenate([*parts, corners[-1:]])


@each
def test_islands_fit_into_the_stock_and_their_pads_are_apart(settings):
    for plan, walls in plans_of(settings):
        assert len(plan.lanes) == len(plan.pads) == settings.pads
        assert min(math.dist(one[:2], other[:2]) for one, other in itertools.combinations(plan.pads, 2)) >= CLOSEST
        assert 4 <= len(walls) <= walls_of(settings) and len(plan.floors) <= floors_of_an_island(settings)
        assert sum(len(lane.decoys) for lane in plan.lanes) <= MOST_DECOYS
        assert np.isfinite(plan.strips).all() and np.isfinite(walls).all()
        assert (plan.strips[:, [S_LENGTH, S_HALF]] > 0).all()
        angles = [math.atan2(plan.hub.x - pad.x, pad.y - plan.hub.y) for pad in plan.pads]
        assert angles == sorted(angles, reverse=True), "pads are told from the left"


@each
def test_all_that_is_on_an_island_lies_on_its_floors_at_their_height(settings, height_of):
    for plan, _ in plans_of(settings):
        poses = [*plan.spawns, plan.top, plan.neck, plan.hub]
        for lane in plan.lanes:
            poses += [lane.pad, *lane.jumps, *lane.decoys]
        points = [point for lane in plan.lanes for point in lane.points]  # which say no heights
        assert np.allclose([pose.z for pose in poses], height_of(plan.floors, flat(*poses)))
        assert np.isfinite(height_of(plan.floors, flat(*points))).all()
        assert np.isfinite(height_of(plan.strips, flat(*poses, *points))).all()


@each
def test_every_way_is_even_but_for_gaps_and_steps_which_one_is_told_to_jump(settings, height_of):
    jumps = 0
    for plan, _ in plans_of(settings):
        for lane in plan.lanes:
            way = way_to(plan, lane)
            assert np.isfinite(height_of(plan.strips, way)).all(), "walls close no way"
            height = height_of(plan.floors, way)
            holes = ~np.isfinite(height)
            rises = np.zeros(len(way), bool)
            rises[1:] = np.abs(np.diff(height)) > UNEVEN  # never where there is no floor
            wild = np.flatnonzero(holes | rises)
            assert len(lane.jumps) == bool(len(wild)), "a lane has one gap or step, or none"
            if len(wild):
                jumps += 1
                before = math.dist(way[wild[0]], lane.jumps[0][:2])
                assert RUN_UP - 1e-6 < before < RUN_UP + 2 * STEP, "people leap just before the edge"
                gap = STEP * holes.sum()
                steps = np.diff(height[rises.argmax() - 1 :][:2]) if rises.any() else np.zeros(1)
                assert gap < 2.3 and not (holes.any() and rises.any())
                assert 0 <= steps[0] < RULES.jump_height / 2
    assert jumps > PLANS / 10 if settings.distribution_mode == "hard" else jumps == 0


def test_hard_islands_have_everything():
    plans = [plan for plan, _ in plans_of(LevelSettings("hard"))]
    lanes = [lane for plan in plans for lane in plan.lanes]
    shares = {
        "bridge": np.mean([plan.bridge > 0 for plan in plans]),
        "block": np.mean([plan.block is not None for plan in plans]),
        "decoy": np.mean([bool(lane.decoys) for lane in lanes]),
        "jump": np.mean([bool(lane.jumps) for lane in lanes]),
        "rise": np.mean([abs(lane.pad.z - plan.hub.z) > 0.2 for plan in plans for lane in plan.lanes]),
    }
    assert all(0.08 < share < 0.5 for share in shares.values()), shares


def test_easy_islands_have_no_obstacles():
    for plan, _ in plans_of(LevelSettings("easy")):
        assert plan.block is None and not plan.bridge and not any(lane.jumps or lane.decoys for lane in plan.lanes)


@each
def test_a_moving_block_stays_between_the_walls(settings):
    for plan, _ in plans_of(settings):
        if plan.block is not None:
            assert 0.5 < plan.block.reach + 0.55 < plan.neck_half
            assert 2 * math.pi / plan.block.rate > 40, "it takes more than 4 s to come back"
