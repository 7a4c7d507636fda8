"""What the vector environment does when an episode ends, in each of Gymnasium's modes, beside Gymnasium's own."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import vector

import jumppad_env  # noqa: F401 -- registers the environments
from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.vector_env import JumppadVectorEnv

COUNT = 4
LIMIT = 7
NEUTRAL = np.tile(gamepad.NEUTRAL, (COUNT, 1))
KEYWORDS: dict[str, Any] = {
    "observation": "both",
    "image_size": (16, 24),
    "character": "random",
    "max_episode_steps": LIMIT,
    "flight_steps": 2,
}
AT_A_PAD = {"position": load_island().pads[1] - [0, 1.6, 0]}
MODES = list(AutoresetMode)


def pair(mode: AutoresetMode, **keywords: Any) -> list[Any]:
    """The native vector environment and Gymnasium's own."""
    keywords = {**KEYWORDS, **keywords}
    native = gymnasium.make_vec("Jumppad-v0", COUNT, autoreset_mode=mode, **keywords)
    assert isinstance(native, JumppadVectorEnv)
    own = gymnasium.make_vec(
        "Jumppad-v0", COUNT, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **keywords
    )
    return [native, own]


def assert_same(one: Any, other: Any) -> None:
    """Asserts that nested results are equal bit for bit; infos in the rows of their masks, and the masks."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            rows = one.get(f"_{key}", slice(None))
            assert_same(*[told[key] if isinstance(told[key], dict) else told[key][rows] for told in (one, other)])
    elif isinstance(one, tuple) or one.dtype == object:
        for two in zip(one, other, strict=True):
            assert_same(*two)
    else:
        assert one.dtype == other.dtype and np.array_equal(one, other)


def play(envs: list[Any], steps: int) -> list[np.ndarray]:
    """Plays the same in both, asserting that all results are the same; returns which rows ended at each step."""
    space = gamepad.action_space()
    space.seed(0)
    ends = []
    assert_same(*[each.reset(seed=11, options=AT_A_PAD) for each in envs])
    for _ in range(steps):
        action = np.stack([space.sample() for _ in range(COUNT)])
        action[0, gamepad.LEFT_Y] = 10  # the first row reaches the pad, the others end by time
        results = [each.step(action) for each in envs]
        assert_same(*results)
        ends.append(results[0][2] | results[0][3])
        if envs[0].metadata["autoreset_mode"] == AutoresetMode.DISABLED and ends[-1].any():
            assert_same(*[each.reset(options={"reset_mask": ends[-1]}) for each in envs])
    return ends


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_gymnasiums_bit_for_bit(mode):
    ends = play(pair(mode), 5 * LIMIT)
    assert not all((end == end[0]).all() for end in ends), "some rows end alone"
    assert np.sum(ends, axis=0).min() > 2


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_is_known_by_member_name_and_value_in_any_case(mode):
    for name in (mode, mode.name, mode.value, mode.name.lower(), mode.value.upper(), mode.name.replace("_", "-")):
        envs = JumppadVectorEnv(1, observation="state", autoreset_mode=name)
        assert envs.metadata["autoreset_mode"] is envs.autoreset_mode is mode
        envs.close()


def test_in_mode_next_step_rows_that_have_ended_begin_anew_whatever_they_do():
    envs, _ = pair(AutoresetMode.NEXT_STEP)
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"rows \[0, 1, 2, 3\]"):
        envs.step(NEUTRAL)
    envs.reset(options={"reset_mask": np.arange(COUNT) > 0})
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"rows \[0\]"):
        envs.step(NEUTRAL)
    envs.reset(seed=0)
    ended = [envs.step(NEUTRAL)[3].all() for _ in range(LIMIT)]
    assert ended == [False] * (LIMIT - 1) + [True]
    with pytest.raises(gymnasium.error.ResetNeeded, match="before push"):
        envs.push(np.ones(COUNT, np.bool_), np.zeros((COUNT, 3)))
    chosen = np.arange(COUNT) == 2
    envs.reset(options={"reset_mask": chosen})  # this row has begun already: the next step moves it
    wild = NEUTRAL.copy()
    wild[:, gamepad.LEFT_Y] = 10
    _, rewards, terminated, truncated, _ = envs.step(wild)
    steps = envs.states()[:, jumppad_env.world.STATE.index("steps")]  # pyright: ignore[reportAttributeAccessIssue]
    assert steps.tolist() == [0, 0, 1, 0] and not (rewards.any() or terminated.any() or truncated.any())


def test_observations_can_be_normalized_in_mode_next_step():
    envs = [vector.NormalizeObservation(each) for each in pair(AutoresetMode.NEXT_STEP, observation="state")]
    play(envs, 3 * LIMIT)
    assert np.isfinite(envs[0].obs_rms.mean).all() and (envs[0].obs_rms.mean != 0).any()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
@pytest.mark.parametrize("kind", [0, 1], ids=["native", "sync"])
def test_results_become_tensors(mode, kind):
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")  # which Gymnasium's wrapper needs
    envs = vector.NumpyToTorch(pair(mode, observation="state")[kind])
    observations, infos = envs.reset(seed=0)
    for _ in range(LIMIT):
        assert isinstance(observations, torch.Tensor) and observations.shape == (COUNT, 24)
        assert all(isinstance(value, torch.Tensor) for value in infos.values()) and len(infos) == 16
        observations, _, _, truncated, infos = envs.step(torch.from_numpy(NEUTRAL))
    assert truncated.all()


def test_a_single_environments_results_become_tensors():
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")  # which Gymnasium's wrapper needs
    env: Any = gymnasium.wrappers.NumpyToTorch(gymnasium.make("JumppadState-v0"))
    _, info = env.reset(seed=0)
    _, _, _, _, later = env.step(torch.from_numpy(gamepad.NEUTRAL))
    for told in (info, later):
        assert set(told) == {"pad", "success", "fell", "position", "velocity", "heading", "camera_yaw", "character"}
        assert all(np.isfinite(np.asarray(value)).all() for value in told.values())
        assert all(isinstance(value, torch.Tensor | int | float) for value in told.values())
