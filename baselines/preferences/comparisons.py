"""Comparisons between episodes of a dataset: drawing pairs, labeling, loading and batching them, ranking them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from agents.dataset import Dataset
from baselines import artifact
from baselines.models.batches import Batch, make_batch
from baselines.models.scoring import Score, score_pairs, score_with

FILE = "comparisons.npz"


@dataclass(frozen=True)
class Comparisons:
    """C labeled pairs of episodes of one dataset."""

    chosen: np.ndarray
    """(C,) int, indices of the preferred episodes."""
    rejected: np.ndarray
    """(C,) int, indices of the others."""
    kind: np.ndarray | None = None
    """(C,) str, the part of a composed label that decides the pair; None if the label has one part."""
    probability: np.ndarray | None = None
    """(C,) float, that the preferred one is better: 1, or 0.5 where people see no difference; None if all are 1."""

    def __len__(self) -> int:
        return len(self.chosen)


def pair_batch(dataset: Dataset, pairs: Comparisons, rows: np.ndarray, device: torch.device) -> Batch:
    """Returns a batch (2N episodes) of the pairs in these rows (N,): all chosen episodes, then all rejected ones.

    `chosen, rejected = f(batch).chunk(2)` of whatever gives one number per episode.
    """
    both = np.concatenate([pairs.chosen[rows], pairs.rejected[rows]])
    return make_batch([dataset.trajectory(int(index)) for index in both], device)


def ranking(pairs: Comparisons, chosen: np.ndarray, rejected: np.ndarray) -> dict[str, Any]:
    """Returns how well scores rank pairs.

    Args:
        pairs: C comparisons.
        chosen: (C,) scores of the chosen episodes.
        rejected: (C,) scores of the rejected ones.

    Returns:
        `accuracy`, the share of pairs whose chosen episode has the higher score; `margin`, the mean difference;
        `by_kind` where pairs have kinds: of each the `accuracy` and the number of `pairs`.
    """
    margins = chosen - rejected
    if pairs.probability is not None:  # there is no right way to rank ties
        decided = pairs.probability > 0.5
        return ranking(Comparisons(pairs.chosen[decided], pairs.rejected[decided]), chosen[decided], rejected[decided])
    found: dict[str, Any] = {"accuracy": float((margins > 0).mean()), "margin": float(margins.mean())}
    if pairs.kind is not None:
        found["by_kind"] = {
            str(kind): {"accuracy": float((margins[pairs.kind == kind] > 0).mean()), "pairs": int(count)}
            for kind, count in zip(*np.unique(pairs.kind, return_counts=True), strict=True)
        }
    return found


def ranking_of(
    score: Score, dataset: Dataset, pairs: Comparisons, device: torch.device, description: str | None = None
) -> dict[str, Any]:
    """Returns how well a scoring function, such as a method's implicit reward, ranks pairs; see `ranking`.

    Args:
        score: From a batch of B episodes to their scores (B,).
        dataset: Holds the compared episodes.
        pairs: The comparisons, usually held-out ones.
        device: Where the batches go.
        description: Text of a progress bar; none without it.
    """
    scores = partial(score_with, score, dataset, device=device, description=description)
    return ranking(pairs, *score_pairs(scores, pairs.chosen, pairs.rejected))


def compare(values: np.ndarray, count: int, generator: np.random.Generator, noise: float = 0.0) -> Comparisons:
    """Draws random pairs of episodes of different value; the one with the higher value is chosen.

    Args:
        values: (E,), the episodes' values from `baselines.preferences.labels`.
        count: Number of comparisons; pairs may repeat.
        generator: Source of randomness.
        noise: Probability of a flipped label.

    Raises:
        ValueError: All episodes have the same value.
    """
    if len(values) == 0 or (values == values[0]).all():
        raise ValueError(
            f"all {len(values)} rollouts have the same label, so there is nothing to compare; "
            "play more rollouts or fine-tune longer"
        )
    first, second = np.zeros(0, np.int64), np.zeros(0, np.int64)
    while len(first) < count:  # ties carry no information
        pairs = generator.integers(len(values), size=(2, 2 * count))
        differ = values[pairs[0]] != values[pairs[1]]
        first, second = np.concatenate([first, pairs[0, differ]]), np.concatenate([second, pairs[1, differ]])
    first, second = first[:count], second[:count]
    swap = (values[first] < values[second]) != (generator.random(count) < noise)
    return Comparisons(np.where(swap, second, first), np.where(swap, first, second))


def load_comparisons(directory: Path, part: Literal["train", "held_out"], dataset: Dataset) -> Comparisons:
    """Loads the training or held-out comparisons of a finished artifact.

    Args:
        directory: Of the artifact.
        part: Which comparisons.
        dataset: Holds the compared episodes.

    Raises:
        FileNotFoundError: There is no finished artifact.
        ValueError: It is damaged, of another kind, or of other episodes.
    """
    metrics = artifact.load_manifest(directory, "preferences").get("metrics", {})
    artifact.check_input(directory, "rollouts", dataset.directory)
    wanted = {f"{part}_chosen": ("iu", 1), f"{part}_rejected": ("iu", 1)}
    if f"{part}_kinds" in metrics:
        wanted[f"{part}_kind"] = ("U", 1)
    if "people" in metrics:
        wanted[f"{part}_probability"] = ("f", 1)
    arrays = artifact.read_arrays(directory / FILE, wanted)
    pairs = Comparisons(**dict(zip((name.removeprefix(f"{part}_") for name in wanted), arrays, strict=True)))
    sizes = {len(array) for array in vars(pairs).values() if array is not None}
    path, last = directory / FILE, len(dataset) - 1
    if len(sizes) > 1 or sizes == {0}:
        raise ValueError(f"{path} has {part} pairs of {sorted(sizes)} entries; run the stage that makes it again")
    if pairs.probability is not None and not ((pairs.probability >= 0.5) & (pairs.probability <= 1)).all():
        raise ValueError(f"{path} has {part} probabilities beyond 0.5 to 1; run the stage that makes it again")
    both = np.concatenate([pairs.chosen, pairs.rejected])
    if both.min() < 0 or both.max() > last:
        wrong = int(both.min()) if both.min() < 0 else int(both.max())
        raise ValueError(
            f"{path} compares episode {wrong}, but {dataset.directory} has 0 to {last}; "
            "run the stage that makes it again"
        )
    return pairs
