"""Playing episodes with a policy."""

from __future__ import annotations

from collections.abc import Iterator

from tqdm import tqdm

from agents.rollout import make_envs, rollout
from baselines.policy import Policy, PolicyActor
from jumppad_env.streams import integer_seed
from jumppad_env.trajectory import Trajectory

PARALLEL = 64
"""Episodes played at a time."""


def play(
    policy: Policy, episodes: int, seed: int, name: str, *, temperature: float = 1.0, keep_frames: bool = True
) -> Iterator[Trajectory]:
    """Plays episodes with a policy, with a progress bar.

    Args:
        policy: who plays.
        episodes: how many.
        seed: their seeds come from the stream of this seed and `name`.
        name: also the bar's label.
        temperature: divides the logits.
        keep_frames: whether trajectories hold the pixels.
    """
    envs = make_envs(min(PARALLEL, episodes), policy.config.image_size)
    try:
        seeds = [integer_seed(seed, name, index) for index in range(episodes)]
        actor = PolicyActor(policy, temperature)
        played = rollout(envs, actor, seeds, keep_frames=keep_frames)
        yield from tqdm(played, total=episodes, desc=name, unit="episode", dynamic_ncols=True)
    finally:
        envs.close()
