"""The pages of all results: Markdown beside the pictures, and HTML that needs no other file.

Everything is made from the JSON files alone, so no number stands on a page that no run produced.
"""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup, escape

from agents.figures.page import render
from agents.figures.style import to_svg
from baselines.laboratory.results import Result, draw
from baselines.laboratory.statistics import FEWEST
from baselines.laboratory.words import listed
from jumppad_env.files import write_atomically

TITLE = "Results"
HEAD = """The paper's figures and ablations, and what its reviewers asked for, on our island. Intervals are 95%
(Student's t over seeds, of which three are needed) unless said otherwise; p values are of paired t-tests over seeds,
without correction for the number of tests on this page. Every number here is computed from the JSON file beside its
picture."""


def command(result: Result) -> str:
    """Returns what to type to make this result."""
    seeds = 1 + max(run["seed"] for run in result.content["runs"])
    which = "" if result.experiment.validation else f"--seeds {seeds} "
    return (
        f"python -m baselines.reproduce {result.experiment.name} --preset {result.content['preset']} {which}"
        "--out runs/reproduce"
    )


def origin(result: Result) -> str:
    """Returns where a result comes from: seeds, time, machines, commits."""
    runs = result.content["runs"]
    seeds = ", ".join(str(run["seed"]) for run in runs)
    minutes = sum(run["seconds"] for run in runs) / 60
    commits: dict[str, set[str]] = {}
    for run in runs:
        commits.setdefault(run["provenance"]["device"], set()).add(run["provenance"]["commit"])
    made = [
        f"{device}, commit{'s' if len(of) > 1 else ''} {listed(sorted(of))}" for device, of in sorted(commits.items())
    ]
    return (
        f"Seed{'s' if len(runs) > 1 else ''} {seeds}; {minutes:.0f} minutes beyond what earlier experiments had made; "
        f"{'; '.join(made)}"
    )


def opening(result: Result) -> str:
    """Returns how the paragraph of what was found begins."""
    few = len(result.content["runs"]) < FEWEST and not result.experiment.validation
    return "Found, on too few seeds for intervals or tests." if few else "Found."


def markdown(results: list[Result], folder: str) -> str:
    """Returns the page of all results in Markdown.

    Args:
        results: in the order of the page.
        folder: of the pictures, relative to the page.
    """
    note = f"<!-- Made by `python -m baselines.reproduce.pages docs/{folder}`; do not edit. -->"
    parts = [note, f"# {TITLE}", HEAD]
    for result in results:
        one = result.experiment
        files = ", ".join(f"[{suffix}]({folder}/{one.name}.{suffix})" for suffix in ("csv", "json", "svg"))
        parts += [f"## {one.title}", one.question, *([f"*The paper:* {one.paper}"] if one.paper else [])]
        parts += [f"![{one.title}]({folder}/{one.name}.png)", f"**{opening(result)}** {one.find(result.rows)}"]
        parts += [f"```bash\n{command(result)}\n```", f"<sub>{origin(result)}; {files}</sub>"]
    return "\n\n".join(parts) + "\n"


def html(results: list[Result]) -> str:
    """Returns the page of all results in HTML, figures included."""
    return render(
        Path(__file__).parent,
        "results.html",
        title=f"jumppad: {TITLE.lower()}",
        head=HEAD,
        results=results,
        drawing=lambda result: to_svg(
            result.experiment.draw(result.rows), result.experiment.name, result.experiment.title
        ),
        opening=opening,
        found=lambda result: _to_html(result.experiment.find(result.rows)),
        command=command,
        origin=origin,
    )


def _to_html(text: str) -> Markup:
    """Returns Markdown of plain sentences as HTML: bold, italics, code and lines are all that findings use."""
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", str(escape(text)))
    text = re.sub(r"\*(.+?)\*", r"<i>\1</i>", text)
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", text).replace("\n\n", "<br>"))


def publish(results: list[Result], directory: Path) -> None:
    """Draws all figures into a directory and writes both pages beside it."""
    for result in results:
        draw(result, directory)
    write_atomically(directory.with_suffix(".md"), markdown(results, directory.name).encode())
    write_atomically(directory.with_suffix(".html"), html(results).encode())
