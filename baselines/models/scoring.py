"""Scoring episodes with a reward model, or with any function of a batch."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from agents.dataset import Dataset
from agents.progress import Progress
from baselines.models.batches import Batch, make_batch
from baselines.models.checkpoint import network_device
from baselines.models.precision import announce_device
from baselines.models.reward_model import RewardModel

BATCH = 32


Score = Callable[[Batch], Tensor]
"""From a batch of B episodes to their scores (B,): `RewardModel.score_batch`, or what a method thinks of episodes."""


def score_episodes(
    model: RewardModel, dataset: Dataset, episodes: np.ndarray, description: str | None = None
) -> np.ndarray:
    """Returns a reward model's scores (E,) of any number of episodes of a dataset; see `score_with`."""
    model.eval()
    return score_with(model.score_batch, dataset, episodes, network_device(model), description)


def score_with(
    score: Score, dataset: Dataset, episodes: np.ndarray, device: torch.device, description: str | None = None
) -> np.ndarray:
    """Returns the scores (E,) of any number of episodes of a dataset, without gradients.

    Args:
        score: From a batch to its scores.
        dataset: Holds the episodes, with frames.
        episodes: (E,) indices.
        device: Where the batches go.
        description: Text of a progress bar; none without it.
    """
    announce_device(device)
    scores = np.zeros(len(episodes))
    order = np.argsort(dataset.episodes["length"][episodes], kind="stable")  # similar lengths together: less padding
    starts = range(0, len(episodes), BATCH)
    for start in Progress(starts, description, unit="batch", disable=description is None):
        rows = order[start : start + BATCH]
        batch = make_batch([dataset.trajectory(int(index)) for index in episodes[rows]], device)
        with torch.inference_mode():
            scores[rows] = score(batch).cpu().numpy()
    return scores


def score_pairs(
    score: Callable[[np.ndarray], np.ndarray], chosen: np.ndarray, rejected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the scores (C,) of chosen and rejected episodes; an episode of several pairs is scored once.

    Args:
        score: From indices of episodes (E,) to their scores (E,), such as `score_episodes` of a model and a dataset.
        chosen: (C,) indices of the chosen episodes.
        rejected: (C,) indices of the rejected ones.
    """
    episodes, where = np.unique(np.concatenate([chosen, rejected]), return_inverse=True)
    scores = score(episodes)[where]
    return scores[: len(chosen)], scores[len(chosen) :]
