"""What an experiment is: runs of one seed that end in rows, a figure of all rows, and a paragraph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from baselines.stages import Stages

VALIDATION_SEEDS = (100,)
"""Seeds on which settings are chosen, far from those that figures report."""
Row = dict[str, Any]
"""JSON-serializable. All rows of an experiment have the same keys; `seed` is among them once they are gathered."""


def as_they_are(rows: list[Row]) -> list[Row]:
    """Returns the rows."""
    return rows


@dataclass(frozen=True)
class Experiment:
    """One figure."""

    name: str
    """Of its files and its module, and on the command line."""
    title: str
    question: str
    """What is asked, in a sentence or two."""
    paper: str
    """What the paper shows, "" where it shows nothing."""
    measure: Callable[[Stages], list[Row]]
    """Runs what one seed needs, and shares with other experiments what both need."""
    draw: Callable[[list[Row]], Figure]
    """From the rows of all seeds."""
    find: Callable[[list[Row]], str]
    """What was found, a paragraph in Markdown whose every number comes from the rows."""
    condense: Callable[[list[Row]], list[Row]] = as_they_are
    """Makes the rows of all seeds small enough to be published."""
    validation: bool = False
    """Whether others choose by it: it runs on `VALIDATION_SEEDS`, which nothing else reports."""

    def seeds(self, number: int) -> Iterable[int]:
        """Returns the seeds that it runs on where `number` are asked for."""
        return VALIDATION_SEEDS if self.validation else range(number)
