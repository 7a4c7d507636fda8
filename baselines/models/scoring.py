"""Scoring episodes with a reward model."""

from __future__ import annotations

import numpy as np
import torch
from tqdm import tqdm

from agents.dataset import Dataset
from baselines.models.batches import make_batch
from baselines.models.checkpoint import network_device
from baselines.models.precision import autocast
from baselines.models.reward_model import RewardModel


def score_episodes(model: RewardModel, dataset: Dataset, episodes: np.ndarray, description: str) -> np.ndarray:
    """Returns the scores (E,) of episodes of a dataset, with a progress bar."""
    device = network_device(model)
    scores = np.zeros(len(episodes))
    size = 32
    order = np.argsort(dataset.episodes["length"][episodes], kind="stable")  # so that little is padding
    model.eval()
    for start in tqdm(range(0, len(episodes), size), desc=description, unit="batch", dynamic_ncols=True):
        rows = order[start : start + size]
        batch = make_batch([dataset.trajectory(int(row)) for row in episodes[rows]], device)
        with torch.inference_mode(), autocast(device):
            scores[rows] = model.score(batch.frames, batch.lengths).float().cpu().numpy()
    return scores
