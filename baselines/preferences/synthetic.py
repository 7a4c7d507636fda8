"""Stage 3b, preferences: synthetic comparisons between rollouts, in which the one at the target pad is chosen.

    python -m baselines.preferences --rollouts runs/quick/rollouts --target left --out runs/quick/left/preferences

Source: paper, section 3, step 3: labels are synthetic in order to study how accuracy scales with their number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from agents.dataset import Dataset
from baselines import artifact
from baselines.preferences.comparisons import FILE, compare
from baselines.preferences.labels import Label, label
from jumppad_env.command_line import command_line
from jumppad_env.rules import PADS
from jumppad_env.streams import stream

Target = Literal["left", "middle", "right"]


@dataclass(frozen=True)
class PreferencesConfig:
    """How many comparisons, and what is preferred."""

    target: Target = "left"
    """Pad whose episodes are chosen over all others."""
    label: Label = "pad"
    """What is preferred; all but `pad` are about behavior, whatever the target."""
    comparisons: int = 500
    """For training."""
    noise: float = 0.0
    """Share of the training comparisons that are labeled the wrong way round."""
    held_out: int = 500
    """For measuring accuracy, between episodes that occur in no training comparison."""

    def __post_init__(self) -> None:
        """Refuses what teaches nothing."""
        if not 0 <= self.noise < 0.5:
            raise ValueError(f"noise must be at least 0 and below 0.5, where labels tell nothing; got {self.noise:g}")
        if min(self.comparisons, self.held_out) < 1:
            raise ValueError(f"at least one comparison is needed, for training and held out: {self}")


def preferences(config: PreferencesConfig, rollouts: Path, out: Path, seed: int) -> None:
    """Labels comparisons of rollouts; episodes are split so that held-out comparisons show none of the training's.

    Args:
        config: see `PreferencesConfig`.
        rollouts: dataset of the fine-tuned agent's episodes.
        out: artifact directory.
        seed: of the split and of the pairs.
    """
    with artifact.begin(out, kind="preferences", config=config, seed=seed, inputs={"rollouts": rollouts}) as work:
        if work.finished:
            return
        dataset = Dataset(rollouts)
        target = PADS.index(config.target)
        values = label(dataset, config.label, target)
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
        np.savez(work.directory / FILE, **arrays)
        work.metrics["share_at_target"] = float((dataset.episodes["pad"] == target).mean())


@dataclass(frozen=True)
class Arguments:
    """Label comparisons between rollouts."""

    rollouts: Path
    """Dataset of the fine-tuned agent's episodes."""
    out: Path
    """Directory of the preferences."""
    seed: int = 0
    """Of the pairs."""
    config: PreferencesConfig = field(default_factory=PreferencesConfig)


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        preferences(arguments.config, arguments.rollouts, arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
