"""What is observed of stored states is what the environment showed."""

import gymnasium
import numpy as np
import pytest

import jumppad_env  # noqa: F401 -- registers the environments
from jumppad_env.world import STATE, observe
from jumppad_env.world.episodes import STATE_WIDTH


def test_states_of_play_are_observed_as_they_were():
    env = gymnasium.make("JumppadState-v0", character="random")
    env.action_space.seed(0)
    shown, states = [], []
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        for _ in range(40):
            shown.append(observation)
            states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
            observation, *_ = env.step(env.action_space.sample())
    states = np.array(states)
    seen = observe(states)
    assert seen.dtype == np.float32 and seen.shape == (120, STATE_WIDTH)
    assert np.array_equal(seen, shown)
    assert np.array_equal(observe(states[5]), shown[5])
    assert np.array_equal(observe(states.reshape(3, 40, -1)), seen.reshape(3, 40, -1))
    assert observe(states[:0]).shape == (0, STATE_WIDTH)


@pytest.mark.parametrize("states", [np.zeros((3, 24)), np.zeros(()), np.full((2, len(STATE)), "x"), []])
def test_what_is_no_state_is_refused(states):
    with pytest.raises(ValueError, match=rf"states must be numbers \(\.\.\., {len(STATE)}\)"):
        observe(states)
