"""What an experiment is: runs of one seed that end in rows, and a figure, a table and verdicts made of all rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from baselines.laboratory.claims import Claim
from baselines.laboratory.statistics import Row
from baselines.laboratory.tables import Table
from baselines.presets import PresetName
from baselines.stages import Stages

VALIDATION_SEEDS = (100,)
"""Seeds for selecting hyperparameters; no other experiment reports them."""
Measuring = Generator[None, None, list[Row]]
"""Names all artifacts that are needed, by methods of `Stages`; then yields; then reads them, and returns rows."""


def rows_of(measuring: Measuring) -> list[Row]:
    """Runs an experiment through; its stages make at once what it names, or find it."""
    while True:
        try:
            next(measuring)
        except StopIteration as ended:
            return ended.value


@dataclass(frozen=True)
class Experiment:
    """One figure."""

    title: str
    question: str
    """What is asked, in a sentence or two."""
    paper: str
    """What the paper shows, "" where it shows nothing."""
    measure: Callable[[Stages], Measuring]
    """Measures one seed. What it names above its `yield` can be planned, made in any order and shared with other
    experiments; it may have more of them, but makes what it names below the first one itself."""
    draw: Callable[[list[Row]], Figure]
    """From the rows of all seeds."""
    table: Callable[[list[Row]], Table]
    """From the rows of all seeds."""
    claims: tuple[Claim, ...] = ()
    """What the table decides."""
    own_seconds: float = 0.0
    """About how long `measure` computes below its `yield`, on a core with the preset `quick`; 0 where it only reads."""
    remark: str = ""
    """What a reader of the table must know, in a sentence or two."""
    condense: Callable[[list[Row]], list[Row]] = list
    """Makes the rows of all seeds small enough to be published."""
    presets: tuple[PresetName, ...] = ("smoke", "quick", "small", "paper")
    """On which it can run."""
    validation: bool = False
    """Whether it selects hyperparameters for other experiments; it then runs on `VALIDATION_SEEDS` only."""

    @property
    def name(self) -> str:
        """Of its module and its files, and on the command line."""
        return self.measure.__module__.rpartition(".")[2]

    def seeds(self, requested: int | Sequence[int]) -> Iterable[int]:
        """Returns the seeds it runs on, given how many are requested, counted from 0, or which."""
        if self.validation:
            return VALIDATION_SEEDS
        return range(requested) if isinstance(requested, int) else requested
