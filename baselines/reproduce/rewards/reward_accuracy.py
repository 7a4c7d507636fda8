"""Figure 3: what a linear head can read off the agent's encoder, off the base agent's, and off random ones.

The encoders are frozen. Each head has its own best number of steps and its own best place to read, chosen on validation
comparisons; its accuracy is measured on others. No episode is in two of the three parts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from agents.dataset import Dataset
from baselines.laboratory.experiment import Experiment, Row
from baselines.models.batches import make_batch
from baselines.models.network import GamepadTransformer, NetworkConfig, Trunk
from baselines.models.policy import Policy
from baselines.models.precision import autocast, choose_device
from baselines.models.reward_model import RewardModel
from baselines.preferences.comparisons import Comparisons, compare
from baselines.preferences.labels import Label, label
from baselines.reproduce.drawing.reward_accuracy import draw, find
from baselines.reward import bradley_terry_loss
from baselines.stages import Stages
from jumppad_env.rules import PADS
from jumppad_env.streams import integer_seed, stream

VARIETIES = ("none", "paper", "high")
LABELS: tuple[Label, ...] = ("pad", "camera", "stick")
COUNTS = (10, 50, 100, 500, 1_000, 5_000, 50_000, 500_000)
RANDOM_ENCODERS = 2
DRAWS = 1
"""Sets of comparisons per count."""
TOKENS = (-1, -10, None)
"""Where a head may read: the last step, ten before the end, the mean over all."""
STEPS = (10, 30, 100, 300)
"""Of the head's training, to choose from."""
BATCH = 5_000
"""Comparisons per step, at most."""
JUDGED = 1_000
"""Comparisons for validation, and as many for the accuracy."""
PARTS = (0.6, 0.15, 0.25)
"""Shares of the rollouts for training, validation and accuracy."""


def measure(stages: Stages) -> list[Row]:
    """Trains heads on the encoders of agents that saw this variety, on the same rollouts drawn in it."""
    rows = []
    for variety in VARIETIES:
        rollouts, agents = agents_of(stages, variety)
        dataset = Dataset(rollouts)
        features = {name: read(trunk, dataset) for name, trunk in encoders(stages, agents)}
        for what in LABELS:
            values = label(dataset, what, PADS.index("left"))
            for index in range(DRAWS):
                parts = split(len(dataset), stages.seed, index)
                for count in COUNTS:
                    pairs = draw_pairs(values, parts, count, stream(stages.seed, f"{what} {index}", count))
                    for encoder, read_at in features.items():
                        accuracy = fit(read_at, pairs, integer_seed(stages.seed, "head", index))
                        rows.append(
                            {
                                "variety": variety,
                                "label": what,
                                "comparisons": count,
                                "encoder": encoder,
                                "draw": index,
                                "accuracy": accuracy,
                            }
                        )
    return rows


def agents_of(stages: Stages, variety: str) -> tuple[Path, dict[str, Path]]:
    """Returns rollouts drawn in a variety, and the agents that were trained in it."""
    if variety == "none":
        return stages.rollouts(), {"base": stages.base(), "finetuned": stages.finetuned()}
    people = stages.redrawn(f"demonstrations_{variety}", stages.demonstrations(), variety)
    clean = stages.redrawn(f"curated_{variety}", stages.curated(), variety)
    base = stages.base(f"base_{variety}", demonstrations=people)
    tuned = stages.finetuned(f"finetuned_{variety}", base=base, curated=clean)
    # The same play in all varieties: only the pixels differ.
    return stages.redrawn(f"rollouts_{variety}", stages.rollouts(), variety), {"base": base, "finetuned": tuned}


def encoders(stages: Stages, agents: dict[str, Path]) -> Iterator[tuple[str, Trunk]]:
    """Yields the agents' trunks and random ones."""
    for name, path in agents.items():
        yield name, Policy.from_pretrained(path).network.trunk
    for index in range(RANDOM_ENCODERS):
        yield f"random {index}", random_network(stages.preset.base.network, stages.seed, index).trunk


def random_network(config: NetworkConfig, seed: int, index: int) -> GamepadTransformer:
    """Returns a network of random weights, none of which any agent started from."""
    return Policy.initialize(config, integer_seed(seed, "random encoder", index)).network


def read(trunk: Trunk, dataset: Dataset) -> dict[int | None, Tensor]:
    """Returns what a head would read (E, width) of each episode, at each of the `TOKENS`; scaled to unit variance."""
    device = choose_device()
    trunk.to(device).eval()
    readers = {token: RewardModel(trunk.config, token) for token in TOKENS}
    rows = {token: torch.zeros(len(dataset), trunk.config.width) for token in TOKENS}
    order = np.argsort(dataset.episodes["length"], kind="stable")
    for start in range(0, len(order), 32):
        episodes = order[start : start + 32]
        batch = make_batch([dataset.trajectory(int(episode)) for episode in episodes], device)
        with torch.inference_mode(), autocast(device):
            hidden = trunk(batch.frames)
        for token, reader in readers.items():
            rows[token][episodes] = reader.read(hidden, batch.lengths).float().cpu()
    return {token: (x - x.mean(0)) / (x.std(0) + 1e-6) for token, x in rows.items()}


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Comparisons for each purpose, between episodes of its own."""

    train: Comparisons
    validation: Comparisons
    test: Comparisons


def split(episodes: int, seed: int, draw: int) -> list[np.ndarray]:
    """Returns the episodes of the three parts."""
    order = stream(seed, "reward accuracy", draw).permutation(episodes)
    return np.split(order, np.cumsum([round(share * episodes) for share in PARTS[:-1]]))


def draw_pairs(values: np.ndarray, parts: list[np.ndarray], count: int, generator: np.random.Generator) -> Pairs:
    """Draws `count` comparisons for training, and a fixed number to judge by."""

    def of(part: np.ndarray, number: int) -> Comparisons:
        pairs = compare(values[part], number, generator)
        return Comparisons(part[pairs.chosen], part[pairs.rejected])

    return Pairs(of(parts[0], count), of(parts[1], JUDGED), of(parts[2], JUDGED))


def fit(features: dict[int | None, Tensor], pairs: Pairs, seed: int) -> float:
    """Returns the accuracy of the head that is best on the validation comparisons."""
    best = (-1.0, 0.0)
    for x in features.values():
        difference = {
            part: x[torch.from_numpy(c.chosen)] - x[torch.from_numpy(c.rejected)]
            for part, c in (("train", pairs.train), ("validation", pairs.validation), ("test", pairs.test))
        }
        weight = torch.zeros(x.shape[1], requires_grad=True)
        optimizer = torch.optim.AdamW([weight], lr=1e-2, weight_decay=0.01)
        generator = torch.Generator().manual_seed(seed)
        for step in range(1, max(STEPS) + 1):
            batch = difference["train"]
            if len(batch) > BATCH:
                batch = batch[torch.randint(len(batch), (BATCH,), generator=generator)]
            optimizer.zero_grad()
            bradley_terry_loss(batch @ weight, torch.zeros(len(batch))).backward()
            optimizer.step()
            if step in STEPS:
                with torch.no_grad():
                    validation, test = (
                        float((difference[part] @ weight > 0).float().mean()) for part in ("validation", "test")
                    )
                best = max(best, (validation, test), key=lambda pair: pair[0])
    return best[1]


EXPERIMENT = Experiment(
    name="reward_accuracy",
    title="Reward models on frozen encoders",
    question="Does the agent's own encoder make a better reward model than one of random weights: for places and for "
    "behavior, in which look of the world, and from how many comparisons?",
    paper="A head on the agent's encoder predicts 92.5% of held-out comparisons after 50 and 99.8% after 500,000; on a "
    "random encoder it stays below chance, at 30 to 35%.",
    measure=measure,
    draw=partial(draw, judged=JUDGED),
    find=find,
)
