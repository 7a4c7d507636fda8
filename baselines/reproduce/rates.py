"""Learning rates of what figures compare, as `learning_rates` chose them on a validation seed."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

CHOSEN = {
    "pre-trained": 3.0,
    "from scratch": 3.0,
    "agent": 0.1,
    "random": 0.3,
    "all": 1.0,
    "adapters": 10.0,
    "head": 4.3,
}
"""Factors on the preset's learning rate: for fine-tuning and for reward models by what they start from, for alignment
by what is trained. A test compares them with the published rows."""

PARTS = ("all", "adapters", "head")
"""What alignment may train."""

Config = TypeVar("Config")


def at_rate(config: Config, what: str, factor: float | None = None, **changes: Any) -> Config:
    """Returns a stage's configuration with its learning rate multiplied.

    Args:
        config: of any stage that has an `optimizer`.
        what: key of `CHOSEN`.
        factor: another one than the chosen.
        changes: to other fields.
    """
    own: Any = config
    factor = CHOSEN[what] if factor is None else factor
    optimizer = dataclasses.replace(own.optimizer, learning_rate=factor * own.optimizer.learning_rate)
    return dataclasses.replace(own, optimizer=optimizer, **changes)
