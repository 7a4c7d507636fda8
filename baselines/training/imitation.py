"""Imitation: cross-entropy on the actions of whole episodes, for pre-training and both fine-tuning stages.

Source: paper, section 3, steps 1, 2 and 5.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from agents.dataset import Dataset
from agents.worlds import world_of
from baselines.models import gamepad_distribution
from baselines.models.batches import Batch, batch_indices, make_batch
from baselines.models.policy import Policy
from baselines.models.precision import autocast
from baselines.training.augmentation import draw_shifts, shift_episode
from baselines.training.distributed import share
from baselines.training.loop import OptimizerConfig, train
from baselines.training.read_ahead import read_ahead
from jumppad_env.dataset import Trajectory
from jumppad_env.streams import integer_seed

AHEAD = 2
"""Batches read ahead for a GPU. When the CPU trains, it has no core to spare and reads each batch when it needs it."""


def imitation_loss(logits: Tensor, batch: Batch, hold: int) -> Tensor:
    """Returns the mean negative log-likelihood per step, in nats, without padding.

    Args:
        logits: (B, T, M * 57).
        batch: The episodes to imitate.
        hold: Steps for which a mixture component is kept.
    """
    log_prob = gamepad_distribution.log_prob(logits, batch.actions, hold)  # (B, T)
    return -(log_prob * batch.mask).sum() / batch.mask.sum()


def check_frames(dataset: Dataset, policy: Policy) -> None:
    """Checks that a dataset has frames of the size that the policy reads, of the world that it knows.

    Raises:
        ValueError: It has no frames, or frames of another size or world.
    """
    there, known = world_of(dataset.manifest["environment"]), policy.world
    if not there.resembles(known):
        raise ValueError(
            f"{dataset.directory} was made in another world than this agent's demonstrations: {there.entry}, not "
            f"{known.entry}; collect in the agent's world, or pre-train an agent in the other"
        )
    size = None if dataset.frames is None else dataset.frames.shape[1:3]
    if size != policy.config.image_size:
        found = "no frames" if size is None else f"frames of {size[0]}x{size[1]}"
        height, width = policy.config.image_size
        raise ValueError(
            f"{dataset.directory} holds {found}, but this network reads {height}x{width}; collect at that size"
        )


def mixed_rows(dataset: Dataset, count: int, index: int, seed: int) -> np.ndarray:
    """Returns the indices of the episodes of another dataset to add to a batch."""
    lengths = np.asarray(dataset.episodes["length"])
    return np.sort(batch_indices(lengths, count, index, integer_seed(seed, "mixed in")))


def mixed_in(dataset: Dataset, count: int, index: int, seed: int) -> list[Trajectory]:
    """Returns the episodes of another dataset to add to a batch."""
    return [dataset.trajectory(int(row)) for row in mixed_rows(dataset, count, index, seed)]


def imitate(
    policy: Policy,
    dataset: Dataset,
    config: OptimizerConfig,
    batch_episodes: int,
    seed: int,
    directory: Path,
    description: str,
    episodes: np.ndarray | None = None,
    mixed: tuple[Dataset, int] | None = None,
    shift: int = 0,
    after_update: Callable[[int], dict[str, float]] | None = None,
) -> dict[str, float]:
    """Trains a policy in place on a dataset, resumably.

    Args:
        policy: Policy to train.
        dataset: Demonstrations with frames.
        config: Optimizer and schedule.
        batch_episodes: Whole episodes per batch.
        seed: Seed for the order of episodes.
        directory: Directory for training state and metrics.
        description: Text of the progress bar.
        episodes: Indices of the episodes to imitate; all by default.
        mixed: Another dataset, and the number of its episodes to add to each batch.
        shift: See `baselines.training.augmentation.draw_shifts`.
        after_update: See `train`.

    Returns:
        The metrics of the last update.
    """
    check_frames(dataset, policy)
    chosen = np.arange(len(dataset)) if episodes is None else np.sort(episodes)
    lengths = np.asarray(dataset.episodes["length"])[chosen]
    if mixed is not None:
        check_frames(mixed[0], policy)

    def read(index: int) -> tuple[Batch, int, int]:
        """Returns this rank's part of a batch, its frames, and those of the whole batch."""
        rows = np.sort(chosen[batch_indices(lengths, batch_episodes, index, seed)])
        episodes = [(dataset, int(row)) for row in rows]
        if mixed is not None:
            episodes += [(mixed[0], int(row)) for row in mixed_rows(*mixed, index, seed)]
        shifts = draw_shifts(len(episodes), shift, seed, index)
        frames = sum(int(source.episodes["length"][row]) for source, row in episodes)
        parts = share(list(zip(episodes, shifts, strict=True)))
        trajectories = [shift_episode(source.trajectory(row), *shifted) for (source, row), shifted in parts]
        return make_batch(trajectories, policy.device), sum(map(len, trajectories)), frames

    ahead = AHEAD if policy.device.type == "cuda" else 0
    with read_ahead(read, config.updates * config.accumulate, ahead) as next_batch, torch.enable_grad():

        def compute_loss(index: int) -> tuple[Tensor, dict[str, float]]:
            batch, frames, of_all = next_batch(index)
            with autocast(policy.device):
                logits = policy.network(batch.frames)
            return imitation_loss(logits, batch, policy.config.hold) * (frames / of_all), {"frames": frames}

        return train(
            policy.network, compute_loss, config, directory, description=description, after_update=after_update
        )
