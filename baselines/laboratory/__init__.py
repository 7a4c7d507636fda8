"""Experiments over seeds, whatever they are about: running, statistics, figures, pages."""

from baselines.laboratory.claims import Bound, Claim, Difference
from baselines.laboratory.experiment import Experiment, Measuring
from baselines.laboratory.statistics import Row, group
from baselines.laboratory.tables import Column, Line, Table, tabulate

__all__ = [
    "Bound",
    "Claim",
    "Column",
    "Difference",
    "Experiment",
    "Line",
    "Measuring",
    "Row",
    "Table",
    "group",
    "tabulate",
]
