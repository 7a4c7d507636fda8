"""Stable-Baselines3's PPO learns to run to a jump pad: state observations, ten discrete actions.

    python examples/sb3_ppo.py

`make setup` installs the requirements. Expect, within a minute on two CPU cores, success rates of 0% for a random
policy and 95 to 100% for the trained one, for each pad (`--target left`, `middle`, `right`). The pad's reward is too
sparse to be found by chance, so `Progress` rewards progress towards the pad too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

import jumppad_env

OFFSETS = 15
"""First column of the offsets to the pads in the state observation: x and y of left, middle, right, m."""


class Progress(gymnasium.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """Adds 0.1 to the reward per meter of straight-line progress towards the target."""

    def __init__(self, env: gymnasium.Env[np.ndarray, Any], target: str) -> None:
        """Wraps an environment with state observations."""
        super().__init__(env)
        column = OFFSETS + 2 * jumppad_env.PADS.index(target)
        self._way = slice(column, column + 2)
        self._distance = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Starts an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._distance = float(np.linalg.norm(observation[self._way]))
        return observation, info

    def step(self, action: Any) -> tuple[np.ndarray, SupportsFloat, bool, bool, dict[str, Any]]:
        """Advances one step; Stable-Baselines3 logs `is_success`."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        before, self._distance = self._distance, float(np.linalg.norm(observation[self._way]))
        info["is_success"] = info["success"]
        return observation, float(reward) + (before - self._distance) / 10, terminated, truncated, info


def make(target: str) -> gymnasium.Env[np.ndarray, Any]:
    """Returns the environment; episodes end at the pad, since the flight leads away from it."""
    return jumppad_env.DiscreteGamepad(gymnasium.make("JumppadState-v0", target=target, flight_steps=0))


def success_rate(env: gymnasium.Env[np.ndarray, Any], choose: Callable[[np.ndarray], int], episodes: int) -> float:
    """Returns the share of episodes that reach the target, with seeds unseen in training."""
    successes = 0
    for episode in range(episodes):
        observation, info = env.reset(seed=1_000_000 + episode)
        done = False
        while not done:
            observation, _, terminated, truncated, info = env.step(choose(observation))
            done = terminated or truncated
        successes += info["success"]
    return successes / episodes


def main() -> None:
    """Evaluates a random policy, trains, and evaluates the trained policy."""
    parser = argparse.ArgumentParser(prog="python examples/sb3_ppo.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=60_000, help="total environment steps of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=jumppad_env.PADS, default="left")
    parser.add_argument("--episodes", type=int, default=100, help="episodes per evaluation")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the networks are too small to gain from more

    envs = make_vec_env(lambda: Progress(make(arguments.target), arguments.target), n_envs=8, seed=arguments.seed)
    envs = VecNormalize(envs, norm_reward=False)  # meters, radians and flags on one scale
    agent = PPO(
        "MlpPolicy", envs, n_steps=256, batch_size=256, gamma=0.98, ent_coef=0.01, seed=arguments.seed, verbose=1
    )
    agent.learn(arguments.steps)

    env = make(arguments.target)
    env.action_space.seed(arguments.seed)
    random = success_rate(env, lambda _: env.action_space.sample(), arguments.episodes)

    def trained(observation: np.ndarray) -> int:
        return int(agent.predict(envs.normalize_obs(observation), deterministic=True)[0])  # pyright: ignore

    print(f"random: {random:.0%} reach the {arguments.target} pad")
    print(f"trained: {success_rate(env, trained, arguments.episodes):.0%} reach the {arguments.target} pad")


if __name__ == "__main__":
    main()
