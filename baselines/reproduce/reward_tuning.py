"""Figure 3, continued: reward models tuned as a whole, from the agent's weights and from random ones.

Each has its own best number of updates, chosen on validation comparisons; the random one may take five times as many.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from agents.dataset import Dataset
from baselines.batches import make_batch
from baselines.comparisons import Comparisons
from baselines.labels import Label, label
from baselines.network import Trunk
from baselines.policy import Policy
from baselines.precision import autocast, choose_device
from baselines.reproduce.experiment import Row
from baselines.reproduce.reward_accuracy import Pairs, agents_of, draw_pairs, random_network, split
from baselines.reward import bradley_terry_loss
from baselines.reward_model import RewardModel
from baselines.stages import Stages
from jumppad_env.rules import PADS
from jumppad_env.streams import integer_seed, stream

VARIETY = "high"
READ: dict[Label, int | None] = {"pad": -1, "camera": None}
"""Labels, and where the head reads: place at the last step, behavior in the mean over all."""
COUNTS = (10, 100)
LONGER = 5
"""Times that the random one may be trained longer."""
JUDGED_EPISODES = 100
"""Of validation and of accuracy, at most: every look at them costs their frames."""


def measure(stages: Stages) -> list[Row]:
    """Trains reward models on rollouts drawn in full variety."""
    rollouts, agents = agents_of(stages, VARIETY)
    dataset = Dataset(rollouts)
    size = stages.preset.base.network
    tuned = Policy.from_pretrained(agents["finetuned"]).network.trunk
    starts: dict[str, Trunk] = {"agent": tuned, "random": random_network(size, stages.seed, 0).trunk}
    rows = []
    for what, token in READ.items():
        values = label(dataset, what, PADS.index("left"))
        parts = split(len(dataset), stages.seed, 0)
        parts[1:] = [part[:JUDGED_EPISODES] for part in parts[1:]]
        for count in COUNTS:
            pairs = draw_pairs(values, parts, count, stream(stages.seed, f"tuning {what}", count))
            for start, trunk in starts.items():
                longest = LONGER if start == "random" else 1
                for updates, (validation, accuracy) in tune(trunk, token, dataset, pairs, stages, longest).items():
                    rows.append(
                        {
                            "label": what,
                            "comparisons": count,
                            "start": start,
                            "updates": updates,
                            "validation": validation,
                            "accuracy": accuracy,
                        }
                    )
    return rows


def tune(
    trunk: Trunk, token: int | None, dataset: Dataset, pairs: Pairs, stages: Stages, longest: int
) -> dict[int, tuple[float, float]]:
    """Returns the accuracies on validation and test comparisons after several numbers of updates."""
    config, device = stages.preset.reward_model, choose_device()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(stages.seed, "reward head"))
        model = RewardModel(trunk.config, token)
    model.trunk = copy.deepcopy(trunk)
    model.to(device).train()
    own = config.optimizer.updates
    looks = (max(1, own // 5), own // 2, own, *([longest * own] if longest > 1 else []))
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.optimizer.learning_rate, betas=config.optimizer.betas)
    results = {}
    for update in range(1, max(looks) + 1):
        rows = stream(stages.seed, "tuning", update).integers(len(pairs.train.chosen), size=config.batch_comparisons)
        both = np.concatenate([pairs.train.chosen[rows], pairs.train.rejected[rows]])
        chosen, rejected = _scores(model, dataset, both).chunk(2)
        optimizer.zero_grad()
        bradley_terry_loss(chosen, rejected).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.gradient_clip)
        optimizer.step()
        if update in looks:
            results[update] = (_accuracy(model, dataset, pairs.validation), _accuracy(model, dataset, pairs.test))
    return results


def _scores(model: RewardModel, dataset: Dataset, episodes: np.ndarray) -> Tensor:
    device = next(model.parameters()).device
    batch = make_batch([dataset.trajectory(int(row)) for row in episodes], device)
    with autocast(device):
        return model.score(batch.frames, batch.lengths).float()


@torch.no_grad()
def _accuracy(model: RewardModel, dataset: Dataset, pairs: Comparisons) -> float:
    episodes, where = np.unique(np.concatenate([pairs.chosen, pairs.rejected]), return_inverse=True)
    scores = torch.cat([_scores(model, dataset, episodes[start : start + 32]) for start in range(0, len(episodes), 32)])
    chosen, rejected = scores[torch.from_numpy(where.ravel()).to(scores.device)].chunk(2)
    return float((chosen > rejected).float().mean())
