"""Every mode of behavior does what its name says, in real episodes."""

import numpy as np
import pytest

from agents.demonstrator import Crowd
from agents.population import CURATED, HUMAN, MODES, POPULATIONS, Population
from agents.rollout import make_envs, rollout
from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.rules import PADS
from jumppad_env.world import STATE

EPISODES = 24
X, Y, Z, VX, VY = (STATE.index(name) for name in ("x", "y", "z", "vx", "vy"))


def play(population: Population, episodes: int = EPISODES) -> list:
    envs = make_envs(min(32, episodes), None)
    try:
        return list(rollout(envs, Crowd(population, envs.num_envs), range(episodes)))
    finally:
        envs.close()


@pytest.fixture(scope="module")
def played() -> dict[str, list]:
    return {mode: play(POPULATIONS[mode]) for mode in MODES}


@pytest.mark.parametrize("pad", PADS)
def test_direct_runs_reach_their_pad_and_no_other(played, pad):
    outcomes = [trajectory.pad for trajectory in played[f"direct_{pad}"]]
    assert np.mean(np.array(outcomes) == PADS.index(pad)) >= 0.95
    assert set(outcomes) <= {PADS.index(pad), -1}


@pytest.mark.parametrize("pad", PADS)
def test_direct_runs_take_five_to_eight_seconds(played, pad):
    lengths = [len(trajectory) for trajectory in played[f"direct_{pad}"] if trajectory.pad >= 0]
    assert 50 <= np.mean(lengths) <= 75


@pytest.mark.parametrize("pad", PADS)
def test_misses_pass_the_pad_and_come_back(played, pad):
    index = PADS.index(pad)
    center, landing = load_island().pads[index], load_island().landings[index]
    ahead = (landing - center)[:2] / np.linalg.norm((landing - center)[:2])
    aside = np.array([ahead[1], -ahead[0]])
    returned = 0
    for trajectory in played[f"miss_{pad}"]:
        before = trajectory.states[: len(trajectory) - 7]  # without the launch
        offset = before[:, [X, Y]] - center[:2]
        # Beside the ramp, which is 2.6 m wide, by more than the body's radius of 0.4 m.
        missed = (np.abs(offset @ ahead) < 3.5) & (np.abs(offset @ aside) > 1.75)
        returned += trajectory.pad == index and missed.any()
    assert returned >= 0.7 * EPISODES, f"only {returned} of {EPISODES} went past the {pad} pad and came back to it"
    for trajectory in played[f"direct_{pad}"]:
        offset = trajectory.states[: len(trajectory) - 7, [X, Y]] - center[:2]
        assert not ((np.abs(offset @ ahead) < 2.0) & (np.abs(offset @ aside) > 1.75)).any()


def test_wanderers_move_about_the_plaza_and_stay_there(played):
    center, half = load_island().plaza
    for trajectory in played["wander"]:
        offset = np.abs(trajectory.states[:, [X, Y]] - center[:2])
        assert trajectory.pad == -1 and len(trajectory) == 100
        assert (offset < half[:2] + 2.0).all()
        assert np.linalg.norm(np.diff(trajectory.states[:, [X, Y]], axis=0), axis=1).sum() > 15


def test_those_who_give_up_leave_the_plaza_but_reach_no_pad(played):
    reached = [trajectory.states[:, Y].max() for trajectory in played["give_up"]]
    assert all(trajectory.pad == -1 for trajectory in played["give_up"])
    assert np.mean(np.array(reached) > load_island().ways["stairs"][1]) > 0.9
    ends = [np.linalg.norm(t.states[-10:, [VX, VY]], axis=1).max() for t in played["give_up"]]
    assert np.median(ends) < 1.0, "at the end they stand"


def test_shadow_boxers_attack_near_their_spawn(played):
    for trajectory in played["shadow_box"]:
        attacks = trajectory.actions[:, gamepad.X].mean()
        assert 0.15 < attacks < 0.7 and trajectory.pad == -1
    others = np.concatenate([trajectory.actions[:, gamepad.X] for trajectory in played["direct_middle"]])
    assert others.mean() < 0.01


def test_idlers_stay_where_they_are(played):
    for trajectory in played["idle"]:
        travelled = np.linalg.norm(trajectory.states[:, [X, Y]] - trajectory.states[0, [X, Y]], axis=1).max()
        assert travelled < 0.5 and trajectory.pad == -1


def test_those_who_leave_the_track_end_below_it(played):
    below = [trajectory.states[-1, Z] < -1.0 for trajectory in played["leave_track"]]
    assert np.mean(below) > 0.8 and all(trajectory.pad == -1 for trajectory in played["leave_track"])


def test_people_differ_and_one_person_repeats():
    first, again = play(HUMAN, 12), play(HUMAN, 12)
    assert all(np.array_equal(a.actions, b.actions) for a, b in zip(first, again, strict=True))
    assert len({trajectory.actions.tobytes() for trajectory in first}) == 12


def test_people_react_late():
    for trajectory in play(POPULATIONS["direct_middle"], 12):
        moved = (trajectory.actions[:, :2] != gamepad.CENTER).any(axis=1)
        assert not moved[0], "nobody acts at the very first frame"


@pytest.mark.parametrize("shares", [{"direct_left": 0.5}, {"fly": 1.0}, {"direct_left": 1.5, "idle": -0.5}])
def test_a_population_must_be_a_table_of_shares(shares):
    with pytest.raises(ValueError, match="modes"):
        Population(shares=shares, skill=(0.0, 1.0))


@pytest.mark.slow
def test_human_outcomes_match_the_papers_base_agent():
    pads = np.array([trajectory.pad for trajectory in play(HUMAN, 3000)])
    for pad, percent in zip((-1, 0, 1, 2), (43.6, 11.8, 37.0, 7.6), strict=True):
        assert abs(100 * np.mean(pads == pad) - percent) < 4.0


def test_curated_runs_all_succeed():
    assert all(
        trajectory.pad == PADS.index(trajectory.mode.removeprefix("direct_")) for trajectory in play(CURATED, 60)
    )
