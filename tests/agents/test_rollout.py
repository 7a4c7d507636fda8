"""Rollouts: ground truth of every step, favorite characters, and agents that have neither."""

from typing import Any

import numpy as np
import pytest

from agents.population import HUMAN, POPULATIONS, Population
from agents.population.demonstrator import Crowd
from agents.population.modes import GOALS
from agents.rollout import make_envs, rollout
from jumppad_env import gamepad
from jumppad_env.world import STATE


class Stander:
    """A learned agent that has learned to stand."""

    def reset(self, rows, seeds):
        pass

    def act(self, observations, infos):
        return np.tile(gamepad.NEUTRAL, (len(infos["pad"]), 1))

    def mode(self, row):
        return ""


def play(actor, count: int, **keywords) -> list[Any]:
    envs = make_envs(4, None)
    try:
        return list(rollout(envs, actor, range(50, 50 + count), **keywords))
    finally:
        envs.close()


def test_the_truth_of_every_step_and_episode_is_known():
    trajectories = play(Crowd(HUMAN, 4), 12)
    for trajectory in trajectories:
        person = HUMAN.people[trajectory.person]
        assert person.number == trajectory.person and person.skill == trajectory.skill
        assert trajectory.goals.dtype == np.uint8 and trajectory.goals.shape == (len(trajectory),)
        assert trajectory.goals.max() < len(GOALS)
    assert len({trajectory.person for trajectory in trajectories}) > 6


def test_goals_tell_the_way_to_a_pad_in_order():
    pad = STATE.index("pad")
    for trajectory in play(Crowd(POPULATIONS["miss_left"], 4), 6):
        goals = [GOALS[goal] for goal in trajectory.goals]
        order = [goal for goal, before in zip(goals, [None, *goals], strict=False) if goal != before]
        expected = ["wait", "to_stairs", "to_garden", "to_pad", "past_pad", "look", "return", "watch"]
        assert [goal for goal in expected if goal in order] == order, "each once, none out of order"
        flight = trajectory.states[:, pad] >= 0
        assert not (trajectory.goals[~flight] == GOALS.index("watch")).any()


def test_the_first_goal_is_to_wait_and_nobody_moves_before_it_ends():
    for trajectory in play(Crowd(HUMAN, 4), 12):
        waiting = trajectory.goals == GOALS.index("wait")
        assert waiting[0] and (trajectory.actions[waiting, : len(gamepad.AXES)] == gamepad.CENTER).all()


def test_people_play_their_favorite_character():
    trajectories = play(Crowd(HUMAN, 4), 16, favorites=True)
    assert all(t.character == HUMAN.people[t.person].favorite for t in trajectories)
    assert len({trajectory.character for trajectory in trajectories}) >= 3
    assert {trajectory.character for trajectory in play(Crowd(HUMAN, 4), 4)} == {"rider"}


def test_episodes_of_favorites_do_not_depend_on_how_many_are_played_at_a_time():
    envs = make_envs(1, None)
    alone = list(rollout(envs, Crowd(HUMAN, 1), range(50, 56), favorites=True))
    envs.close()
    for one, many in zip(alone, play(Crowd(HUMAN, 4), 6, favorites=True), strict=True):
        assert np.array_equal(one.states, many.states)
        assert one.goals is not None and one.goals.tolist() == many.goals.tolist()
        assert (one.character, one.person, one.skill) == (many.character, many.person, many.skill)


def test_nothing_is_known_of_learned_agents():
    (trajectory,) = play(Stander(), 1)
    assert trajectory.person == -1 and np.isnan(trajectory.skill) and trajectory.goals is None
    with pytest.raises(ValueError, match="Stander has no favorite characters"):
        play(Stander(), 1, favorites=True)


def test_one_person_lasts_from_episode_to_episode():
    alone = Population(people=(HUMAN.people[3],), shares=HUMAN.shares)
    trajectories = play(Crowd(alone, 4), 8)
    assert {(t.person, t.skill) for t in trajectories} == {(3, HUMAN.people[3].skill)}
    assert len({trajectory.actions.tobytes() for trajectory in trajectories}) == 8, "and is no machine"
