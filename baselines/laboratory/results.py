"""Results on disk: rows of all seeds as JSON and CSV, the figure as PNG and SVG."""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

from agents.figures.style import STYLE
from baselines.laboratory.experiment import Experiment
from baselines.laboratory.tables import Table
from jumppad_env.files import write_atomically


@dataclass(frozen=True)
class Result:
    """An experiment and what its runs measured."""

    experiment: Experiment
    content: dict[str, Any]
    """As in its JSON file: `preset`, `runs` (seed, seconds, provenance), `rows`."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of all seeds."""
        return self.content["rows"]

    @functools.cached_property
    def table(self) -> Table:
        """The table of all rows."""
        return self.experiment.table(self.rows)


def gather(experiment: Experiment, files: Iterable[Path]) -> Result:
    """Puts the rows of all seeds together.

    Args:
        experiment: whose.
        files: one per seed, as the laboratory writes them.
    """
    measured = [json.loads(path.read_text()) for path in files]
    rows = [{"seed": one["seed"], **row} for one in measured for row in one["rows"]]
    runs = [{key: one[key] for key in ("seed", "seconds", "provenance")} for one in measured]
    content = {"experiment": experiment.name, "preset": measured[0]["preset"], "runs": runs}
    return Result(experiment, {**content, "rows": experiment.condense(rows)})


def load(directory: Path, experiments: Iterable[Experiment]) -> list[Result]:
    """Returns the results of a directory, in the order of the experiments.

    Raises:
        FileNotFoundError: there are none.
        ValueError: a file is damaged.
    """
    found = []
    for experiment in experiments:
        path = directory / f"{experiment.name}.json"
        if path.is_file():
            try:
                content = json.loads(path.read_text())
                assert content["experiment"] == experiment.name and content["rows"] and content["runs"]
            except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AssertionError, TypeError):
                raise ValueError(f"{path} is damaged; run python -m baselines.reproduce again") from None
            found.append(Result(experiment, content))
    if not found:
        raise FileNotFoundError(f"{directory} holds no results; make some with python -m baselines.reproduce")
    return found


def spread(result: Result, files: Callable[[int], Path]) -> None:
    """Writes a result's rows as the laboratory would, one file per seed, where there is none yet.

    Args:
        result: of which nothing is written if its rows have been condensed over seeds.
        files: from the seed to the file.
    """
    shared = {key: value for key, value in result.content.items() if key not in ("runs", "rows")}
    for run in result.content["runs"]:
        rows = [row for row in result.rows if row.get("seed") == run["seed"]]
        path = files(run["seed"])
        if rows and not path.is_file():
            rows = [{key: value for key, value in row.items() if key != "seed"} for row in rows]
            write_atomically(path, json.dumps({**shared, **run, "rows": rows}, indent=1).encode())


def write(result: Result, directory: Path) -> None:
    """Writes `<experiment>.json` and `.csv`."""
    content = {key: value for key, value in result.content.items() if key != "rows"}
    head = json.dumps(content, indent=1)[:-2]
    rows = ",\n".join(json.dumps(_rounded(row), separators=(",", ":")) for row in result.rows)
    name = result.experiment.name
    write_atomically(directory / f"{name}.json", f'{head},\n "rows": [\n{rows}\n]}}\n'.encode())
    write_atomically(directory / f"{name}.csv", _csv(result.rows))


def draw(result: Result, directory: Path) -> None:
    """Writes `<experiment>.png` and `.svg`, and the table as `.table.csv`."""
    write_atomically(directory / f"{result.experiment.name}.table.csv", _csv(result.table.records()))
    figure = result.experiment.draw(result.rows)
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
