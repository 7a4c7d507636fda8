"""The table of an experiment: conditions by measures, each next to the paper's number and compared with a reference.

Differences are paired by seed. Where the seeds of a share form two groups, they are counted and listed instead of
averaged, and compared by Fisher's exact test. All p values of a table are corrected together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from baselines.laboratory.statistics import (
    Estimate,
    Measure,
    Row,
    compare,
    count_high,
    estimate,
    exact_p,
    holm,
    is_split,
    per_seed,
    significance,
)


@dataclass(frozen=True)
class Column:
    """A measured quantity."""

    title: str
    measure: Measure
    share: bool = True
    """Whether it is a share, which is written in percent and compared in points."""
    digits: int = 1
    compared: bool = True
    """Whether conditions are tested against their reference."""
    against: Measure | None = None
    """What is measured of the reference; None: the same."""


@dataclass(frozen=True)
class Line:
    """A condition."""

    condition: str
    rows: Sequence[Row]
    """Nothing measured leaves the line out."""
    reference: Sequence[Row] = ()
    """Rows that it is compared with; none: not compared."""
    paper: Mapping[str, float] = field(default_factory=dict)
    """The paper's numbers, by title of the column."""


@dataclass(frozen=True)
class Cell:
    """What was measured of one condition."""

    values: dict[int, float]
    """By seed."""
    against: dict[int, float]
    """The reference's, by seed; empty where nothing is compared."""
    share: bool
    digits: int
    paper: float | None
    difference: Estimate | None = None
    """From the reference, paired by seed; None where nothing is compared."""
    p: float = math.nan
    corrected: float = math.nan
    """p after Holm's correction over the table."""

    @property
    def mean(self) -> Estimate:
        """The mean over seeds."""
        return estimate(self.values.values())

    @property
    def is_counted(self) -> bool:
        """Whether seeds are counted instead of averaged."""
        return self.share and is_split(self.values.values())

    @property
    def is_tested_exactly(self) -> bool:
        """Whether it or its reference is counted."""
        return self.share and (self.is_counted or is_split(self.against.values()))

    def __str__(self) -> str:
        """Returns "99.7 ± 0.4", or "2 of 5 (0.0, 0.0, 0.0, 96.0, 97.6)"."""
        scale = 100 if self.share else 1
        if self.is_counted:
            return f"{_counted(self.values)} ({', '.join(f'{100 * v:.1f}' for v in sorted(self.values.values()))})"
        return self._with_half(self.mean, scale)

    def compared(self) -> str:
        """Returns "+0.3 ± 0.9, p = 0.4", "2 of 5 against 5 of 5, p = 0.17", or "" where nothing is compared."""
        if self.difference is None:
            return ""
        if self.is_tested_exactly:
            said = f"{_counted(self.values)} against {_counted(self.against)}"
        else:
            said = self._with_half(self.difference, 100 if self.share else 1, "+")
        return f"{said}, {significance(self.corrected)}" if not math.isnan(self.p) else said

    def number(self, value: float) -> str:
        """Returns a number in the cell's unit."""
        return f"{100 * value:.{self.digits}f}" if self.share else f"{value:,.{self.digits}f}"

    def _with_half(self, value: Estimate, scale: int, sign: str = "") -> str:
        half = "" if math.isnan(value.low) else f" ± {scale * (value.high - value.mean):,.{self.digits}f}"
        return f"{scale * value.mean:{sign},.{self.digits}f}{half}"


@dataclass(frozen=True)
class Table:
    """All conditions of an experiment."""

    columns: tuple[Column, ...]
    reference: str
    """What differences are to, in words; "" where nothing is compared."""
    cells: dict[tuple[str, str], Cell]
    """By condition and title of the column."""

    @property
    def conditions(self) -> list[str]:
        """The conditions that were measured, in their order."""
        return list(dict.fromkeys(condition for condition, _ in self.cells))

    @property
    def comparisons(self) -> int:
        """How many p values are corrected together."""
        return sum(not math.isnan(cell.p) for cell in self.cells.values())

    def grid(self) -> tuple[list[str], list[list[str]]]:
        """Returns the head and the rows, as text."""
        head, parts = [""], []
        for column in self.columns:
            cells = [cell for (_, title), cell in self.cells.items() if title == column.title]
            texts = [("value", f"{column.title}{', %' * column.share}")]
            if any(cell.paper is not None for cell in cells):
                texts.append(("paper", "paper"))
            if any(cell.difference is not None for cell in cells):
                texts.append(("difference", f"difference{', points' * column.share}"))
            head += [text for _, text in texts]
            parts += [(column.title, kind) for kind, _ in texts]
        rows = []
        for condition in self.conditions:
            found = [(self.cells.get((condition, title)), kind) for title, kind in parts]
            rows.append([condition, *("" if cell is None else _text(cell, kind) for cell, kind in found)])
        return head, rows

    def records(self) -> list[dict[str, Any]]:
        """Returns a record per cell, with p before and after the correction."""
        records = []
        for (condition, title), cell in self.cells.items():
            mean, difference = cell.mean, cell.difference or Estimate(math.nan, math.nan, math.nan, 0)
            test = "" if math.isnan(cell.p) else "Fisher" if cell.is_tested_exactly else "paired t"
            records.append(
                {"condition": condition, "measure": title, "seeds": mean.count}
                | {"mean": mean.mean, "low": mean.low, "high": mean.high, "paper": cell.paper}
                | {"difference": difference.mean, "difference_low": difference.low, "difference_high": difference.high}
                | {"test": test, "p": cell.p, "p_holm": cell.corrected}
            )
        return [{key: "" if value != value else value for key, value in record.items()} for record in records]


def tabulate(lines: Iterable[Line], columns: Iterable[Column], reference: str = "") -> Table:
    """Measures, compares and corrects.

    Args:
        lines: conditions; those without rows, and measures without numbers, are left out.
        columns: what is measured of each.
        reference: what differences are to, in words.
    """
    cells: dict[tuple[str, str], Cell] = {}
    for line in lines:
        for column in columns:
            if values := per_seed(line.rows, column.measure):
                paper = line.paper.get(column.title)
                against = per_seed(line.reference, column.against or column.measure) if column.compared else {}
                against = against if values.keys() & against.keys() else {}
                cell = Cell(values, against, column.share, column.digits, paper)
                if against:
                    difference, p = compare(values, against)
                    if cell.is_tested_exactly:
                        p = exact_p(list(values.values()), list(against.values()))
                    cell = replace(cell, difference=difference, p=p)
                cells[line.condition, column.title] = cell
    corrected = holm([cell.p for cell in cells.values()])
    cells = {key: replace(cell, corrected=p) for (key, cell), p in zip(cells.items(), corrected, strict=True)}
    return Table(tuple(columns), reference, cells)


def _counted(values: Mapping[int, float]) -> str:
    return f"{count_high(values.values())} of {len(values)}"


def _text(cell: Cell, kind: str) -> str:
    if kind == "paper":
        return "" if cell.paper is None else cell.number(cell.paper)
    return cell.compared() if kind == "difference" else str(cell)
