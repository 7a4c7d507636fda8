"""Stable-Baselines3's PPO on the native vector environment, by way of a `VecEnv` of twenty lines.

    python examples/sb3_native.py

`make setup` installs the requirements. Expect, within a minute on two CPU cores, a success rate that rises from 0% to
90% or more of the last hundred episodes. `NativeVecEnv` serves any algorithm of Stable-Baselines3 and sb3-contrib; for
DQN or SAC set `actions="discrete"` or `"continuous"`. The pad's reward is too sparse to be found by chance, so
`Progress` rewards progress towards the pad too.
"""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import VectorEnv, VectorWrapper
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize

import jumppad_env

OFFSETS = 15
"""First column of the offsets to the pads in the state observation: x and y of left, middle, right, m."""


class NativeVecEnv(VecEnv):
    """The native vector environment (autoreset mode SAME_STEP) with the interface of Stable-Baselines3."""

    def __init__(self, envs: VectorEnv[Any, Any, Any]) -> None:
        self.envs, self._actions = envs, np.empty(0)
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> Any:
        """Starts episodes in all rows, from the seeds of `seed` the first time."""
        observations, _ = self.envs.reset(seed=self._seeds[0])
        self._reset_seeds()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        """Keeps the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Returns observations, rewards, ends and one info for each row."""
        observations, rewards, terminated, truncated, infos = self.envs.step(self._actions)
        done, told = terminated | truncated, [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(done).tolist():
            told[row]["terminal_observation"] = infos["final_obs"][row]
            told[row]["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
            told[row]["is_success"] = bool(infos["final_info"]["success"][row])
        return observations, rewards.astype(np.float32), done, told

    def close(self) -> None:
        """Ends the threads."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Returns what all rows share, once for each row."""
        return [getattr(self.envs, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Is not offered: rows have no attributes of their own."""
        raise AttributeError("rows of the native vector environment have no attributes of their own")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Is not offered: rows have no methods of their own."""
        raise AttributeError("rows of the native vector environment have no methods of their own")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Returns False for each row."""
        return [False] * len(list(self._get_indices(indices)))


class Progress(VectorWrapper[Any, Any, Any]):
    """Adds 0.1 to the reward per meter of straight-line progress towards the target."""

    def __init__(self, envs: VectorEnv[Any, Any, Any], target: str) -> None:
        """Wraps a vector environment with state observations, in autoreset mode SAME_STEP."""
        super().__init__(envs)
        column = OFFSETS + 2 * jumppad_env.PADS.index(target)
        self._way = slice(column, column + 2)
        self._distances = np.zeros(envs.num_envs)

    def reset(self, **keywords: Any) -> Any:
        """Starts episodes."""
        observations, infos = self.env.reset(**keywords)
        self._distances = np.linalg.norm(observations[:, self._way], axis=1)
        return observations, infos

    def step(self, actions: Any) -> Any:
        """Advances one step; the last distance of an episode is read off its last observation."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        after, done = observations.copy(), terminated | truncated
        if done.any():
            after[done] = np.stack(infos["final_obs"][done])
        rewards = rewards + (self._distances - np.linalg.norm(after[:, self._way], axis=1)) / 10
        self._distances = np.linalg.norm(observations[:, self._way], axis=1)
        return observations, rewards, terminated, truncated, infos


def main() -> None:
    """Trains; Stable-Baselines3 prints `success_rate`."""
    description = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python examples/sb3_native.py", description=description)
    parser.add_argument("--steps", type=int, default=80_000, help="total environment steps of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=jumppad_env.PADS, default="left")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the networks are too small to gain from more

    keywords: dict[str, Any] = {"target": arguments.target, "flight_steps": 0, "actions": "discrete"}
    envs = Progress(gymnasium.make_vec("JumppadState-v0", num_envs=32, **keywords), arguments.target)
    # Meters, radians and flags on one scale.
    normalized = VecNormalize(VecMonitor(NativeVecEnv(envs)), norm_reward=False)
    agent = PPO(
        "MlpPolicy", normalized, n_steps=64, batch_size=256, gamma=0.98, ent_coef=0.01, seed=arguments.seed, verbose=1
    )
    agent.learn(arguments.steps)
    normalized.close()


if __name__ == "__main__":
    main()
