"""TorchRL collects from the native vector environment into a replay buffer.

    pip install torchrl
    python examples/torchrl_collector.py

Expect, within half a minute on two CPU cores, a buffer of 20,480 steps and the number of episodes that reached a pad:
none or few of some 190, as the policy is random. Replace it, `None` below, with a module that takes `observation`.
"""

from __future__ import annotations

import argparse

import gymnasium
import torch
from gymnasium.vector import AutoresetMode
from torchrl.collectors import Collector  # pyright: ignore[reportMissingImports]
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer  # pyright: ignore[reportMissingImports]
from torchrl.envs import GymWrapper  # pyright: ignore[reportMissingImports]

import jumppad_env  # noqa: F401 -- registers the environments


def main() -> None:
    """Collects, and samples a batch."""
    description = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python examples/torchrl_collector.py", description=description)
    parser.add_argument("--steps", type=int, default=20_480, help="total environment steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--envs", type=int, default=32)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)

    envs = gymnasium.make_vec(
        "JumppadState-v0", num_envs=arguments.envs, actions="discrete", autoreset_mode=AutoresetMode.DISABLED
    )
    envs.action_space.seed(arguments.seed)
    env = GymWrapper(envs).auto_register_info_dict()
    env.set_seed(arguments.seed)
    collector = Collector(env, None, frames_per_batch=1024, total_frames=arguments.steps)
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(arguments.steps), batch_size=256)
    episodes = reached = 0
    for batch in collector:
        following = batch["next"]
        done = following["done"][..., 0]
        episodes += int(done.sum())
        reached += int(following["success"][done].sum())
        buffer.extend(batch.reshape(-1))
    collector.shutdown()
    sample = buffer.sample()
    print(f"replay buffer: {len(buffer):,} steps; a sample: observations {tuple(sample['observation'].shape)}")
    print(f"{reached} of {episodes} episodes reached a pad")


if __name__ == "__main__":
    main()
