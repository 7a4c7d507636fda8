"""What a reward model learned from people, by comparisons that a formula made."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from agents.dataset import Dataset
from agents.targets import PEOPLE
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes, score_pairs
from baselines.preferences.comparisons import load_comparisons, ranking


def accuracy(run: Annotated[Path, tyro.conf.Positional], target: str = "left") -> str:
    """Rank a run's synthetic held-out comparisons by the reward model that learned from people.

    Args:
        run: Run directory, with both.
        target: What people were asked about.
    """
    dataset = Dataset(run / "rollouts")
    model = RewardModel.from_pretrained(run / f"{PEOPLE}{target}" / "reward_model")
    pairs = load_comparisons(run / target / "preferences", "held_out", dataset)
    score = partial(score_episodes, model, dataset, description="rank rollouts")
    found = ranking(pairs, *score_pairs(score, pairs.chosen, pairs.rejected))
    return f"{100 * found['accuracy']:.1f}% of {len(pairs)} synthetic held-out comparisons"
