"""What hidden states tell of the flag's color: a linear classifier reads it off, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from agents.dataset import Dataset
from baselines.models.batches import make_batch
from baselines.models.policy import Policy
from baselines.models.precision import autocast, choose_device
from jumppad_env.world.state import CUE

READ = 1000
"""Episodes that are read, of which the last quarter is held out."""
AT_ONCE = 20
"""Episodes that pass through the network together."""
RIDGE = 0.01
"""Penalty of the classifier's weights, as a share of the features' variance."""


def flag_read(agent: Path, dataset: Dataset, steps: Sequence[int]) -> list[float]:
    """Returns how often the flag's color is read rightly off an agent's hidden state, as shares of held-out episodes.

    Args:
        agent: Directory of a policy.
        dataset: Episodes of people with a flag, of which those that last beyond all steps count.
        steps: Control steps at which it is read.

    Raises:
        ValueError: No episode lasts as long.
    """
    policy = Policy.from_pretrained(agent, choose_device())
    policy.network.eval()
    long = [row for row in range(len(dataset)) if dataset.episodes["length"][row] > max(steps)][:READ]
    if not long:
        raise ValueError(f"no episode of {dataset.directory} lasts more than {max(steps)} steps")
    hidden, colors = [], []
    for start in range(0, len(long), AT_ONCE):
        episodes = [dataset.trajectory(row) for row in long[start : start + AT_ONCE]]
        frames = make_batch(episodes, policy.device).frames[:, : max(steps) + 1]
        with torch.inference_mode(), autocast(policy.device):
            hidden.append(policy.network.trunk(frames)[:, list(steps)].float().cpu().numpy())
        colors += [int(episode.states[0, CUE]) for episode in episodes]
    features = np.concatenate(hidden).astype(np.float64)
    return [classify(features[:, index], np.array(colors)) for index in range(len(steps))]


def classify(features: np.ndarray, classes: np.ndarray) -> float:
    """Returns the share of the last quarter that a linear classifier, fitted to the rest, puts into the right class.

    Args:
        features: (N, width).
        classes: int (N,).
    """
    train = len(features) * 3 // 4
    spread = features[:train].std(axis=0)
    scaled = (features - features[:train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    wanted = (classes[:train, None] == np.arange(classes.max() + 1)).astype(float)
    wanted -= wanted.mean(axis=0)
    fitted = scaled[:train]
    weights = np.linalg.solve(fitted.T @ fitted + RIDGE * train * np.eye(fitted.shape[1]), fitted.T @ wanted)
    return float((np.argmax(scaled[train:] @ weights, axis=1) == classes[train:]).mean())
