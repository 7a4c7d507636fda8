"""Learning rates of what figures compare, as `learning_rates` chose them on a validation seed."""

from __future__ import annotations

import dataclasses

from baselines.align import AlignConfig
from baselines.finetune import FinetuneConfig
from baselines.reward import RewardConfig
from baselines.training import OptimizerConfig

CHOSEN = {
    "pre-trained": 1.0,
    "from scratch": 1.0,
    "agent": 1.0,
    "random": 1.0,
    "all": 1.0,
    "adapters": 4.3,
    "head": 10.0,
}
"""Factors on the preset's learning rate, for fine-tuning and for reward models by start, for alignment by what is
trained. A test compares them with the published rows."""


def finetuned(config: FinetuneConfig, start: str, factor: float | None = None) -> FinetuneConfig:
    """Returns how an agent is fine-tuned that was "pre-trained" or starts "from scratch", at the chosen rate."""
    initial = "random" if start == "from scratch" else "base"
    return dataclasses.replace(config, optimizer=_scaled(config.optimizer, start, factor), initial=initial)


def reward_model(config: RewardConfig, start: str, factor: float | None = None) -> RewardConfig:
    """Returns how a reward model is trained that starts from the "agent" or from "random" weights."""
    return dataclasses.replace(config, optimizer=_scaled(config.optimizer, start, factor))


def aligned(config: AlignConfig, trained: str, factor: float | None = None) -> AlignConfig:
    """Returns how "all" weights, "adapters" or the "head" are aligned, at the chosen rate."""
    return dataclasses.replace(config, trained=trained, optimizer=_scaled(config.optimizer, trained, factor))


def _scaled(config: OptimizerConfig, what: str, factor: float | None) -> OptimizerConfig:
    factor = CHOSEN[what] if factor is None else factor
    return dataclasses.replace(config, learning_rate=factor * config.learning_rate)
