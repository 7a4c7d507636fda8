"""The vector environment against single ones, bit for bit, for any size, number of threads and episode ends."""

import functools
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from jumppad_env import CHARACTERS, gamepad
from jumppad_env.island import load_island
from jumppad_env.vector_env import JumppadVectorEnv

ISLAND = load_island()
STEPS = 45
LIMIT = 20
"""Truncation after this many steps, so that some episodes end by time and others at a pad."""
KEYWORDS: dict[str, Any] = {
    "observation": "both",
    "image_size": (16, 24),
    "target": "left",
    "max_episode_steps": LIMIT,
}
INFO = ("pad", "success", "fell", "position", "velocity", "heading", "camera_yaw", "character")


def make(count: int, **keywords: Any) -> JumppadVectorEnv:
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=count, **{**KEYWORDS, **keywords})
    assert isinstance(envs, JumppadVectorEnv)
    return envs


def start(row: int) -> dict[str, Any]:
    """Every second row starts just in front of a pad, so that some are launched, and one about to fall."""
    if row == 2:
        return {"position": np.array([-30.0, 12.0, -8.0])}
    return {"position": ISLAND.pads[row % 3] - [0, 1.6, 0]} if row % 2 else {}


@functools.cache
def actions(row: int) -> np.ndarray:
    """Forward at first, onto a pad if there is one; then random, but mostly forward."""
    space = gamepad.action_space()
    space.seed(row)
    result = np.stack([space.sample() for _ in range(STEPS)])
    result[:, gamepad.LEFT_Y] = np.maximum(result[:, gamepad.LEFT_Y], 10 * (np.arange(STEPS) % 4 > 0))
    result[:3] = gamepad.NEUTRAL
    result[:3, gamepad.LEFT_Y] = 10
    return result


@pytest.fixture(scope="module")
def alone() -> list[list[Any]]:
    """Rollouts of 16 single environments: (observation, reward, terminated, truncated, info, state) for each step, with
    the observation and info of the next reset where an episode ended."""
    env = gymnasium.make("Jumppad-v0", **{**KEYWORDS, "character": "random"})
    elements = []
    for row in range(16):
        env.reset(seed=row)
        observation, info = env.reset(options=start(row))
        steps: list[Any] = [(observation, 0.0, False, False, info, env.unwrapped.get_state(), None)]  # pyright: ignore[reportAttributeAccessIssue]
        for action in actions(row):
            result = env.step(action)
            following = env.reset() if result[2] or result[3] else None
            steps.append((*result, env.unwrapped.get_state(), following))  # pyright: ignore[reportAttributeAccessIssue]
        elements.append(steps)
    env.close()
    ends = [(step[2], step[3], step[4]["pad"]) for steps in elements for step in steps]
    assert {pad for terminated, _, pad in ends if terminated} == {-1, 0, 1, 2}, "some must fall, some reach each pad"
    assert any(truncated for _, truncated, _ in ends) and any(step[1] for steps in elements for step in steps)
    return elements


def begin(envs: JumppadVectorEnv) -> tuple[Any, dict[str, Any]]:
    envs.reset(seed=0)
    for row in range(envs.num_envs - 1):
        envs.reset(options={**start(row), "reset_mask": np.arange(envs.num_envs) == row})
    last = envs.num_envs - 1
    return envs.reset(options={**start(last), "reset_mask": np.arange(envs.num_envs) == last})


def assert_row(batch: Any, row: int, single: Any) -> None:
    """Asserts that a row of a batch is a single environment's value, bit for bit."""
    if isinstance(single, dict):
        for name in single:
            assert_row(batch[name], row, single[name])
    elif isinstance(single, np.ndarray):
        assert batch[row].dtype == single.dtype and np.array_equal(batch[row], single)
    else:
        assert batch[row] == single


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("count", [1, 3, 16])
def test_each_element_is_a_single_environment_bit_for_bit(alone, count, threads):
    envs = make(count, threads=threads, character="random")
    observations, infos = begin(envs)
    for row in range(count):
        assert_row(observations, row, alone[row][0][0])
        assert_row({name: infos[name] for name in INFO}, row, alone[row][0][4])
    for step in range(1, STEPS + 1):
        observations, rewards, terminated, truncated, infos = envs.step(
            [actions(row)[step - 1] for row in range(count)]
        )
        states = envs.states()
        ended = terminated | truncated
        assert ("final_obs" in infos) == ended.any()
        for row in range(count):
            observation, reward, ends, cut, info, state, following = alone[row][step]
            assert (rewards[row], terminated[row], truncated[row]) == (reward, ends, cut), (step, row)
            assert np.array_equal(states[row], state), (step, row)
            told = {name: infos[name] for name in INFO}
            if following is None:
                assert_row(observations, row, observation)
                assert_row(told, row, info)
                assert not ended.any() or infos["final_obs"][row] is None
            else:
                assert_row(observations, row, following[0])
                assert_row(told, row, following[1])
                assert_row({name: [infos["final_obs"][row][name]] for name in observation}, 0, observation)
                assert_row({name: infos["final_info"][name] for name in INFO}, row, info)
            if ended.any():
                assert infos["_final_obs"][row] == infos["_final_info"][row] == ended[row]
                assert infos["final_info"]["_pad"][row] == ended[row]
    envs.close()


def test_with_disabled_autoreset_rows_wait_for_their_reset(alone):
    envs = make(3, autoreset_mode="Disabled", character="random")
    assert envs.metadata["autoreset_mode"] == AutoresetMode.DISABLED
    begin(envs)
    for step in range(1, STEPS + 1):
        observations, _, terminated, truncated, infos = envs.step([actions(row)[step - 1] for row in range(3)])
        assert "final_obs" not in infos
        for row in range(3):
            assert_row(observations, row, alone[row][step][0])
            assert_row({name: infos[name] for name in INFO}, row, alone[row][step][4])
        ended = terminated | truncated
        if ended.any():
            waiting = np.flatnonzero(ended).tolist()
            with pytest.raises(gymnasium.error.ResetNeeded, match=rf"rows \{waiting}"):
                envs.step(np.tile(gamepad.NEUTRAL, (3, 1)))
            observations, infos = envs.reset(options={"reset_mask": ended})
            assert np.array_equal(infos["_pad"], ended)
            for row in range(3):
                observation, _, _, _, info, _, following = alone[row][step]
                assert_row(observations, row, following[0] if ended[row] else observation)
                assert_row({name: infos[name] for name in INFO}, row, following[1] if ended[row] else info)
    envs.close()


def test_infos_have_the_same_keys_and_types_at_every_step_and_share_no_memory():
    envs = make(3, max_episode_steps=1000)
    observations, infos = envs.reset(seed=0)
    kept = []
    types = {
        "pad": np.int64,
        "success": np.bool_,
        "fell": np.bool_,
        "position": np.float64,
        "velocity": np.float64,
        "heading": np.float64,
        "camera_yaw": np.float64,
        "character": np.int64,
    }
    for step in range(6):
        assert set(infos) == {*types, *(f"_{name}" for name in types)}
        for name, dtype in types.items():
            assert infos[name].dtype == dtype and len(infos[name]) == 3
            assert infos[f"_{name}"].dtype == np.bool_ and infos[f"_{name}"].all()
        assert envs.observation_space.contains(observations)
        kept.append([array for part in (observations, infos) for array in part.values()])
        observations, rewards, terminated, truncated, infos = envs.step([actions(row)[step] for row in range(3)])
        assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, np.bool_, np.bool_)
    for earlier in range(len(kept)):
        for later in range(earlier):
            assert not any(np.shares_memory(*pair) for pair in zip(kept[earlier], kept[later], strict=True))
    envs.close()


def test_state_observations_need_no_drawing_and_are_the_same():
    both, state = make(3), make(3, observation="state")
    assert_equal(both.reset(seed=5)[0]["state"], state.reset(seed=5)[0])
    for step in range(25):
        batch = [actions(row)[step] for row in range(3)]
        assert_equal(both.step(batch)[0]["state"], state.step(batch)[0])
    both.close()
    state.close()


def assert_equal(one: np.ndarray, other: np.ndarray) -> None:
    assert one.dtype == other.dtype and np.array_equal(one, other)


def test_a_fixed_horizon_ends_all_rows_together():
    envs = make(3, observation="state", terminate_on_pad=False, max_episode_steps=12)
    begin(envs)
    for step in range(1, 13):
        _, _, terminated, truncated, _ = envs.step([actions(row)[step] for row in range(3)])
        assert not terminated.any()
    assert truncated[-1]
    envs.close()


def test_seeds_can_be_given_per_row():
    envs = make(3, observation="state")
    first = envs.reset(seed=10)[0]
    assert_equal(first, envs.reset(seed=[10, 11, 12])[0])
    assert_equal(first[::-1], envs.reset(seed=[12, 11, 10])[0])
    envs.close()


def test_characters_can_be_given_per_row():
    envs = make(3, observation="state", autoreset_mode="Disabled")
    _, infos = envs.reset(seed=4, options={"character": ["scout", "walker", "rider"]})
    assert [CHARACTERS[who] for who in infos["character"]] == envs.characters == ["scout", "walker", "rider"]
    states = envs.states()
    only = np.array([True, False, True])
    options = {"reset_mask": only, "character": ["mystic", "", "mystic"]}  # what is not reset has no name to give
    _, infos = envs.reset(seed=[4, None, 6], options=options)
    assert [CHARACTERS[who] for who in infos["character"]] == envs.characters == ["mystic", "walker", "mystic"]
    assert np.array_equal(envs.states(), states), "another character shifts nothing else that is drawn"
    before = envs.states()
    for names, message in (
        (["scout"], "1 entries for 3 environments"),
        (["scout", "walker", "ghost"], "'ghost' is unknown"),
        (["scout", 2, "rider"], "character=2 is unknown"),
        (None, "character=None is unknown"),
    ):
        with pytest.raises(ValueError, match=message):
            envs.reset(seed=0, options={"character": names})
        assert np.array_equal(envs.states(), before), "no row has started"
    envs.close()


def test_stored_states_are_drawn_as_observed():
    envs = make(3, observation="pixels")
    frames, infos = envs.reset(seed=1)
    states, characters = envs.states(), [CHARACTERS[who] for who in infos["character"]]
    envs.step([actions(row)[0] for row in range(3)])
    assert_equal(envs.draw(states, characters), frames)
    repeated = envs.draw(np.concatenate([states] * 4), characters * 4)
    assert_equal(repeated, np.concatenate([frames] * 4))
    envs.close()


def test_rendering_gives_one_frame_per_row():
    envs = make(2, observation="state", render_mode="rgb_array", render_size=(36, 60))
    envs.reset(seed=0, options={"character": "rider"})
    frames = envs.render()
    assert frames is not None and [frame.shape for frame in frames] == [(36, 60, 3)] * 2
    single = gymnasium.make("JumppadState-v0", render_mode="rgb_array", render_size=(36, 60))
    single.reset(seed=1)
    assert np.array_equal(single.render(), frames[1])  # pyright: ignore[reportArgumentType]
    single.close()
    envs.close()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"num_envs": 0}, "num_envs=0 must be"),
        ({"num_envs": 2.0}, "num_envs=2.0 must be"),
        ({"autoreset_mode": "sometimes"}, "='sometimes' is unknown; choose one of 'NextStep', 'SameStep', 'Disabled'"),
        ({"autoreset_mode": None}, "autoreset_mode=None is unknown"),
        ({"render_mode": "human"}, "no window"),
        ({"threads": 0}, "threads=0 must be"),
        ({"threads": "all"}, "threads='all' must be"),
        ({"max_episode_steps": 0}, "max_episode_steps=0 must be"),
        ({"max_episode_steps": "100"}, "max_episode_steps='100' must be"),
        ({"target": "up"}, "target='up'"),
    ],
)
def test_bad_keywords_are_one_clear_error(keywords, message):
    with pytest.raises(ValueError, match=message) as caught:
        JumppadVectorEnv(**{"num_envs": 2, **keywords})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"seed": [1, 2]}, "seed has 2 entries for 3 environments"),
        ({"seed": [1, "two", 3]}, "seed=.* must be"),
        ({"seed": 1.5}, "seed=1.5 must be"),
        ({"options": {"reset_mask": np.zeros(3, bool)}}, "at least one True"),
        ({"options": {"reset_mask": np.ones(2, bool)}}, r"reset_mask must be bool \(3,\)"),
        ({"options": {"reset_mask": [1, 0, 1]}}, r"reset_mask must be bool \(3,\)"),
    ],
)
def test_bad_resets_are_one_clear_error(call, message):
    envs = make(3, observation="state")
    with pytest.raises(ValueError, match=message):
        envs.reset(**call)
    envs.close()


def test_invalid_actions_are_rejected():
    envs = make(3, observation="state")
    envs.reset(seed=0)
    for action, message in ((gamepad.NEUTRAL, r"expected \(3, 16\)"), (np.full((3, 16), 11), "sticks must lie")):
        with pytest.raises(ValueError, match=message):
            envs.step(action)
    envs.close()


def test_stepping_requires_a_reset_and_an_open_environment():
    envs = make(2, observation="pixels")
    neutral = np.tile(gamepad.NEUTRAL, (2, 1))
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"rows \[0, 1\]"):
        envs.step(neutral)
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"rows \[0\]"):
        envs.reset(options={"reset_mask": np.array([False, True])})
        envs.step(neutral)
    envs.reset(seed=0)
    state = envs.states()
    envs.close()
    envs.close()
    for call in (lambda: envs.step(neutral), envs.reset, envs.render, lambda: envs.draw(state, ["rider"] * 2)):
        with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="closed; make a new one"):
            call()


@pytest.mark.parametrize("mode", [AutoresetMode.DISABLED, "Disabled", "disabled"])
def test_a_spec_that_names_the_mode_survives_json(mode):
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=2, image_size=(16, 24), autoreset_mode=mode)
    assert envs.spec is not None and '"Disabled"' in envs.spec.to_json()
    again = gymnasium.make_vec(EnvSpec.from_json(envs.spec.to_json()))
    assert again.num_envs == 2 and again.metadata["autoreset_mode"] == AutoresetMode.DISABLED
    assert again.spec is not None and again.spec.to_json() == envs.spec.to_json()
    assert_equal(again.reset(seed=3)[0], envs.reset(seed=3)[0])
    again.close()
    envs.close()


def test_seeds_and_generators_are_those_of_gymnasiums_own_vector_environment():
    envs, own = make(3, observation="state"), gymnasium.make_vec("JumppadState-v0", 3, vectorization_mode="sync")
    assert len(set(envs.np_random_seed)) == 3, "random at first"
    seeds: list[Any] = [5, [7, None, 9], None]
    for seed in seeds:
        envs.reset(seed=seed)
        own.reset(seed=seed)
        assert envs.np_random_seed == own.np_random_seed
        generators: Any = [some.np_random for some in (envs, own)]
        states = [[each.bit_generator.state for each in some] for some in generators]
        assert states[0] == states[1]
    assert envs.np_random_seed == (7, 6, 9)
    envs.close()
    own.close()


def test_retired_rows_wait_for_their_reset_and_do_not_affect_others(alone):
    envs = make(3, autoreset_mode="Disabled", character="random")
    begin(envs)
    resting = np.zeros(3, dtype=np.bool_)
    for step in range(1, LIMIT + 1):
        batch = [actions(row)[step - 1] for row in range(3)]
        observations, _, terminated, truncated, _ = envs.step(batch)
        for row in np.flatnonzero(~resting).tolist():
            assert_row(observations, row, alone[row][step][0])
        ended = (terminated | truncated) & ~resting
        if ended.any() and not (resting | ended).all():
            with pytest.raises(gymnasium.error.ResetNeeded):
                envs.step(batch)
        envs.retire(ended)
        resting |= ended
    assert resting.all()
    envs.reset(seed=0)
    observations, *_, infos = envs.step([actions(row)[0] for row in range(3)])
    assert_equal(
        observations["pixels"], envs.draw(envs.states(), [CHARACTERS[who] for who in infos["character"]])
    )  # drawn again
    for rows in ([1, 0, 0], np.ones(2, np.bool_), np.ones((3, 1), np.bool_)):
        with pytest.raises(ValueError, match=r"rows must be bool \(3,\)"):
            envs.retire(rows)  # pyright: ignore[reportArgumentType]
    envs.close()
    same_step = make(2, observation="state")
    with pytest.raises(ValueError, match="DISABLED"):
        same_step.retire(np.ones(2, dtype=np.bool_))
    same_step.close()
