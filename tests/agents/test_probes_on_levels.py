"""Probes on levels: the same disturbances, by the level's own pads and floors."""

import dataclasses
import functools
import math

import numpy as np
import pytest

from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from agents.probes import (
    EXTRA_STEPS,
    MISS_ANGLE,
    MISS_DISTANCE,
    MISS_STEPS,
    PROBES,
    Probed,
    longer,
    miss_began,
    missed,
    odd_starts,
    play_probe,
    recovery,
    recovery_line,
)
from agents.rollout import make_envs, rollout
from agents.targets import Target
from agents.worlds import WorldConfig
from jumppad_env import gamepad
from jumppad_env.levels import make_level
from jumppad_env.world import STATE
from jumppad_env.world.state import ISLAND, LEVEL, PAD

ONE = WorldConfig(environment="JumppadIslands-v0", num_levels=0)
TWO = WorldConfig(environment="JumppadIslands-v0", distribution_mode="hard", pads=4, islands=2)
WORLDS = pytest.mark.parametrize("world", [ONE, TWO], ids=["easy", "two hard islands"])
SEEDS = range(40, 52)


@functools.cache
def probed(world, probe, count=12, seeds=SEEDS, population="curated"):
    envs = make_envs(count, None, world, **longer(world))
    try:
        return list(play_probe(probe, envs, Crowd(POPULATIONS[population], count, world.settings), seeds))
    finally:
        envs.close()


@functools.cache
def undisturbed(world):
    envs = make_envs(12, None, world, **longer(world))
    try:
        return list(rollout(envs, Crowd(POPULATIONS["curated"], 12, world.settings), SEEDS))
    finally:
        envs.close()


def pads_of(trajectory, step):
    """Returns the pads (P, 3) m of the island that the character is on."""
    level, island = trajectory.states[step, [LEVEL, ISLAND]].astype(int)
    return make_level(int(level), trajectory.settings).islands[island].pads


@WORLDS
@pytest.mark.parametrize("probe", PROBES)
def test_an_episode_is_the_same_alone_and_in_any_company(world, probe):
    for one, other in zip(probed(world, probe, 1, SEEDS[:3]), probed(world, probe), strict=False):
        assert np.array_equal(one.trajectory.states, other.trajectory.states)
        assert np.array_equal(one.trajectory.actions, other.trajectory.actions)
        assert one.counts == other.counts


@WORLDS
@pytest.mark.parametrize("probe", PROBES)
def test_the_level_stays_and_something_happens_on_it(world, probe):
    for episode, plain in zip(probed(world, probe), undisturbed(world), strict=True):
        disturbed = episode.trajectory.states
        assert disturbed[0, LEVEL] == plain.states[0, LEVEL]
        steps = min(len(disturbed), len(plain))
        assert not np.array_equal(disturbed[:steps], plain.states[:steps])


@WORLDS
def test_a_miss_begins_near_a_pad_of_the_level_and_runs_past_it(world):
    began_on = set()
    for episode, plain in zip(probed(world, "forced_miss"), undisturbed(world), strict=True):
        trajectory = episode.trajectory
        began = miss_began(trajectory)
        assert began is not None and np.array_equal(trajectory.actions[:began], plain.actions[:began])
        ways = pads_of(trajectory, began)[:, :2] - trajectory.states[began, :2]
        way = ways[np.hypot(*ways.T).argmin()]
        assert MISS_DISTANCE[0] <= np.hypot(*way) <= MISS_DISTANCE[1]
        left_x, left_y = trajectory.actions[began : began + MISS_STEPS, :2].astype(float).T - gamepad.CENTER
        headings = (
            np.arctan2(-left_x, left_y) + trajectory.states[began : began + MISS_STEPS, STATE.index("camera_yaw")]
        )
        off = [math.remainder(heading - math.atan2(-way[0], way[1]), math.tau) for heading in headings]
        assert np.abs(np.abs(off) - MISS_ANGLE).max() < math.radians(6)
        touched = trajectory.states[began : began + MISS_STEPS + 1, PAD].max() >= 0
        assert episode.counts == missed(trajectory) == (not touched)
        began_on.add(int(trajectory.states[began, ISLAND]))
    assert began_on == {0}, "the first run in an episode is on the first island"
    assert sum(episode.counts for episode in probed(world, "forced_miss")) > len(SEEDS) / 2


def test_people_come_back_to_the_color_that_they_want():
    episodes = probed(ONE, "forced_miss", population="direct_red")
    found = recovery("forced_miss", episodes, Target(("red",)))
    assert found["recovered_target"] == {"target": "red", "share": 1.0} and found["probed"] > len(SEEDS) / 2
    assert "of which reached its target (red) 100.0, any pad 100.0" in recovery_line({"episodes": 12, **found})
    assert recovery("forced_miss", episodes, Target(("blue",)))["recovered_target"]["share"] == 0.0


def test_inner_pads_are_the_middle_and_what_does_not_count_is_no_recovery():
    inner = dataclasses.replace(undisturbed(TWO)[0], pad=2)
    found = recovery("pushes", [Probed(inner, True), Probed(inner, False)])
    assert found["recovered_at"] == {"left": 0.0, "middle": 1.0, "right": 0.0} and found["probed"] == 1


@WORLDS
def test_odd_starts_stand_on_floors_and_look_anywhere(world):
    envs = make_envs(64, None, world, **longer(world))
    starts = odd_starts(np.arange(64), envs.unwrapped.options)
    _, infos = envs.reset(seed=list(range(64)), options=starts)
    assert np.array_equal(infos["position"], starts["position"]) and not infos["island"].any()
    for _ in range(5):  # whoever was put into a wall, onto a pad or over an edge would be somewhere else by now
        *_, infos = envs.step(np.tile(gamepad.NEUTRAL, (64, 1)))
    moved = infos["position"] - starts["position"]
    assert np.hypot(*moved[:, :2].T).max() < 0.4, "nobody slides farther on a slope"
    assert -0.6 < moved[:, 2].min() and moved[:, 2].max() < 0.01, "down to the floor, at most by a step"
    assert envs.unwrapped.states()[:, STATE.index("grounded")].all() and not infos["fell"].any()
    assert (infos["pads"] < 0).all()
    assert np.histogram(starts["heading"], bins=4, range=(-math.pi, math.pi))[0].min() > 4
    assert len(set(infos["level"].tolist())) > 32, "each on the level of its own seed"
    envs.close()


@pytest.mark.parametrize("world", [WorldConfig(), ONE, TWO], ids=["classic", "easy", "two hard islands"])
def test_there_are_six_seconds_more_to_recover(world):
    episodes = []
    for keywords in ({}, longer(world)):
        envs = make_envs(1, None, world, **keywords)
        (episode,) = rollout(envs, Crowd(POPULATIONS["idle"], 1, world.settings), [3])
        envs.close()
        episodes.append(episode)
    usual, more = episodes
    assert len(more) - len(usual) == EXTRA_STEPS == 60
    assert np.array_equal(more.states[: len(usual)], usual.states)
