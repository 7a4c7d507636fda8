"""What was measured, on disk: a sealed file of rows per experiment and seed, and published files of all seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NotRequired, TypedDict

from agents.outcomes import NAMES
from jumppad_env.files import read_sealed, seal, write_atomically
from jumppad_env.files.shapes import Count, Duration, Positive, Share, misfit

FORMAT = 2
"""Of a seed's rows; before they said so, they had no checksum."""
AGAIN = "delete it and run python -m baselines.reproduce again"
ROUNDED = 1e-4
"""How much rounded shares may differ from 1 in sum."""
Value = str | float | bool | list[Any] | None


class Provenance(TypedDict):
    """Where numbers come from, see `baselines.laboratory.graph.task.provenance`."""

    commit: str
    device: str
    cores: NotRequired[Positive]
    versions: NotRequired[dict[str, str]]
    date: NotRequired[str]


class Run(TypedDict):
    """The run of a seed."""

    seed: Count
    seconds: Duration
    provenance: Provenance


class Measured(Run):
    """A seed's file."""

    format: NotRequired[Count]
    experiment: str
    preset: str
    rows: list[dict[str, Value]]


class Published(TypedDict):
    """A file of all seeds."""

    experiment: str
    preset: str
    runs: list[Run]
    rows: list[dict[str, Value]]


class Known(TypedDict, total=False):
    """Entries of rows that mean the same in every experiment; None where nothing was measured."""

    seed: Count
    mean_seconds: Duration | None
    none: Share
    left: Share
    middle: Share
    right: Share
    success: Share | None
    accuracy: Share | None
    curve: list[Share]


def write_measured(path: Path, content: dict[str, Any]) -> None:
    """Writes the rows of a seed, sealed.

    Raises:
        OSError: writing failed; there is no file, or the older one.
    """
    write_atomically(path, seal({"format": FORMAT, **content}).encode())


def read_measured(path: Path, experiment: str) -> dict[str, Any]:
    """Returns the rows of a seed, as `Measured`.

    Raises:
        FileNotFoundError: there are none.
        ValueError: the file is damaged, was changed, or is of another experiment, or of another version.
    """
    remedy = "delete it to measure it again"
    content = read_sealed(path, remedy, Measured, unsealed=True)
    if (found := content.get("format", FORMAT)) != FORMAT:
        raise ValueError(f"{path} has format version {found}, this code reads {FORMAT}; update jumppad, or {remedy}")
    if path.name != f"seed-{content['seed']}.json":
        raise ValueError(f"{path} is damaged (seed is {content['seed']}); {remedy}")
    check_rows(path, content, experiment)
    return content


def check_rows(path: Path, content: dict[str, Any], experiment: str) -> None:
    """Checks that rows are of an experiment, have the same entries, and no impossible shares.

    Args:
        path: of their file.
        content: of it, as `Measured` or `Published`.
        experiment: name of the experiment.

    Raises:
        ValueError: they do not.
    """
    wrong, rows = None, content["rows"]
    if content["experiment"] != experiment:
        wrong = f"experiment is {content['experiment'][:40]!r}, not {experiment}"
    elif not rows or not content.get("runs", True):
        wrong = f"{'runs' if rows else 'rows'} is empty"
    else:
        wrong = next(
            (said for index, row in enumerate(rows) if (said := _misfit(row, rows[0], f"rows[{index}]"))), None
        )
    if wrong:
        raise ValueError(f"{path} is damaged ({wrong}); {AGAIN}")


def _misfit(row: dict[str, Any], first: dict[str, Any], place: str) -> str | None:
    """Returns what is wrong with a row; the first one says which entries there are."""
    if different := sorted(row.keys() ^ first.keys()):
        return f"{place} and rows[0] differ in having {different[0][:40]!r}"
    if wrong := misfit(row, Known, place):
        return wrong
    if row.keys() >= {*NAMES} and abs((total := sum(row[name] for name in NAMES)) - 1) > ROUNDED:
        return f"{place}: {', '.join(NAMES)} add up to {total:g}, not 1"
    return None
