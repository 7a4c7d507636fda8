"""Results on disk: rows of all seeds as JSON and CSV, the figure as PNG and SVG, and the page of all experiments.

    python -m baselines.reproduce.results docs/results   # draws all figures and writes docs/results.md anew

Everything here is made from `<experiment>.json` alone, so no number stands on the page that no run produced.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import tyro

from agents.figure_style import STYLE
from baselines.reproduce.experiment import Experiment
from baselines.reproduce.experiments import EXPERIMENTS
from jumppad_env.command_line import command_line
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


def load(directory: Path) -> list[Result]:
    """Returns the results of a directory, in the order of the report.

    Raises:
        FileNotFoundError: there are none.
        ValueError: a file is damaged.
    """
    found = []
    for experiment in EXPERIMENTS:
        path = directory / f"{experiment.name}.json"
        if path.is_file():
            try:
                content = json.loads(path.read_text())
                assert content["experiment"] == experiment.name and content["rows"] and content["runs"]
            except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AssertionError, TypeError):
                raise ValueError(f"{path} is damaged; gather it anew with python -m baselines.reproduce") from None
            found.append(Result(experiment, content))
    if not found:
        raise FileNotFoundError(f"{directory} holds no results; make some with python -m baselines.reproduce")
    return found


def write(result: Result, directory: Path) -> None:
    """Writes `<experiment>.json` and `.csv`."""
    content = {key: value for key, value in result.content.items() if key != "rows"}
    head = json.dumps(content, indent=1)[:-2]
    rows = ",\n".join(json.dumps(_rounded(row), separators=(",", ":")) for row in result.rows)
    name = result.experiment.name
    write_atomically(directory / f"{name}.json", f'{head},\n "rows": [\n{rows}\n]}}\n'.encode())
    table = io.StringIO()
    columns = [key for key, value in result.rows[0].items() if not isinstance(value, list)]
    writer = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rounded(row) for row in result.rows)
    write_atomically(directory / f"{name}.csv", table.getvalue().encode())


def draw(result: Result, directory: Path) -> None:
    """Writes `<experiment>.png` and `.svg`."""
    figure = result.experiment.draw(result.rows)
    for suffix, options in (("png", {"dpi": 110, "transparent": False, "facecolor": "white"}), ("svg", {})):
        buffer = io.BytesIO()
        metadata = {"Date": None} if suffix == "svg" else {"Software": None}
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format=suffix, metadata=metadata, **options)
        write_atomically(directory / f"{result.experiment.name}.{suffix}", buffer.getvalue())


def page(results: list[Result], folder: str) -> str:
    """Returns the page of all results in Markdown.

    Args:
        results: in the order of the page.
        folder: of the pictures, relative to the page.
    """
    parts = [HEAD]
    for result in results:
        one, runs = result.experiment, result.content["runs"]
        parts += [f"## {one.title}", one.question]
        if one.paper:
            parts.append(f"*The paper:* {one.paper}")
        parts.append(f"![{one.title}]({folder}/{one.name}.png)")
        parts.append(f"**Found.** {one.find(result.rows)}")
        seeds = ", ".join(str(run["seed"]) for run in runs)
        minutes = sum(run["seconds"] for run in runs) / 60
        made = sorted({f"{r['provenance']['device']}, commit {r['provenance']['commit']}" for r in runs})
        command = f"python -m baselines.reproduce {one.name} --preset {result.content['preset']} --seeds {len(runs)}"
        files = ", ".join(f"[{suffix}]({folder}/{one.name}.{suffix})" for suffix in ("csv", "json", "svg"))
        parts.append(
            f"<sub>`{command}` · seed{'s' if len(runs) > 1 else ''} {seeds} · {minutes:.0f} minutes beyond what others "
            f"had made · {'; '.join(made)} · {files}</sub>"
        )
    return "\n\n".join(parts) + "\n"


HEAD = """<!-- Made by `python -m baselines.reproduce.results docs/results`; do not edit. -->
# Results

The paper's figures and ablations, and what its reviewers asked for, on our island. Intervals are 95% (Student's t over
seeds) unless said otherwise; p values are of paired t-tests over seeds, without correction for the number of tests on
this page. Every number here is computed from the JSON file beside its picture."""


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 5) if isinstance(value, float) else _short(value) for key, value in row.items()}


def _short(value: Any) -> Any:
    return [round(v, 4) if isinstance(v, float) else v for v in value] if isinstance(value, list) else value


def publish(results: list[Result], directory: Path) -> None:
    """Draws all figures and writes the page beside the directory."""
    for result in results:
        draw(result, directory)
    write_atomically(directory.with_suffix(".md"), page(results, directory.name).encode())


@dataclass(frozen=True)
class Arguments:
    """Draw the figures of published results and write their page anew."""

    directory: Annotated[Path, tyro.conf.Positional]
    """Holds a JSON file per experiment; the page is written beside it."""


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        publish(load(arguments.directory), arguments.directory)


if __name__ == "__main__":
    sys.exit(main())
