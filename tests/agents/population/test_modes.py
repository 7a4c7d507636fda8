"""Every mode of behavior does what its name says, in real episodes."""

import numpy as np
import pytest

from agents.motion import came_back
from agents.population import CURATED, MODES, POPULATIONS, Population
from agents.population.demonstrator import Crowd
from agents.population.modes import GOALS
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
    assert 50 <= np.mean(lengths) <= 80


@pytest.mark.parametrize("pad", PADS)
def test_misses_turn_round_and_come_back(played, pad):
    returned = [came_back(trajectory) and trajectory.pad == PADS.index(pad) for trajectory in played[f"miss_{pad}"]]
    assert np.mean(returned) >= 0.8, f"{sum(returned)} of {EPISODES} missed the {pad} pad and came back to it"
    assert np.mean([came_back(trajectory) for trajectory in played[f"direct_{pad}"]]) <= 0.05


@pytest.mark.parametrize("pad", ["left", "right"])
def test_misses_run_past_the_outer_pads(played, pad):
    center, landing = load_island().pads[PADS.index(pad)], load_island().landings[PADS.index(pad)]
    ahead = (landing - center)[:2] / np.linalg.norm((landing - center)[:2])
    past = 0
    for trajectory in played[f"miss_{pad}"]:
        offset = trajectory.states[: len(trajectory) - 7, [X, Y]] - center[:2]
        # Level with the ramp or further, beside it by more than half its width and the body's radius.
        past += ((offset @ ahead > -0.5) & (np.abs(offset @ [ahead[1], -ahead[0]]) > 1.7)).any()
    assert past >= 0.7 * EPISODES, f"only {past} of {EPISODES} went past the {pad} pad"


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


def test_those_who_lose_their_way_push_against_what_is_no_way(played):
    pushed = []
    for trajectory in played["lose_way"]:
        astray = trajectory.goals == GOALS.index("astray")
        standing = np.hypot(trajectory.states[:, VX], trajectory.states[:, VY]) < 2.0
        pushing = (trajectory.actions[:, :2] != gamepad.CENTER).any(axis=1)
        pushed.append((astray & standing & pushing).sum())
    assert np.mean(np.array(pushed) >= 5) > 0.9, "half a second at least against a wall"
    assert np.mean([trajectory.pad == -1 for trajectory in played["lose_way"]]) > 0.9


def test_curated_runs_all_succeed():
    assert all(
        trajectory.pad == PADS.index(trajectory.mode.removeprefix("direct_")) for trajectory in play(CURATED, 60)
    )
