"""Scoring episodes with a reward model."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from agents.dataset import Dataset
from agents.progress import Progress
from baselines.models.batches import make_batch
from baselines.models.checkpoint import network_device
from baselines.models.precision import autocast
from baselines.models.reward_model import RewardModel

BATCH = 32


def score_batch(model: RewardModel, dataset: Dataset, episodes: np.ndarray) -> Tensor:
    """Returns the scores (E,) float32 of a few episodes of a dataset, given by index (E,); gradients flow."""
    device = network_device(model)
    batch = make_batch([dataset.trajectory(int(index)) for index in episodes], device)
    with autocast(device):
        return model.score(batch.frames, batch.lengths).float()


def score_episodes(
    model: RewardModel, dataset: Dataset, episodes: np.ndarray, description: str | None = None
) -> np.ndarray:
    """Returns the scores (E,) of any number of episodes of a dataset, with a progress bar if it gets a description."""
    scores = np.zeros(len(episodes))
    order = np.argsort(dataset.episodes["length"][episodes], kind="stable")  # similar lengths together: less padding
    model.eval()
    starts = range(0, len(episodes), BATCH)
    for start in Progress(starts, description, unit="batch", disable=description is None):
        rows = order[start : start + BATCH]
        with torch.inference_mode():
            scores[rows] = score_batch(model, dataset, episodes[rows]).cpu().numpy()
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
