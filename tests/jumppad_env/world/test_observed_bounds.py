"""The bounds that the space of observed states promises."""

import gymnasium
import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.vector_env import JumppadVectorEnv
from jumppad_env.world import STATE, World
from jumppad_env.world.world import BOUNDS

ROWS = 60


@pytest.mark.parametrize("keywords", [{"flight_steps": 9}, {"terminate_on_pad": False}])
def test_random_episodes_stay_within_the_bounds_and_reach_them(keywords):
    generator = np.random.default_rng(0)
    envs = JumppadVectorEnv(ROWS, observation="state", character="random", **keywords)
    space = envs.single_observation_space
    assert isinstance(space, gymnasium.spaces.Box)
    pads = load_island().pads
    observations, _ = envs.reset(seed=1, options={"position": pads[np.arange(ROWS) % 3] - [0, 1.6, 0]})
    lowest, highest = observations.min(axis=0), observations.max(axis=0)
    for step in range(400):
        if step % 4 == 0:
            actions = generator.choice([0, 5, 10], (ROWS, gamepad.FACTORS))
            actions[:, 4:] = generator.random((ROWS, 12)) < 0.3
            actions[: ROWS // 2, gamepad.LEFT_Y] = 10
        observations, _, _, _, infos = envs.step(actions)
        seen = [observations, *(final[None] for final in infos.get("final_obs", ()) if final is not None)]
        for some in seen:
            lowest, highest = np.minimum(lowest, some.min(axis=0)), np.maximum(highest, some.max(axis=0))
    assert (lowest >= space.low).all() and (highest <= space.high).all()
    bounded = np.isfinite(space.low)
    assert bounded.sum() == 12 and (bounded == np.isfinite(space.high)).all()
    # Not wider than they must be: a timer that has started has already run for a step when it is seen.
    assert (lowest[bounded] - space.low[bounded] < 0.02).all() and (space.high[bounded] - highest[bounded] < 0.11).all()
    envs.close()


@pytest.mark.parametrize("column", BOUNDS)
def test_a_state_beyond_them_is_refused(column, garden):
    world = World(1)
    world.place(0, "rider", garden)
    good = world.get_state(0)
    for bound, beyond in zip(BOUNDS[column], (-1e-6, 1e-6), strict=True):
        state = good.copy()
        state[STATE.index(column)] = bound
        world.set_state(0, state)
        state[STATE.index(column)] += beyond
        with pytest.raises(ValueError, match=rf"state has {column} .*, expected {BOUNDS[column][0]:g} to"):
            world.set_state(0, state)
