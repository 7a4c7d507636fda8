"""Per-row inputs of the vector environment: start positions and pushes."""

from typing import Any

import gymnasium
import numpy as np
import pytest

import jumppad_env  # noqa: F401 -- registers the environments
from jumppad_env import gamepad
from jumppad_env.vector_env import JumppadVectorEnv


def make(count: int, **keywords: Any) -> JumppadVectorEnv:
    return JumppadVectorEnv(count, autoreset_mode="Disabled", **keywords)


def test_positions_can_be_given_per_row():
    envs = make(3, observation="state")
    places, headings = [[1.0, 2.0, 0.0], [0.0, 30.0, 1.0], [-3.0, 1.0, 0.0]], [0.5, -1.0, 3.0]
    _, infos = envs.reset(seed=4, options={"position": np.array(places), "heading": headings})
    assert infos["position"].tolist() == places and infos["heading"] == pytest.approx(headings)
    states = envs.states()
    for row in range(3):
        single = gymnasium.make("JumppadState-v0")
        single.reset(seed=4 + row, options={"position": places[row], "heading": headings[row]})
        assert np.array_equal(single.unwrapped.get_state(), states[row])  # pyright: ignore[reportAttributeAccessIssue]
        single.close()
    only = np.array([True, False, True])
    options = {"reset_mask": only, "position": [places[1], None, places[1]], "heading": [0.0, None, 1.0]}
    _, infos = envs.reset(seed=[4, None, 6], options=options)  # what is not reset has no place to give
    assert infos["position"].tolist() == [places[1]] * 3 and infos["heading"] == pytest.approx([0.0, -1.0, 1.0])
    _, infos = envs.reset(seed=0, options={"position": places[0], "heading": 0.25})
    assert infos["position"].tolist() == [places[0]] * 3 and infos["heading"].tolist() == [0.25] * 3
    before = envs.states()
    for given, message in (
        ({"position": places[:2]}, "position has 2 entries for 3 environments"),
        ({"position": [*places[:2], [0.0, np.nan, 0.0]]}, r"position=\[0.0, nan, 0.0\] must be three finite"),
        ({"position": [*places[:2], [0.0, 0.0]]}, r"position=\[0.0, 0.0\] must be three finite"),
        ({"heading": headings[:2]}, "heading has 2 entries for 3 environments"),
        ({"heading": [0.0, None, 1.0]}, "heading=None must be one finite"),
        ({"position": places, "heading": [0.0, 1.0, "north"]}, "heading='?north'? must be one finite"),
    ):
        with pytest.raises(ValueError, match=message):
            envs.reset(seed=0, options=given)
        assert np.array_equal(envs.states(), before), "no row has started"
    envs.close()


def test_a_push_adds_to_the_velocity_as_in_a_single_environment():
    envs = make(3, observation="both", image_size=(16, 24))
    singles = [gymnasium.make("Jumppad-v0", observation="both", image_size=(16, 24)) for _ in range(3)]
    ahead = np.tile(gamepad.NEUTRAL, (3, 1))
    ahead[:, gamepad.LEFT_Y] = 10
    envs.reset(seed=0)
    for row, single in enumerate(singles):
        single.reset(seed=row)
    rows = np.array([True, False, True])
    velocities = np.array([[4.0, 0.0, 0.0], [9.0, 9.0, 9.0], [-1.0, 3.0, 2.0]])
    for step in range(6):
        if step == 3:
            before = envs.states()
            envs.push(rows, velocities)
            change = envs.states() - before
            assert change[:, 4:7] == pytest.approx(velocities * rows[:, None])
            assert not np.delete(change, [4, 5, 6], axis=1).any(), "nothing else has changed"
            for row in np.flatnonzero(rows):
                singles[row].unwrapped.push(velocities[row])  # pyright: ignore[reportAttributeAccessIssue]
        observations, _, _, _, infos = envs.step(ahead)
        for row, single in enumerate(singles):
            observation, *_, info = single.step(ahead[row])
            assert np.array_equal(observations["pixels"][row], observation["pixels"])
            assert np.array_equal(observations["state"][row], observation["state"])
            assert np.array_equal(infos["velocity"][row], info["velocity"])
            assert np.array_equal(envs.states()[row], single.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
    for single in singles:
        single.close()
    envs.close()


def test_an_invalid_push_is_rejected_and_changes_no_velocity():
    envs, single = make(2, observation="state"), gymnasium.make("JumppadState-v0").unwrapped
    everyone, still = np.ones(2, dtype=bool), np.zeros((2, 3))
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"rows \[0, 1\] .* before push"):
        envs.push(everyone, still)
    with pytest.raises(gymnasium.error.ResetNeeded, match="before push"):
        single.push(still[0])  # pyright: ignore[reportAttributeAccessIssue]
    envs.reset(seed=0)
    single.reset(seed=0)
    before = envs.states()
    for rows, velocities, message in (
        ([1, 0], still, r"rows must be bool \(2,\)"),
        (np.ones(3, dtype=bool), still, r"rows must be bool \(2,\)"),
        (everyone, still[:, :2], r"must be finite numbers \(m/s\) of shape \(2, 3\)"),
        (everyone, still + np.inf, "must be finite"),
        (everyone, still + 1e7, "at most 1e.06"),
        (everyone, [[0, 0, 0], [1, 2]], r"push=\[\[0, 0, 0\], \[1, 2\]\] must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            envs.push(rows, velocities)  # pyright: ignore[reportArgumentType]
        assert np.array_equal(envs.states(), before)
    with pytest.raises(ValueError, match=r"of shape \(3,\)"):
        single.push(still)  # pyright: ignore[reportAttributeAccessIssue]
    envs.close()
    single.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="closed; make a new one"):
        envs.push(everyone, still)
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="closed; make a new one"):
        single.push(still[0])  # pyright: ignore[reportAttributeAccessIssue]
