"""Stage 3b, preferences: synthetic comparisons between rollouts; the one that reaches the target is chosen.

    python -m baselines.preferences --rollouts runs/quick/rollouts --target left --out runs/quick/left/preferences

Source: paper, section 3, step 3: synthetic labels make it possible to study how accuracy scales with their number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.dataset import Dataset
from agents.targets import Target
from baselines import artifact
from baselines.preferences.comparisons import FILE, compare
from baselines.preferences.labels import deciding, episodes_of, load_label, measure, names_of, rank
from jumppad_env.dataset import Trajectory
from jumppad_env.streams import stream


@dataclass(frozen=True)
class PreferencesConfig:
    """What is preferred, and the number of comparisons."""

    target: str = "left"
    """Pad whose episodes are preferred to all others: left, middle, right; on levels also red, ..., or cue, the color
    that the flag shows; on several islands one for each, as in left,right."""
    label: str = "pad"
    """What is preferred: reaching the target pad (pad), or a behavior regardless of the pad (camera, stick, speed); or
    a label of your own, as module:name (docs/extending.md)."""
    comparisons: int = 500
    """Number of training comparisons."""
    noise: float = 0.0
    """Share of the training comparisons whose label is flipped."""
    held_out: int = 500
    """Number of held-out comparisons, between episodes that occur in no training comparison."""

    def __post_init__(self) -> None:
        Target.parse(self.target)
        load_label(self.label)  # refuses an unknown one
        if not 0 <= self.noise < 0.5:
            raise ValueError(f"noise must be at least 0 and below 0.5 (random labels), got {self.noise:g}")
        if min(self.comparisons, self.held_out) < 1:
            raise ValueError(f"comparisons and held_out must be at least 1, got {self.comparisons} and {self.held_out}")


def preferences(config: PreferencesConfig, rollouts: Path, out: Path, seed: int = 0) -> None:
    """Label comparisons between rollouts; training and held-out comparisons share no episode.

    Pairs of a composed label also have a kind: the part of the label that decides them.

    Args:
        config: What is preferred, and the number of comparisons.
        rollouts: Dataset of the fine-tuned agent's episodes.
        out: Directory of the comparisons.
        seed: Seed for the split and the pairs.
    """
    with artifact.begin(out, kind="preferences", config=config, seed=seed, inputs={"rollouts": rollouts}) as work:
        if work.finished:
            return
        dataset = Dataset(rollouts)
        target = Target.parse(config.target)
        target.check(dataset.settings)
        label = load_label(config.label)
        reached = []

        def watched() -> Iterator[Trajectory]:
            for episode in episodes_of(dataset):  # once: reading them takes longer than all else
                reached.append(target.reached(episode))
                yield episode

        columns = measure(watched(), label, target)
        values, names = rank(columns), names_of(label, columns.shape[1])
        generator = stream(seed, "preferences")
        order = generator.permutation(len(values))
        parts = {"train": order[: len(order) * 3 // 4], "held_out": order[len(order) * 3 // 4 :]}
        counts = {"train": (config.comparisons, config.noise), "held_out": (config.held_out, 0.0)}
        arrays = {}
        for part, episodes in parts.items():
            count, noise = counts[part]
            pairs = compare(values[episodes], count, generator, noise)
            arrays[f"{part}_chosen"] = episodes[pairs.chosen]
            arrays[f"{part}_rejected"] = episodes[pairs.rejected]
            if len(names) > 1:
                kinds = deciding(columns[episodes], pairs.chosen, pairs.rejected, names)
                arrays[f"{part}_kind"] = kinds
                work.metrics[f"{part}_kinds"] = {name: int((kinds == name).sum()) for name in names}
        np.savez(work.directory / FILE, **arrays)
        work.metrics["share_at_target"] = float(np.mean(reached))
