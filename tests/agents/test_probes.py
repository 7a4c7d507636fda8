"""Probes do what they say, tell nobody, and leave every episode to its own seed."""

import functools
import math

import numpy as np
import pytest

from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from agents.probes import (
    MISS_ANGLE,
    MISS_DISTANCE,
    MISS_STEPS,
    PROBE_STEPS,
    PROBES,
    PUSH_SPEED,
    PUSH_STEPS,
    PUSHES,
    ForcedMiss,
    Probed,
    draw_pushes,
    miss_began,
    missed,
    odd_starts,
    play_probe,
    recovery,
    recovery_line,
    running_to_a_pad,
)
from agents.rollout import make_envs, rollout
from agents.targets import Target
from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.island.walkable import walkable_places
from jumppad_env.rules import PADS
from jumppad_env.streams import stream
from jumppad_env.world import STATE
from jumppad_env.world.options import Options

SEEDS = range(70, 86)
POSITION, VELOCITY, PAD = slice(0, 3), slice(4, 7), STATE.index("pad")


@functools.cache
def probed(probe, count=8, population="curated", seeds=SEEDS):
    envs = make_envs(count, None, max_episode_steps=PROBE_STEPS)
    try:
        return list(play_probe(probe, envs, Crowd(POPULATIONS[population], count), seeds))
    finally:
        envs.close()


@functools.cache
def undisturbed():
    envs = make_envs(8, None, max_episode_steps=PROBE_STEPS)
    try:
        return list(rollout(envs, Crowd(POPULATIONS["curated"], 8), SEEDS))
    finally:
        envs.close()


@pytest.mark.parametrize("probe", PROBES)
def test_an_episode_is_the_same_alone_and_in_any_company(probe):
    for count in (1, 3):  # 3: seats change hands at different times, and are left before the last episode ends
        alone = probed(probe, count, seeds=SEEDS[:4])
        for one, other in zip(alone, probed(probe), strict=False):
            assert np.array_equal(one.trajectory.states, other.trajectory.states)
            assert np.array_equal(one.trajectory.actions, other.trajectory.actions)
            assert one.counts == other.counts and one.trajectory.seed == other.trajectory.seed


@pytest.mark.parametrize("probe", PROBES)
def test_something_happens_to_every_episode(probe):
    for episode, plain in zip(probed(probe), undisturbed(), strict=True):
        steps = min(len(episode.trajectory), len(plain))
        assert not np.array_equal(episode.trajectory.states[:steps], plain.states[:steps])


def test_a_miss_begins_near_a_pad_and_runs_past_it():
    pads = load_island().pads
    sides = set()
    for episode, plain in zip(probed("forced_miss"), undisturbed(), strict=True):
        trajectory = episode.trajectory
        began = miss_began(trajectory)
        assert began is not None
        before = slice(0, began)
        assert np.array_equal(trajectory.actions[before], plain.actions[before]), "nothing is touched before"
        ways = pads[:, :2] - trajectory.states[began, :2]
        way = ways[np.hypot(*ways.T).argmin()]
        assert MISS_DISTANCE[0] <= np.hypot(*way) <= MISS_DISTANCE[1]
        forced = slice(began, began + MISS_STEPS)
        left_x, left_y, right_x, right_y, *buttons = trajectory.actions[forced].T
        assert (right_x == gamepad.CENTER).all() and (right_y == gamepad.CENTER).all() and not np.any(buttons)
        stick = np.arctan2(
            -(left_x.astype(float) - gamepad.CENTER), left_y.astype(float) - gamepad.CENTER
        )  # from the camera's direction, counter-clockwise
        headings = stick + trajectory.states[forced, STATE.index("camera_yaw")]
        off = np.array([math.remainder(h - math.atan2(-way[0], way[1]), math.tau) for h in headings])
        assert np.abs(np.abs(off) - MISS_ANGLE).max() < math.radians(6) and len(set(np.sign(off))) == 1
        side = int(np.sign(off[0]))
        sides.add(side)
        assert (side < 0) == (stream(trajectory.seed, "probe forced miss").random() < 0.5), "the seed's own side"
        if episode.counts:  # by now it really runs there, and leaves the pad on the other side
            ahead = trajectory.states[began + MISS_STEPS]
            velocity = ahead[VELOCITY]
            assert np.hypot(*velocity[:2]) > 1.0
            assert side * (way[0] * velocity[1] - way[1] * velocity[0]) > 0
    assert sides == {-1, 1}


def test_only_a_run_that_touched_no_pad_in_the_miss_counts():
    episodes = probed("forced_miss", seeds=range(100, 160), count=60)
    assert {episode.counts for episode in episodes} == {True, False}
    for episode in episodes:
        began = miss_began(episode.trajectory)
        assert began is not None
        touched = episode.trajectory.states[began : began + MISS_STEPS + 1, PAD].max() >= 0
        assert episode.counts == missed(episode.trajectory) == (not touched)


def test_the_miss_comes_once_in_an_episode():
    class Stander:
        def reset(self, rows, seeds):
            pass

        def act(self, observations, infos):
            return np.tile(gamepad.NEUTRAL, (2, 1))

        def mode(self, row):
            return ""

    miss = ForcedMiss(Stander(), 2)
    place = load_island().pads[PADS.index("middle")] - [0.0, 4.5, 0.0]
    infos = {"position": np.stack([place, place]), "velocity": np.array([[0.0, 9.0, 0.0], [0.0, 0.0, 0.0]])}
    infos |= {"pad": np.array([-1, -1]), "camera_yaw": np.zeros(2)}
    for begins in (np.array([True, True]), np.array([True, False])):
        miss.reset(begins, np.array([5, 6]))
        forced = np.array([(miss.act(None, infos) != gamepad.NEUTRAL).any(axis=1) for _ in range(3 * MISS_STEPS)])
        assert forced[:MISS_STEPS, 0].all() and not forced[MISS_STEPS:, 0].any(), "still runs to the pad"
        assert not forced[:, 1].any(), "stands"


def test_people_come_back_after_a_miss():
    found = recovery("forced_miss", probed("forced_miss"))
    assert found["recovered"] == 1.0 and found["probed"] > 8


def test_whoever_does_not_run_to_a_pad_is_not_probed():
    episodes = probed("forced_miss", population="idle", seeds=SEEDS[:4])
    assert not any(episode.counts for episode in episodes)
    assert all(miss_began(episode.trajectory) is None for episode in episodes)
    found = recovery("forced_miss", episodes)
    assert (found["probed"], found["recovered"], found["recovered_ci95"]) == (0, 0.0, [0.0, 1.0])


@pytest.mark.parametrize(
    ("position", "velocity", "pad", "expected"),
    [
        ((0.0, -4.5, 0.0), (0.0, 9.0, 0.0), -1, True),
        ((0.0, -4.5, 0.0), (0.0, -9.0, 0.0), -1, False),  # away from it
        ((0.0, -4.5, 0.0), (9.0, 9.0, 0.0), -1, False),  # past it
        ((0.0, -4.5, 0.0), (0.0, 2.0, 0.0), -1, False),  # walks
        ((0.0, -4.5, 0.0), (0.0, 9.0, 0.0), 1, False),  # has touched it
        ((0.0, -3.0, 0.0), (0.0, 9.0, 0.0), -1, False),  # too near
        ((0.0, -6.0, 0.0), (0.0, 9.0, 0.0), -1, False),  # too far
    ],
)
def test_who_runs_to_a_pad(position, velocity, pad, expected):
    place = load_island().pads[PADS.index("middle")] + position
    running, way = running_to_a_pad(place[None], np.array([velocity]), np.array([pad]), load_island().pads[None])
    assert running.tolist() == [expected] and way == pytest.approx([0.0])


def test_odd_starts_lie_on_the_track_and_look_anywhere():
    seeds = np.arange(400)
    starts = odd_starts(seeds, Options())
    places = {tuple(place) for place in walkable_places()}
    assert all(tuple(position) in places for position in starts["position"])
    y, heading = starts["position"][:, 1], starts["heading"]
    assert (y < 6).mean() > 0.2 and (y > 25).mean() > 0.2, "on the plaza and in the garden"
    assert np.histogram(heading, bins=4, range=(-math.pi, math.pi))[0].min() > 60
    again = odd_starts(seeds[::-1], Options())
    assert np.array_equal(again["position"][::-1], starts["position"])
    assert np.array_equal(again["heading"][::-1], heading)
    for episode in probed("odd_start"):
        state, expected = episode.trajectory.states[0], odd_starts(np.array([episode.trajectory.seed]), Options())
        assert (
            np.array_equal(state[POSITION], expected["position"][0])
            and state[STATE.index("yaw")] == expected["heading"]
        )
        assert episode.counts


def test_pushes_change_the_velocity_by_what_they_say():
    for episode in probed("pushes"):
        trajectory = episode.trajectory
        pushes = draw_pushes(trajectory.seed)
        assert len(pushes) == PUSHES and all(0 <= step < PUSH_STEPS for step in pushes)
        envs = make_envs(1, None)
        envs.reset(seed=[trajectory.seed])
        for step in range(PUSH_STEPS):  # played again with the actions alone, the difference is the push
            pushed = trajectory.states[step, VELOCITY] - envs.unwrapped.states()[0, VELOCITY]
            if step in pushes:
                angle = pushes[step]
                assert pushed == pytest.approx([-PUSH_SPEED * math.sin(angle), PUSH_SPEED * math.cos(angle), 0.0])
                envs.unwrapped.push(np.array([True]), pushed[None])
                envs.unwrapped._episodes.world.set_state(0, trajectory.states[step])  # to the last bit
            else:
                assert not pushed.any(), step
            envs.step(trajectory.actions[step][None])
        envs.close()
        assert episode.counts


def test_whoever_acts_sees_and_draws_what_it_would_without_a_probe():
    class Witness(Crowd):
        asked = 0

        def act(self, observations, infos):
            self.asked += 1
            return super().act(observations, infos)

    envs = make_envs(1, None, max_episode_steps=PROBE_STEPS)
    witness = Witness(POPULATIONS["curated"], 1)
    (episode,) = play_probe("forced_miss", envs, witness, [SEEDS[0]])
    envs.close()
    assert witness.asked == len(episode.trajectory), "it is asked at every step, and in the miss not obeyed"
    assert ForcedMiss(witness, 1).mode(0) == witness.mode(0) == episode.trajectory.mode


def test_recovery_counts_the_probed_alone():
    episodes = probed("pushes")[:4]
    chosen = [Probed(e.trajectory, index < 3) for index, e in enumerate(episodes)]
    found = recovery("pushes", chosen)
    pads = [episode.trajectory.pad for episode in episodes[:3]]
    assert found["probe"] == "pushes" and found["probed"] == 3
    assert found["recovered_at"] == {name: pads.count(i) / 3 for i, name in enumerate(PADS)}
    assert found["recovered"] == pytest.approx(sum(found["recovered_at"].values()))
    low, high = found["recovered_ci95"]
    assert 0.0 <= low <= found["recovered"] <= high + 1e-9
    line = recovery_line({"episodes": 4, **found})
    assert line.startswith("pushes: 3 of 4 episodes probed, of which reached any pad ") and "\n" not in line
    found = recovery("pushes", chosen, Target(("left",)))
    assert found["recovered_target"] == {"target": "left", "share": found["recovered_at"]["left"]}
    own = recovery_line({"episodes": 4, **found})
    assert f"of which reached its target (left) {100 * found['recovered_at']['left']:.1f}, any pad " in own


def test_an_unknown_probe_is_refused():
    envs = make_envs(1, None)
    with pytest.raises(ValueError, match="'wind' is unknown; choose one of forced_miss, odd_start, pushes"):
        list(play_probe("wind", envs, Crowd(POPULATIONS["human"], 1), [0]))  # pyright: ignore[reportArgumentType]
    envs.close()
