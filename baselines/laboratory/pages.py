"""The pages of all results: Markdown with linked pictures, and self-contained HTML.

Both are made from the JSON files alone, so every number on them comes from a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from agents.figures.page import render
from agents.figures.style import to_svg
from baselines.laboratory.axes import counted, listed
from baselines.laboratory.claims import Claim, Judged
from baselines.laboratory.results import Result, draw, explained
from baselines.laboratory.statistics import FEWEST, LEVEL, SPLIT, group
from baselines.report.paper import READING
from jumppad_env.files import write_atomically

TITLE = "Results"
HEAD = (
    "The paper's figures and ablations, the experiments that its reviewers asked for, and those on levels. All numbers "
    "come from the JSON files beside the figures.",
    "**Reading the tables.** Means over seeds ± half of their 95% intervals (Student's t). Differences are paired "
    "by seed; their intervals show how large an effect could have been missed. p values are of paired t-tests, "
    "corrected over the table (Holm; raw ones in `.table.csv`), so that one comparison may have two in two tables. "
    f"A claim is decided by p < {LEVEL}, or by an interval on one side of its bound; otherwise it is inconclusive, "
    f"which is no evidence of equality. Where the seeds of a share form two groups more than {100 * SPLIT:.0f} "
    "points apart, those above 50% are counted, all are listed, and Fisher's exact test compares the counts. The "
    f"paper's numbers are read off its figures to about {100 * READING:.1f} points; “as often as the paper's” allows "
    "for that.",
)
CLAIM_HEAD = ["claim", "made by", "answer", "evidence", "figure"]


class Verdict(NamedTuple):
    """A claim and its answer."""

    result: Result
    claim: Claim
    judged: Judged


def verdicts(results: Iterable[Result]) -> list[Verdict]:
    """Returns the answers to all claims, in the order of the page."""
    found = []
    for result in results:
        table = result.table
        with explained(result.origin):
            found += [Verdict(result, claim, claim.judge(table)) for claim in result.experiment.claims]
    return found


def verdict(result: Result, found: Iterable[Verdict]) -> list[tuple[str, str]]:
    """Returns the answers of an experiment as a person would say them: (answer, statements that have it)."""
    answers = group(
        [{"answer": v.judged.answer, "said": v.claim.statement} for v in found if v.result is result], "answer"
    )
    return [(answer, "; ".join(one["said"] for one in some)) for answer, some in answers.items()]


def command(result: Result) -> str:
    """Returns the command that makes this result."""
    seeds = sorted(run["seed"] for run in result.content["runs"])
    named = f"--seeds {' '.join(map(str, seeds))} " if len(seeds) > 1 else f"--seed {seeds[0]} "
    counted_from_0 = seeds == list(range(len(seeds)))
    which = "" if result.experiment.validation else f"--seeds {len(seeds)} " if counted_from_0 else named
    return (
        f"python -m baselines.reproduce {result.experiment.name} --preset {result.content['preset']} {which}"
        "--out runs/reproduce"
    )


def origin(result: Result) -> str:
    """Returns where a result comes from: seeds, compute, machines, commits."""
    runs = result.content["runs"]
    seeds = ", ".join(str(run["seed"]) for run in runs)
    minutes = sum(run["seconds"] for run in runs) / 60
    commits: dict[str, set[str]] = {}
    for run in runs:
        commits.setdefault(run["provenance"]["device"], set()).add(run["provenance"]["commit"])
    made = [
        f"{device}, commit{'s' if len(of) > 1 else ''} {listed(sorted(of))}" for device, of in sorted(commits.items())
    ]
    few = "; too few seeds for intervals or tests" if len(runs) < FEWEST and not result.experiment.validation else ""
    time = f"additional compute, summed over seeds: {counted(max(1, round(minutes)), 'minute')}"
    return f"Seed{'s' if len(runs) > 1 else ''} {seeds}; {time}; {'; '.join(made)}{few}"


def caption(result: Result) -> str:
    """Returns what the differences of a table are to, and how many p values are corrected together."""
    table = result.table
    number = f" ({table.comparisons} comparisons)" if table.comparisons else ""
    return f"Differences: to {table.reference}{number}." if table.reference else ""


def markdown(results: list[Result], folder: str) -> str:
    """Returns the page of all results in Markdown.

    Args:
        results: in the order of the page.
        folder: of the pictures, relative to the page.
    """
    found = verdicts(results)
    claims = []
    for v in found:
        figure = f"[{v.result.experiment.name}]({folder}/{v.result.experiment.name}.png)"
        claims.append([v.claim.statement, v.claim.by, f"**{v.judged.answer}**", v.judged.evidence, figure])
    parts = [f"<!-- Made by `python -m baselines.reproduce.pages docs/{folder}`; do not edit. -->", f"# {TITLE}", *HEAD]
    parts += ["## All claims", _grid(CLAIM_HEAD, claims)]
    for result in results:
        one = result.experiment
        files = ", ".join(f"[{suffix}]({folder}/{one.name}.{suffix})" for suffix in ("csv", "table.csv", "json", "svg"))
        parts += [f"## {one.title}", one.question, *([f"*The paper:* {one.paper}"] if one.paper else [])]
        parts += [f"![{one.title}]({folder}/{one.name}.png)", _grid(*result.table.grid())]
        parts += [text for text in (caption(result), one.remark) if text]
        said = " ".join(f"*{answer.capitalize()}:* {statements}." for answer, statements in verdict(result, found))
        parts += [f"**Verdict.** {said}"] if said else []
        parts += [f"<sub>`{command(result)}`. {origin(result)}; {files}</sub>"]
    return "\n\n".join(parts) + "\n"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def html(results: list[Result]) -> str:
    """Returns the page of all results in HTML, figures included."""
    found = verdicts(results)
    claims = [[v.claim.statement, v.claim.by, v.judged.answer, v.judged.evidence] for v in found]
    return render(
        Path(__file__).parent,
        "results.html",
        title=f"jumppad: {TITLE.lower()}",
        heading=TITLE,
        head=[text.replace("**", "").replace("`", "") for text in HEAD],
        claims=(CLAIM_HEAD[:-1], claims),
        results=results,
        drawing=lambda result: to_svg(result.draw(), result.experiment.name, result.experiment.title),
        verdict=lambda result: verdict(result, found),
        command=command,
        origin=origin,
        caption=caption,
    )


def publish(results: list[Result], directory: Path) -> None:
    """Draws all figures and writes all tables into a directory, and both pages next to it."""
    for result in results:
        draw(result, directory)
    write_atomically(directory.with_suffix(".md"), markdown(results, directory.name).encode())
    write_atomically(directory.with_suffix(".html"), html(results).encode())
