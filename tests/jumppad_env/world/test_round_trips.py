"""A restored state continues as before, for every character and look, at any moment."""

import gymnasium
import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.rules import CHARACTERS
from jumppad_env.vector_env import JumppadVectorEnv
from jumppad_env.world import STATE
from jumppad_env.world.options import VARIETIES

COUNT, STEPS = 10, 30


def make(character: str, variety: str) -> JumppadVectorEnv:
    options = {"character": character, "variety": variety, "image_size": (12, 20), "terminate_on_pad": False}
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=COUNT, observation="both", **options)
    assert isinstance(envs, JumppadVectorEnv)
    return envs


def actions() -> np.ndarray:
    """Random actions (STEPS, COUNT, 16), mostly forward."""
    generator = np.random.default_rng(5)
    pressed = generator.integers([11] * 4 + [2] * 12, size=(STEPS, COUNT, gamepad.FACTORS))
    pressed[..., 4:] &= generator.integers(2, size=(STEPS, COUNT, 12))
    pressed[:, ::2, gamepad.LEFT_Y] = 10
    return pressed


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("variety", VARIETIES)
def test_a_restored_state_continues_the_same_in_an_environment_with_another_past(character, variety):
    envs = make(character, variety)
    # Near each pad, on the stairs and on the plaza, so that all of the state is in use.
    places = [(0, 37, 1.0), (-6.4, 39.5, 1.0), (6.4, 39.5, 1.0), (0, 8, 1.0)]
    envs.reset(seed=0)
    for row, place in enumerate(places):
        mask = np.arange(COUNT) == row
        envs.reset(options={"reset_mask": mask, "position": place})
    states, seen = [], []
    for pressed in actions():
        states.append(envs.states())
        observations, *_ = envs.step(pressed)
        seen.append({name: value.copy() for name, value in observations.items()})
    used = np.ptp(np.array(states).reshape(-1, len(STATE)), axis=0) > 0
    still = {"mounted"} if not CHARACTERS[character].has_board else set()
    assert {name for name, one in zip(STATE, used, strict=True) if not one} <= still
    single = gymnasium.make(
        "Jumppad-v0",
        character=character,
        variety=variety,
        image_size=(12, 20),
        observation="both",
        terminate_on_pad=False,
    )
    single.reset(seed=99)
    for start in (3, 17, 28):
        for row in range(COUNT):
            observation, _ = single.unwrapped.set_state(states[start][row])  # pyright: ignore[reportAttributeAccessIssue]
            assert single.unwrapped.character == character  # pyright: ignore[reportAttributeAccessIssue]
            for name, value in observation.items():
                assert np.array_equal(value, seen[start - 1][name][row]), (start, row, name)
            for step in range(start, min(start + 3, STEPS)):
                observation, *_ = single.unwrapped.step(actions()[step, row])
                for name, value in observation.items():
                    assert np.array_equal(value, seen[step][name][row]), (start, row, name)
    single.close()
    envs.close()
