"""Results on disk: rows of all seeds as JSON and CSV, the figure as PNG and SVG."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from agents.figures.style import STYLE
from baselines.laboratory.experiment import Experiment
from baselines.laboratory.rows import AGAIN, FORMAT, Published, check_rows, read_measured, write_measured
from baselines.laboratory.tables import Table
from jumppad_env.files import read_json, write_atomically
from jumppad_env.files.reading import CHECKSUM


@dataclass(frozen=True)
class Result:
    """An experiment and what its runs measured."""

    experiment: Experiment
    content: dict[str, Any]
    """As in its JSON file: `preset`, `runs` (seed, seconds, provenance), `rows`."""
    origin: str = "a result"
    """The files that it was read from, for messages."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of all seeds."""
        return self.content["rows"]

    @functools.cached_property
    def table(self) -> Table:
        """The table of all rows.

        Raises:
            ValueError: the experiment can make none of them.
        """
        with explained(self.origin):
            return self.experiment.table(self.rows)

    def draw(self) -> Figure:
        """Draws the figure of all rows.

        Raises:
            ValueError: the experiment can make none of them.
        """
        with explained(self.origin):
            return self.experiment.draw(self.rows)


@contextmanager
def explained(origin: str) -> Iterator[None]:
    """Turns what goes wrong with rows that lack what their experiment needs into a sentence that names their files.

    Raises:
        ValueError: instead of the error, which is its cause.
    """
    try:
        yield
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise ValueError(f"{origin} is damaged (its rows do not fit the experiment: {reason}); {AGAIN}") from error


def gather(experiment: Experiment, files: Sequence[Path]) -> Result:
    """Puts the rows of all seeds together.

    Args:
        experiment: whose.
        files: one per seed, as the laboratory writes them.

    Raises:
        ValueError: a file is damaged, of another experiment, or of another preset than the first.
    """
    measured = [read_measured(path, experiment.name) for path in files]
    preset = measured[0]["preset"]
    for path, one in zip(files, measured, strict=True):
        if one["preset"] != preset:
            raise ValueError(f"{path} was measured with preset {one['preset']}, {files[0]} with {preset}; delete one")
    rows = [{"seed": one["seed"], **row} for one in measured for row in one["rows"]]
    runs = [{key: one[key] for key in ("seed", "seconds", "provenance")} for one in measured]
    content = {"experiment": experiment.name, "preset": preset, "runs": runs}
    origin = str(files[0]) if len(files) == 1 else f"{files[0]}, or another file beside it,"
    with explained(origin):
        return Result(experiment, {**content, "rows": experiment.condense(rows)}, origin)


def load(directory: Path, experiments: Iterable[Experiment]) -> list[Result]:
    """Returns the results of a directory, in the order of the experiments.

    Raises:
        FileNotFoundError: there are none.
        ValueError: a file is damaged.
    """
    found = []
    for experiment in experiments:
        path = directory / f"{experiment.name}.json"
        if os.path.lexists(path):
            content = read_json(path, AGAIN, Published)
            check_rows(path, content, experiment.name)
            _check_seal(path, content)
            found.append(Result(experiment, content, str(path)))
    if not found:
        raise FileNotFoundError(f"{directory} holds no results; make some with python -m baselines.reproduce")
    return found


def spread(result: Result, files: Callable[[int], Path]) -> None:
    """Writes a result's rows as the laboratory would, one file per seed, where there is none yet.

    Args:
        result: of which nothing is written if its rows have been condensed over seeds.
        files: from the seed to the file.
    """
    shared = {key: result.content[key] for key in ("experiment", "preset")}
    for each in result.content["runs"]:
        run = {key: each[key] for key in ("seed", "seconds", "provenance")}
        rows = [row for row in result.rows if row.get("seed") == run["seed"]]
        path = files(run["seed"])
        if rows and not os.path.lexists(path):
            rows = [{key: value for key, value in row.items() if key != "seed"} for row in rows]
            write_measured(path, {**shared, **run, "rows": rows})


def write(result: Result, directory: Path) -> None:
    """Writes `<experiment>.json`, sealed, and `.csv`."""
    content = {key: value for key, value in result.content.items() if key not in ("format", "rows", CHECKSUM)}
    content = {"format": FORMAT, **content}
    head = json.dumps(content, indent=1)[:-2]
    rows = ",\n".join(json.dumps(_rounded(row), separators=(",", ":")) for row in result.rows)
    name = result.experiment.name
    write_atomically(directory / f"{name}.json", _seal(f'{head},\n "rows": [\n{rows}\n]'.encode()))
    write_atomically(directory / f"{name}.csv", _csv(result.rows))


def _seal(text: bytes) -> bytes:
    """Returns the text of an object, up to its last entry, with its checksum, and closed."""
    return text + f',\n "{CHECKSUM}": "{hashlib.sha256(text).hexdigest()}"\n}}\n'.encode()


def _check_seal(path: Path, content: Mapping[str, Any]) -> None:
    """Checks that published results are as they were written; earlier ones have no checksum.

    Raises:
        ValueError: they are not.
    """
    if "format" in content or CHECKSUM in content:
        text = path.read_bytes()
        if text != _seal(text[: text.rfind(b',\n "')]):
            raise ValueError(f"{path} was changed after it was written (its checksum does not fit); {AGAIN}")


def draw(result: Result, directory: Path) -> None:
    """Writes `<experiment>.png` and `.svg`, and the table as `.table.csv`."""
    write_atomically(directory / f"{result.experiment.name}.table.csv", _csv(result.table.records()))
    figure = result.draw()
    for suffix, options in (("png", {"dpi": 110, "transparent": False, "facecolor": "white"}), ("svg", {})):
        buffer = io.BytesIO()
        metadata = {"Date": None} if suffix == "svg" else {"Software": None}
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format=suffix, metadata=metadata, **options)
        write_atomically(directory / f"{result.experiment.name}.{suffix}", buffer.getvalue())


def _csv(rows: list[dict[str, Any]]) -> bytes:
    """Returns rows as CSV, without what is a list."""
    text = io.StringIO()
    columns = [key for key, value in rows[0].items() if not isinstance(value, list)]
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rounded(row) for row in rows)
    return text.getvalue().encode()


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 5) if isinstance(value, float) else _short(value) for key, value in row.items()}


def _short(value: Any) -> Any:
    return [round(v, 4) if isinstance(v, float) else v for v in value] if isinstance(value, list) else value
