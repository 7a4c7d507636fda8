"""Is it worth choosing which pair people are asked next? Simulated people answer pairs that were chosen in three ways.

Source: the people are those of B-Pref (Lee et al., arXiv 2111.03026): they call equal what is, and make mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from agents.dataset import Dataset
from agents.targets import Target
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import AIR, handle, intervals, note, number_axis, percent_axis, seeds_of, subplots
from baselines.laboratory.marks import draw_line
from baselines.preferences.labels import label
from baselines.preferences.people.judge import features_of, fit_ensemble
from baselines.preferences.people.pairs import CANDIDATES, Judge, Selection, worth
from baselines.preferences.people.store import Answer, Given
from baselines.presets import targets_of
from baselines.stages import Stages
from jumppad_env.streams import stream

SELECTIONS: tuple[Selection, ...] = ("random", "disagreement", "information")
COUNTS = (10, 20, 40, 80, 160, 320)
MISTAKES = (0.0, 0.1)
"""Shares of the answers that are wrong."""
EVERY = 10
"""Answers after which the models that choose are fitted anew."""
JUDGED = 1000
"""Pairs for the accuracy."""


def measure(stages: Stages) -> Measuring:
    """Asks simulated people, and judges what their answers teach on random pairs of other episodes."""
    rollouts, agent = stages.rollouts(), stages.finetuned()
    yield
    dataset = Dataset(rollouts)
    features = features_of(agent, dataset)
    values = label(dataset, "pad", Target.parse(targets_of(stages.name)[0]))
    order = stream(stages.seed, "active choice").permutation(len(values))
    asked, judged = order[: len(order) * 3 // 4], order[len(order) * 3 // 4 :]
    rows = []
    for mistakes in MISTAKES:
        for selection in SELECTIONS:
            given: list[Given] = []
            judge: Judge | None = None
            for count in range(1, COUNTS[-1] + 1):
                given.append(_answer(count, asked, values, judge, selection, mistakes, stages.seed))
                if count % EVERY == 0:
                    judge = fit_ensemble(features, given, stages.seed)
                if count in COUNTS and judge is not None:
                    accuracy = accuracy_of(judge, judged, values, stages.seed)
                    rows.append({"selection": selection, "mistakes": mistakes, "answers": count, "accuracy": accuracy})
    return rows


def _answer(
    number: int,
    episodes: np.ndarray,
    values: np.ndarray,
    judge: Judge | None,
    selection: Selection,
    mistakes: float,
    seed: int,
) -> Given:
    """Returns a simulated answer to a chosen pair; the same candidates and mistakes for every selection."""
    generator = stream(seed, "candidates", number)
    pairs = np.array([generator.choice(episodes, 2, replace=False) for _ in range(CANDIDATES)])
    best = 0
    if selection != "random" and judge is not None:
        best = int(np.argmax(worth(judge(pairs[:, 0], pairs[:, 1]), selection)))
    first, second = map(int, pairs[best])
    wrong = generator.random() < mistakes
    says: Answer = "equal"
    if values[first] != values[second]:
        says = "left" if (values[first] > values[second]) != wrong else "right"
    return Given(number, "simulated", first, second, "train", None, says, False, False, 0.0, 0.0, str(number))


def accuracy_of(judge: Judge, episodes: np.ndarray, values: np.ndarray, seed: int) -> float:
    """Returns how often the mean of models ranks random pairs of episodes of different value rightly."""
    pairs = stream(seed, "judged pairs").choice(episodes, (4 * JUDGED, 2))
    pairs = pairs[values[pairs[:, 0]] != values[pairs[:, 1]]][:JUDGED]
    said = judge(pairs[:, 0], pairs[:, 1]).mean(axis=0) > 0.5
    return float((said == (values[pairs[:, 0]] > values[pairs[:, 1]])).mean())


COLORS = {"random": "#69737d", "disagreement": "#1f77b4", "information": "#b5365f"}


def draw(rows: list[Row]) -> Figure:
    """Draws the accuracy by the number of answers, for each way of choosing."""
    found = group(rows, "mistakes", "selection")
    mistakes = sorted(group(rows, "mistakes"))
    with subplots(3.4, 1, max(2, len(mistakes)), share_y="all") as (figure, grid):
        for axes, share in zip(grid.flat, mistakes, strict=False):
            for selection, shift in zip(SELECTIONS, (0.96, 1.0, 1.04), strict=True):
                draw_line(axes, found.get((share, selection), []), "answers", "accuracy", COLORS[selection], "-", shift)
            axes.set(title=f"{100 * share:g}% of the answers wrong", xlabel="answers")
            number_axis(axes, (row["answers"] for row in rows))
        percent_axis(grid[0, 0], "pairs right", min(0.5, *(row["accuracy"] for row in rows)) - AIR)
        figure.legend(handles=[handle(COLORS[s], s) for s in SELECTIONS], loc="outside upper left", ncols=3, fontsize=8)
        note(figure, f"{seeds_of(rows)}, {JUDGED:,} random pairs of other episodes each; {intervals(rows)}.")
        return figure


def line_of(selection: str, mistakes: float) -> str:
    """Returns the name of a line of the table."""
    return f"{selection}, {100 * mistakes:g}% mistakes"


def column_of(answers: int) -> str:
    """Returns the name of a column of the table."""
    return f"{answers} answers"


def table(rows: list[Row]) -> Table:
    """Tabulates each way of choosing against random pairs."""
    found = group(rows, "mistakes", "selection")
    lines = [
        Line(line_of(selection, mistakes), some, found.get((mistakes, "random"), []) if selection != "random" else ())
        for (mistakes, selection), some in found.items()
    ]
    return tabulate(lines, _columns(sorted(group(rows, "answers"))), "random pairs")


def _columns(counts: Sequence[int]) -> tuple[Column, ...]:
    def at(count: int) -> Column:
        return Column(column_of(count), lambda row: row["accuracy"] if row["answers"] == count else None)

    return tuple(map(at, counts))


EXPERIMENT = Experiment(
    title="Choosing which pair is asked next",
    question="Do models learn more from as many answers if people are asked where the models disagree, or where an "
    "answer would tell most, instead of random pairs?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    presets=("smoke", "quick", "small", "paper", "islands"),
    own_seconds=60.0,
    remark="The models are the ensemble of `baselines.label`: logistic regressions on what the fine-tuned agent sees.",
    claims=tuple(
        Claim(
            f"With 40 answers, pairs chosen by {selection} teach more than random ones",
            "us",
            Difference(line_of(selection, 0.0), column_of(40), "higher"),
        )
        for selection in SELECTIONS[1:]
    ),
)
