import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from jumppad_env import ContinuousGamepad, DiscreteGamepad, gamepad
from jumppad_env.wrappers import DISCRETE_MOVES


@pytest.mark.filterwarnings("ignore:.*(Box observation space|unwrapped version)")
@pytest.mark.parametrize("wrapper", [ContinuousGamepad, DiscreteGamepad])
def test_wrapped_environments_pass_gymnasiums_checks(wrapper):
    check_env(wrapper(gymnasium.make("JumppadState-v0").unwrapped), skip_render_check=True)


def test_every_gamepad_action_can_be_reached_continuously():
    env = ContinuousGamepad(gymnasium.make("JumppadState-v0"))
    space = gamepad.action_space()
    space.seed(0)
    for _ in range(200):
        action = space.sample()
        wanted = np.concatenate([gamepad.STICK_VALUES[action[:4]], action[4:] * 2 - 1])
        assert np.array_equal(env.action(wanted), action)


def test_continuous_sticks_round_to_the_nearest_bucket_and_buttons_need_more_than_zero():
    env = ContinuousGamepad(gymnasium.make("JumppadState-v0"))
    action = env.action(np.array([0.29, 0.31, -0.29, -1.0] + [0.0, 1e-6] * 6))
    assert action[:4].tolist() == [6, 7, 4, 0]
    assert action[4:].tolist() == [0, 1] * 6


@pytest.mark.parametrize("action", [np.zeros(15), np.full(16, np.nan), np.full(16, np.inf), 0.0])
def test_continuous_actions_that_do_not_fit_are_refused(action):
    with pytest.raises(ValueError, match="16 finite numbers"):
        ContinuousGamepad(gymnasium.make("JumppadState-v0")).action(action)


def test_discrete_actions_are_all_different_valid_and_never_shared():
    env = DiscreteGamepad(gymnasium.make("JumppadState-v0"))
    actions = [env.action(index) for index in range(len(DISCRETE_MOVES))]
    assert len({action.tobytes() for action in actions}) == len(DISCRETE_MOVES)
    for action in actions:
        gamepad.validate(action, (16,))
        action[:] = 0
    assert np.array_equal(env.action(0), gamepad.NEUTRAL)


@pytest.mark.parametrize("action", [10, -1, 1.0, "forward", None])
def test_discrete_actions_that_do_not_exist_are_refused(action):
    with pytest.raises(ValueError, match="integer from 0 to 9"):
        DiscreteGamepad(gymnasium.make("JumppadState-v0")).action(action)


def test_discrete_moves_suffice_to_reach_every_pad():
    env = DiscreteGamepad(gymnasium.make("JumppadState-v0", max_episode_steps=150))
    names = [name for name, *_ in DISCRETE_MOVES]
    pads = env.unwrapped._episodes.world.island  # pyright: ignore[reportAttributeAccessIssue]
    for index, pad in enumerate(("left", "middle", "right")):
        # Through the neck, to the entrance of the lane, to the pad; turning in place of strafing.
        way = [pads.ways["neck_in"], pads.ways["neck_out"], pads.ways[f"{pad}_in"], pads.pads[index]]
        _, info = env.reset(seed=index)
        ended = False
        while not ended:
            if len(way) > 1 and np.linalg.norm((way[0] - info["position"])[:2]) < 1.5:
                way.pop(0)
            x, y, _ = way[0] - info["position"]
            error = (np.arctan2(-x, y) - info["camera_yaw"] + np.pi) % (2 * np.pi) - np.pi
            move = "forward" if abs(error) < 0.08 else "forward, turn left" if error > 0 else "forward, turn right"
            _, _, terminated, truncated, info = env.step(names.index(move))
            ended = terminated or truncated
        assert info["pad"] == index, (pad, info["position"])
