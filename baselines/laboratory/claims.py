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


@dataclass(frozen=True)
class Claim:
    """A statement about one cell of a table: in relation to the reference, or to a bound.

    A relation is confirmed or refuted by a significant difference; a bound by an interval that lies on one side of it.
    """

    statement: str
    """Without a full stop."""
    by: Literal["paper", "us"]
    condition: str
    column: str
    relation: Literal["higher", "lower"] | None = None
    """To the condition's reference."""
    least: float | None = None
    most: float | None = None
    also: tuple[tuple[str, float], ...] = ()
    """Further columns and their lower bounds, which must hold too."""

    def judge(self, table: Table) -> Judged:
        """Returns the answer that a table gives."""
        cell = table.cells.get((self.condition, self.column))
        if cell is None or (self.relation and cell.difference is None):
            return Judged("not tested", "not measured")
        if self.relation is not None:
            return Judged(self._compare(cell), _against(cell))
        bounds = [(cell, self.least, self.most)]
        bounds += [(table.cells[self.condition, column], least, None) for column, least in self.also]
        answers = [_bounded(*bound) for bound in bounds]
        worst: Answer = next(answer for answer in WORST_FIRST if answer in answers)
        return Judged(worst, "; ".join(_beside(*bound) for bound in bounds))

    def _compare(self, cell: Cell) -> Answer:
        if math.isnan(cell.p):
            return "not tested"
        assert cell.difference is not None
        if cell.corrected >= LEVEL:
            return "inconclusive"
        return "confirmed" if (cell.difference.mean > 0) == (self.relation == "higher") else "refuted"


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
    """Returns a cell beside its bound."""
    bound, words = (least, "at least") if least is not None else (most, "at most")
    unit = "%" * cell.share
    return f"{cell}{unit} ({words} {cell.number(bound or 0.0)}{unit})"


def _against(cell: Cell) -> str:
    """Returns a cell beside its reference, and the test."""
    if cell.is_tested_exactly:
        return f"{cell.compared()} (seeds above 50%)"
    reference = estimate(cell.against[seed] for seed in sorted(cell.values.keys() & cell.against.keys())).mean
    unit = "%" * cell.share
    return f"{cell.number(cell.mean.mean)}{unit} against {cell.number(reference)}{unit}: {cell.compared()}"
