"""Decisions per second on levels, beside the classic island, in turns in one run."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import Any

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env.bench.measuring import Step, in_turns, random_actions
from jumppad_env.streams import integer_seed
from tools.levels.chunks import table

CASES: dict[str, dict[str, Any]] = {
    "Jumppad-v0": {},
    "easy, 200 levels": {"num_levels": 200},
    "easy, without end": {"num_levels": 0},
    "hard, 200 levels": {"distribution_mode": "hard", "num_levels": 200},
    "hard, without end": {"distribution_mode": "hard", "num_levels": 0},
    "2 islands": {"islands": 2},
    "4 islands": {"islands": 4},
}


def speed(
    seconds: float = 120.0, envs: int = 64, image_size: tuple[int, int] = (64, 64), threads: int = 1, seed: int = 0
) -> str:
    """Measures the vector environment with random actions, resets included.

    Args:
        seconds: of all measurements together, without the beginning.
        envs: rows.
        image_size: height and width of the frames.
        threads: for physics and drawing.
        seed: of actions and levels.
    """
    with ExitStack() as closing:
        steps = {name: _steps(closing, name, seed, envs, threads, image_size) for name in CASES}
        rates = in_turns(steps, seconds)
    classic = rates["Jumppad-v0"]
    rows = []
    for name, some in rates.items():
        ratios = [own / other for own, other in zip(some, classic, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        rows.append((name, f"{statistics.median(some):.0f}", f"{statistics.median(ratios):.2f}", spread))
    title = (
        f"{envs} environments, {image_size[0]} x {image_size[1]}, {threads} threads; medians of {len(classic)} rounds"
    )
    return f"{title}\n\n" + table(("levels", "decisions per second", "to Jumppad-v0", "in all rounds"), rows)


def _steps(closing: ExitStack, name: str, seed: int, rows: int, threads: int, image_size: tuple[int, int]) -> Step:
    """Returns a step function whose rows are reset one by one, never all at a time."""
    made = "Jumppad-v0" if name == "Jumppad-v0" else "JumppadIslands-v0"
    envs: Any = gymnasium.make_vec(made, rows, image_size=image_size, threads=threads, **CASES[name])
    closing.callback(envs.close)
    actions = random_actions(seed, rows)
    envs.reset(seed=integer_seed(seed, "speed"))
    longest = envs.max_episode_steps
    for begun in range(longest):
        envs.step(actions[begun % len(actions)])
        due = np.arange(rows) * longest // rows == begun
        if due.any():
            envs.reset(options={"reset_mask": due})

    def step(index: int) -> int:
        envs.step(actions[index % len(actions)])
        return rows

    return step
