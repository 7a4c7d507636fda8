"""`Jumppad-v0` stays what it was before there were levels: states, rewards, infos and frames.

`data/classic.npz` was made by `make()` from commit 87fd4b1, the last one without levels, with MuJoCo 4.0 on x86-64. To
make it again, check that commit out beside this one and run, in its folder:

    PYTHONPATH=$PWD python <here>/tests/jumppad_env/test_classic.py <here>/tests/jumppad_env/data/classic.npz

Other processors round the last digits differently, so numbers are compared to 1e-9 and frames to a pixel in 1,000.
"""

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env import gamepad
from jumppad_env.island import load_island

DATA = Path(__file__).parent / "data" / "classic.npz"
ROWS, STEPS = 8, 80
DRAWN = (0, 25, 50, 80)
"""Steps after which frames are kept."""
KEPT = 3
"""Rows whose frames are kept."""


def choose_actions() -> np.ndarray:
    """Random actions (STEPS, ROWS, 16), each held for five steps, mostly forward."""
    generator = np.random.default_rng(0)
    actions = np.tile(gamepad.NEUTRAL, (STEPS // 5, ROWS, 1))
    actions[..., 4:] = generator.random((STEPS // 5, ROWS, 12)) < 0.15
    actions[..., :4] = generator.integers(2, 9, (STEPS // 5, ROWS, 4))
    actions[..., gamepad.LEFT_Y] = np.where(generator.random((STEPS // 5, ROWS)) < 0.8, 10, 3)
    actions[0] = gamepad.NEUTRAL  # onto the pad, where there is one
    actions[0, :, gamepad.LEFT_Y] = 10
    return np.repeat(actions, 5, axis=0)


def make(actions: np.ndarray) -> dict[str, np.ndarray]:
    """Plays, and returns all that is compared; rows that end begin anew, and half of them start before a pad."""
    found: dict[str, list[Any]] = {name: [] for name in ("states", "rewards", "ends", "positions", "pads")}
    frames = []
    for variety in ("none", "high"):
        envs: Any = gymnasium.make_vec(
            "Jumppad-v0", ROWS, image_size=(64, 64), character="random", target="left", variety=variety, threads=1
        )
        envs.reset(seed=7)
        before = np.array([load_island().pads[row % 3] - [0, 2.0, 0] for row in range(ROWS)])
        observations, _ = envs.reset(options={"position": before, "reset_mask": np.arange(ROWS) % 2 == 0})
        for step in range(STEPS + 1):
            if step in DRAWN:
                frames.append(observations[:KEPT])
            if step == STEPS:
                break
            observations, rewards, terminated, truncated, infos = envs.step(actions[step])
            if variety == "none":
                values = envs.states(), rewards, terminated | truncated, infos["position"], infos["pad"]
                for name, value in zip(found, values, strict=True):
                    found[name].append(value)
        envs.close()
    return {name: np.array(values) for name, values in found.items()} | {"frames": np.array(frames)}


def test_the_classic_island_is_the_same_as_before_there_were_levels():
    with np.load(DATA) as stored:
        expected = dict(stored)
    found = make(expected.pop("actions"))
    assert expected["ends"].any() and expected["rewards"].any() and set(expected["pads"].flat) == {-1, 0, 1, 2}
    same_pixels = (found["frames"] == expected.pop("frames")).all(axis=-1)
    assert same_pixels.mean() >= 0.999
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-9, err_msg=name)


if __name__ == "__main__":
    chosen = choose_actions()
    np.savez_compressed(sys.argv[1], **{"actions": chosen, **make(chosen)})  # pyright: ignore[reportArgumentType]
