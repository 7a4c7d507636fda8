"""PPO in one file, in CleanRL's style, on the native vector environment: state observations, the full gamepad.

    python examples/cleanrl_ppo.py

`make setup` installs the requirements. Expect, in 70 to 100 seconds on two CPU cores, a success rate that rises from 0%
to half at 90,000 steps and 95% or more at the end. The policy is 16 independent categorical distributions, one per
control. The pad's reward is too sparse to be found by chance, so progress towards the pad is rewarded too.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

import gymnasium
import numpy as np
import torch
import tyro
from torch import Tensor, nn
from torch.distributions import Categorical

import jumppad_env

OFFSETS = 15
"""First column of the offsets to the pads in the state observation: x and y of left, middle, right, m."""
SCALE = np.array([20.0] * 3 + [9.0] * 3 + [1.0] * 9 + [20.0] * 6 + [1.0] * 3, np.float32)
"""Divisors of the state's columns, for meters, meters per second, and numbers of order 1."""


@dataclass(frozen=True)
class Config:
    """Names and meanings as in CleanRL."""

    steps: int = 240_000
    """total environment steps"""
    seed: int = 0
    target: Literal["left", "middle", "right"] = "left"
    num_envs: int = 32
    num_steps: int = 64
    """steps per environment between two updates"""
    learning_rate: float = 2e-3
    gamma: float = 0.98
    gae_lambda: float = 0.95
    num_minibatches: int = 8
    update_epochs: int = 4
    clip_coef: float = 0.2
    ent_coef: float = 0.002
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


class Agent(nn.Module):
    """Actor and critic, two small networks; one categorical distribution for each control."""

    def __init__(self, inputs: int, nvec: list[int], hidden: int = 64) -> None:
        super().__init__()
        self.nvec = nvec
        last = nn.Linear(hidden, sum(nvec))
        nn.init.orthogonal_(last.weight, 0.01)  # start close to a uniform policy
        self.actor, self.critic = [
            nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), head)
            for head in (last, nn.Linear(hidden, 1))
        ]

    def value(self, observations: Tensor) -> Tensor:
        """Returns (N,) values of (N, 24) observations."""
        return self.critic(observations)[:, 0]

    def act(self, observations: Tensor, actions: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Returns actions (N, 16), sampled unless given, their log-probabilities and the entropies, both (N,)."""
        logits = self.actor(observations).split(self.nvec, dim=1)
        factors = [Categorical(logits=factor, validate_args=False) for factor in logits]
        if actions is None:
            actions = torch.stack([factor.sample() for factor in factors], dim=1)
        log_probs = [factor.log_prob(action) for factor, action in zip(factors, actions.unbind(1), strict=True)]
        return actions, torch.stack(log_probs).sum(0), torch.stack([factor.entropy() for factor in factors]).sum(0)


def distance(observations: np.ndarray, column: int) -> np.ndarray:
    """Returns the straight-line distance to a pad, (N,) m."""
    return np.linalg.norm(observations[:, column : column + 2], axis=1)


def main(config: Config) -> None:
    """Trains, printing the success rate of the last 200 episodes."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)  # the networks are too small to gain from more
    T, N = config.num_steps, config.num_envs
    envs = gymnasium.make_vec("JumppadState-v0", num_envs=N, target=config.target, flight_steps=0)
    column = OFFSETS + 2 * jumppad_env.PADS.index(config.target)
    assert isinstance(envs.single_action_space, gymnasium.spaces.MultiDiscrete)
    agent = Agent(len(SCALE), envs.single_action_space.nvec.tolist())
    optimizer = torch.optim.Adam(agent.parameters(), lr=config.learning_rate, eps=1e-5)
    obs = torch.zeros(T, N, len(SCALE))
    actions = torch.zeros(T, N, len(agent.nvec), dtype=torch.int64)
    logprobs, rewards, dones, values = torch.zeros(4, T, N)
    successes: deque[bool] = deque(maxlen=200)
    start, updates = time.time(), max(1, config.steps // (T * N))
    observation, _ = envs.reset(seed=config.seed)

    for update in range(updates):
        optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - update / updates)
        for t in range(T):
            before, obs[t] = observation, torch.from_numpy(observation / SCALE)
            with torch.no_grad():
                actions[t], logprobs[t], _ = agent.act(obs[t])
                values[t] = agent.value(obs[t])
            observation, reward, terminated, truncated, infos = envs.step(actions[t].numpy())
            # A finished row already shows its next episode (autoreset mode SAME_STEP); its last one is in final_obs.
            done, after = terminated | truncated, observation.copy()
            if done.any():
                after[done] = np.stack(infos["final_obs"][done])
                successes.extend(infos["final_info"]["success"][done])
            reward += (distance(before, column) - distance(after, column)) / 10
            # Truncated episodes are bootstrapped with the critic's value.
            with torch.no_grad():
                reward += (
                    config.gamma * agent.value(torch.from_numpy(after / SCALE)).numpy() * (truncated & ~terminated)
                )
            rewards[t], dones[t] = torch.from_numpy(reward), torch.from_numpy(done)

        with torch.no_grad():  # generalized advantage estimation, within episodes
            following = agent.value(torch.from_numpy(observation / SCALE))
            advantages, advantage = torch.zeros(T, N), torch.zeros(N)
            for t in reversed(range(T)):
                nonterminal = 1 - dones[t]
                delta = rewards[t] + config.gamma * nonterminal * following - values[t]
                advantages[t] = advantage = delta + config.gamma * config.gae_lambda * nonterminal * advantage
                following = values[t]

        batch = [part.flatten(0, 1) for part in (obs, actions, logprobs, advantages, advantages + values)]
        for _ in range(config.update_epochs):
            for rows in torch.randperm(T * N).chunk(config.num_minibatches):
                b_obs, b_actions, b_logprobs, b_advantages, b_returns = (part[rows] for part in batch)
                _, logprob, entropy = agent.act(b_obs, b_actions)
                ratio = (logprob - b_logprobs).exp()
                b_advantages = (b_advantages - b_advantages.mean()) / (b_advantages.std() + 1e-8)
                clipped = ratio.clamp(1 - config.clip_coef, 1 + config.clip_coef)
                pg_loss = -torch.min(b_advantages * ratio, b_advantages * clipped).mean()
                v_loss = 0.5 * (agent.value(b_obs) - b_returns).square().mean()
                loss = pg_loss + config.vf_coef * v_loss - config.ent_coef * entropy.mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), config.max_grad_norm)
                optimizer.step()

        if (update + 1) % 10 == 0 or update + 1 == updates:
            global_step = (update + 1) * T * N
            rate = float(np.mean(successes)) if successes else 0.0
            print(f"step {global_step:>9,}  success {rate:4.0%}  {global_step / (time.time() - start):,.0f} steps/s")


if __name__ == "__main__":
    main(tyro.cli(Config, prog="python examples/cleanrl_ppo.py"))
