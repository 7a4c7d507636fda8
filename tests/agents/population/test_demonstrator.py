"""The pilot: what a person intends reaches the sticks late, gradually, roughly, and with a tremor."""

import dataclasses
import math

import numpy as np
import pytest

from agents.population import HUMAN, Population
from agents.population.demonstrator import Crowd, Demonstrator
from agents.population.modes import GOALS, View
from agents.population.person import mirrored
from agents.population.populations import BOT
from agents.rollout import make_envs, rollout
from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.rules import PADS
from jumppad_env.world import STATE

STEPS = 40


def seat(**traits) -> Demonstrator:
    """The bot with some traits of a person, about to run to the middle pad."""
    person = dataclasses.replace(BOT, **traits)
    return Demonstrator(Population(people=(person,), shares={"direct_middle": 1.0}), seed=0)


def sticks(demonstrator: Demonstrator, views: list[View]) -> np.ndarray:
    """Deflections (len(views), 4)."""
    actions = np.array([demonstrator.act(view) for view in views])
    return gamepad.STICK_VALUES[actions[:, : len(gamepad.AXES)]]


def standing(steps: int = STEPS, camera_yaw: float = 0.0) -> list[View]:
    """Views of somebody who doesn't get away from the middle of the plaza, the stairs straight ahead."""
    return [View(step, x=0.0, y=0.0, z=0.0, speed=0.0, camera_yaw=camera_yaw, pad=-1) for step in range(steps)]


def test_without_traits_the_stick_points_ahead_at_once():
    assert (sticks(seat(), standing()) == [0, 1, 0, 0]).all()


def test_the_start_is_as_late_as_the_reaction():
    moved = sticks(seat(reaction=0.3), standing())[:, 1] > 0
    assert moved.argmax() == 3


def test_what_is_seen_is_acted_on_after_the_reaction():
    views = [view._replace(pad=1 if view.step >= 20 else -1) for view in standing()]
    assert (sticks(seat(), views)[:, 1] > 0).sum() == 20
    assert (sticks(seat(reaction=0.3), views)[:, 1] > 0).sum() == 20  # from step 3 to 22


def test_reactions_between_steps_are_mixed_over_episodes():
    people = Population(people=(dataclasses.replace(BOT, reaction=0.25),), shares={"direct_middle": 1.0})
    views = [view._replace(pad=1 if view.step >= 20 else -1) for view in standing()]
    ends = [(sticks(Demonstrator(people, seed), views)[:, 1] > 0).nonzero()[0].max() - 19 for seed in range(60)]
    assert set(ends) == {2, 3} and 2.3 < np.mean(ends) < 2.7


def test_the_thumb_takes_its_time():
    forward = sticks(seat(grip=0.5), standing())[:4]
    assert forward[:, 1].tolist() == [0.6, 0.8, 1.0, 1.0]  # 1.1 times 1/2, 3/4, 7/8, to the nearest bucket
    aside = sticks(seat(grip=0.5), standing(camera_yaw=math.pi / 2))[:4]
    assert aside[:, 0].tolist() == [0.6, 0.8, 1.0, 1.0], "to the right, as the camera looks to the left"
    assert aside[:, 2].tolist() == [0.6, 0.8, 0.8, 1.0], "and so does the other thumb: 1/2, 3/4, 7/8, 15/16"


def test_the_stick_moves_only_when_it_is_off_by_more_than_the_deadband():
    views = [view._replace(camera_yaw=0.01 * view.step) for view in standing()]  # the view turns away slowly
    sideways = sticks(seat(aim_deadband=0.25), views)[:, 0]
    assert (sideways[:26] == 0).all() and sideways[26] == pytest.approx(0.2)
    assert (sideways[26:] == sideways[26]).all(), "and is then held again"


def test_small_errors_of_the_view_are_left_alone():
    turned = sticks(seat(camera_deadband=0.2), standing(camera_yaw=0.15))
    assert (turned[:, 2] == 0).all()
    assert (sticks(seat(camera_deadband=0.1), standing(camera_yaw=0.15))[:, 2] > 0).all(), "to the right"


def test_the_camera_turns_by_its_gain():
    """At 170 degrees a second times the square of the deflection."""
    error, gain = -0.6, 0.3
    deflection = sticks(seat(camera_gain=gain), standing(1, camera_yaw=-error))[0, 2]
    assert deflection == pytest.approx(math.sqrt(gain * abs(error) / (math.radians(170) * 0.1)), abs=0.1)


def test_tremor_grows_with_deflection():
    full = sticks(seat(tremor=0.2), standing(120, camera_yaw=math.pi / 2))  # the stick is pushed to the right
    assert 0.1 < full[:, 1].std() < 0.3
    resting = [view._replace(pad=1) for view in standing(120)]
    assert (sticks(seat(tremor=0.2), resting) == 0).all()


def test_drift_is_slow():
    sideways = sticks(seat(drift=0.3), standing(125))[:, 0]
    centered = sideways - sideways.mean()
    assert centered[1:] @ centered[:-1] / (centered @ centered) > 0.6


def test_goals_are_told_step_by_step():
    demonstrator = seat(reaction=0.2)
    sticks(demonstrator, standing(5))
    assert [GOALS[goal] for goal in demonstrator.goals] == ["wait", "wait", "to_stairs", "to_stairs", "to_stairs"]


@pytest.mark.parametrize("bot", [BOT, mirrored(BOT)], ids=["first left", "first right"])
@pytest.mark.parametrize("pad", PADS)
def test_mirror_images_know_where_the_pads_are(bot, pad):
    """The outer pads are not quite each other's mirror image."""
    envs = make_envs(4, None)
    people = Population(people=(bot,), shares={f"direct_{pad}": 1.0})
    trajectories = list(rollout(envs, Crowd(people, 4), range(4)))
    envs.close()
    center, landing = (places[PADS.index(pad), :2] for places in (load_island().pads, load_island().landings))
    ahead = (landing - center) / np.linalg.norm(landing - center)
    for trajectory in trajectories:
        assert trajectory.pad == PADS.index(pad)
        touch = int((trajectory.states[:, STATE.index("pad")] >= 0).argmax())
        place = trajectory.states[touch - 1, [STATE.index("x"), STATE.index("y")]] - center
        assert abs(place @ (ahead[1], -ahead[0])) < 0.2


def test_the_same_seed_behaves_the_same():
    views = standing()
    for seed in range(5):
        one, again, other = (Demonstrator(HUMAN, s) for s in (seed, seed, seed + 100))
        assert one.person == again.person and one.mode == again.mode
        actions = [one.act(view) for view in views]
        assert actions == [again.act(view) for view in views]
        assert actions != [other.act(view) for view in views]
