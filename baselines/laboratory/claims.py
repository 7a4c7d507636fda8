"""What an experiment is asked to decide: claims of the paper and ours, judged from its table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from baselines.laboratory.statistics import LEVEL, estimate
from baselines.laboratory.tables import Cell, Table

Answer = Literal["confirmed", "refuted", "inconclusive", "not tested"]
WORST_FIRST: tuple[Answer, ...] = ("not tested", "refuted", "inconclusive", "confirmed")


class Judged(NamedTuple):
    """A claim's answer."""

    answer: Answer
    evidence: str
    """The numbers that it rests on."""


UNMEASURED = Judged("not tested", "not measured")


class Difference(NamedTuple):
    """A cell of a table is higher or lower than its reference; a significant difference confirms or refutes it."""

    condition: str
    column: str
    relation: Literal["higher", "lower"]

    def judge(self, cell: Cell) -> Judged:
        """Returns the answer that a cell gives."""
        if cell.difference is None:
            return UNMEASURED
        answer: Answer = "confirmed" if (cell.difference.mean > 0) == (self.relation == "higher") else "refuted"
        if not cell.corrected < LEVEL:
            answer = "not tested" if math.isnan(cell.p) else "inconclusive"
        return Judged(answer, _against(cell))


class Bound(NamedTuple):
    """A cell of a table is at least or at most a number; an interval on one side of it confirms or refutes it."""

    condition: str
    column: str
    least: float | None = None
    most: float | None = None

    def judge(self, cell: Cell) -> Judged:
        """Returns the answer that a cell gives."""
        return Judged(_bounded(cell, self.least, self.most), _beside(cell, self.least, self.most))


@dataclass(frozen=True)
class Claim:
    """A statement about a table."""

    statement: str
    """Without a full stop."""
    by: Literal["paper", "us"]
    test: Difference | Bound
    also: Bound | None = None
    """Must hold too."""

    def judge(self, table: Table) -> Judged:
        """Returns the answer that a table gives."""
        judged = []
        for test in (self.test, self.also) if self.also else (self.test,):
            cell = table.cells.get((test.condition, test.column))
            judged.append(UNMEASURED if cell is None else test.judge(cell))
        worst = min(judged, key=lambda one: WORST_FIRST.index(one.answer))
        return Judged(worst.answer, "; ".join(dict.fromkeys(one.evidence for one in judged)))


def _bounded(cell: Cell, least: float | None, most: float | None) -> Answer:
    """Returns on which side of its bounds an interval lies; of seeds that are counted, all of them."""
    low, high = min(cell.values.values()), max(cell.values.values())
    if not cell.is_counted:
        low, high = cell.mean.low, cell.mean.high
    if math.isnan(low):
        return "not tested"
    least, most = -math.inf if least is None else least, math.inf if most is None else most
    if low >= least and high <= most:
        return "confirmed"
    return "refuted" if high < least or low > most else "inconclusive"


def _beside(cell: Cell, least: float | None, most: float | None) -> str:
    """Returns a cell and its bound as text."""
    bound, words = (least, "at least") if least is not None else (most, "at most")
    unit = "%" * cell.share
    return f"{cell}{unit} ({words} {cell.number(bound or 0.0)}{unit})"


def _against(cell: Cell) -> str:
    """Returns a cell, its reference and the test as text."""
    if cell.is_tested_exactly:
        return f"{cell.compared()} (seeds above 50%)"
    reference = estimate(cell.against[seed] for seed in sorted(cell.values.keys() & cell.against.keys())).mean
    unit = "%" * cell.share
    return f"{cell.number(cell.mean.mean)}{unit} against {cell.number(reference)}{unit}: {cell.compared()}"
