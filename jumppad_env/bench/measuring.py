"""Measuring steps per second, in turns."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env import gamepad
from jumppad_env.streams import integer_seed, stream

T = TypeVar("T")

ROUNDS = 5

Step = Callable[[int], int]
"""Takes the index of the call and returns the number of environment steps it took."""


def steps_per_second(step: Step, index: int, seconds: float) -> tuple[float, int]:
    """Returns environment steps per second, and the index of the next call.

    Args:
        step: takes the index of the call and returns the number of environment steps it took.
        index: of the first call.
        seconds: time to measure for; at least one call is made.
    """
    count, start = 0, time.perf_counter()
    while True:
        count += step(index)
        index += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return count / passed, index


def random_actions(seed: int, rows: int) -> np.ndarray:
    """Returns random actions (100, rows, 16): sticks uniform, buttons pressed 5% of the time."""
    generator = stream(seed, "bench")
    sticks = generator.integers(gamepad.BUCKETS, size=(100, rows, len(gamepad.AXES)))
    buttons = generator.random((100, rows, len(gamepad.BUTTONS))) < 0.05
    return np.concatenate([sticks, buttons], axis=2)


def single(closing: ExitStack, seed: int, **keywords: Any) -> Step:
    """Returns a step function of one environment in one thread, resets included."""
    env = gymnasium.make("Jumppad-v0", **keywords)
    closing.callback(env.close)
    env.reset(seed=integer_seed(seed, "bench"))
    actions = random_actions(seed, 1)[:, 0]

    def step(index: int) -> int:
        _, _, terminated, truncated, _ = env.step(actions[index % len(actions)])
        if terminated or truncated:
            env.reset()
        return 1

    return step


def vector(closing: ExitStack, seed: int, rows: int, **keywords: Any) -> Step:
    """Returns a step function of a vector environment, on all cores unless `threads` is given."""
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=rows, **keywords)
    closing.callback(envs.close)
    envs.reset(seed=integer_seed(seed, "bench"))
    actions = random_actions(seed, rows)

    def step(index: int) -> int:
        envs.step(actions[index % len(actions)])
        return rows

    return step


def in_turns(steps: dict[T, Step], seconds: float) -> dict[T, list[float]]:
    """Returns steps per second, one for each round; progress goes to stderr.

    Every round measures each for a moment, so that other load on the machine slows all of them alike.

    Args:
        steps: step functions.
        seconds: approximate time of all measurements together.
    """
    rates: dict[T, list[float]] = {name: [] for name in steps}
    indices = {name: step(0) and 1 for name, step in steps.items()}  # the first step of each is slower
    for number in range(1, ROUNDS + 1):
        print(f"round {number} of {ROUNDS} ...", file=sys.stderr, flush=True)
        for name, step in steps.items():
            rate, indices[name] = steps_per_second(step, indices[name], seconds / ROUNDS / len(steps))
            rates[name].append(rate)
    return rates
