"""Question 2 on levels: what do reward models and agents learn from "goes left" where left is nearly always red?

Source: CoinRun with a random coin (Langosco et al., arXiv 2105.14111); comparisons take the place of its reward.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from agents.dataset import Dataset
from agents.figures.palette import PAD_COLORS
from agents.figures.style import MUTED
from agents.targets import Target
from baselines.artifact import load_manifest
from baselines.evaluate import load_outcome
from baselines.laboratory import Bound, Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, tabulate
from baselines.laboratory.axes import handle, intervals, named_axis, note, percent_axis, seeds_of, subplots
from baselines.laboratory.marks import draw_dot
from baselines.laboratory.statistics import group, per_seed
from baselines.models.precision import choose_device
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes
from baselines.preferences.labels import episodes_of
from baselines.rollouts import RolloutsConfig
from baselines.stages import Stages

LEFT, RED = Target.parse("left"), Target.parse("red")
UNTIED = (0.0, 0.01, 0.05, 0.2)
"""Shares of the levels of comparisons on which colors do not follow places."""
AGENTS = (0.0, 0.2)
"""For which an agent is aligned too."""
ENCODERS = ("agent", "random")
ROLLOUTS = 1000
TIED_LEVELS = (0, 2000)
"""First level and number of levels that rollouts for comparisons are played on, so that 1% of them are several."""


def measure(stages: Stages) -> Measuring:
    """Trains reward models on comparisons from nearly tied levels, and judges them where colors and places part."""
    apart = stages.rollouts()
    made = []
    for share in UNTIED:
        end = f"_untied_{share:g}"
        config = RolloutsConfig(episodes=ROLLOUTS, levels=TIED_LEVELS, color_tie=1.0 - share)
        rollouts = stages.rollouts(f"rollouts{end}", config=config)
        pairs = stages.preferences("left", f"preferences{end}", rollouts=rollouts)
        for encoder in ENCODERS:
            asked = dataclasses.replace(stages.preset.reward_model, initial=encoder)
            name = f"reward_model_{encoder}{end}"
            judge = stages.reward_model("left", name, config=asked, rollouts=rollouts, preferences=pairs)
            agent = None
            if share in AGENTS and encoder == "agent":
                agent = _aligned(stages, end, share, rollouts, judge)
            made.append((share, encoder, judge, agent))
    yield
    dataset, rows = Dataset(apart), []
    parted = where_they_part(dataset)
    for share, encoder, judge, evaluation in made:
        row = {"untied": share, "encoder": encoder, "places": prefers_place(judge, dataset, *parted)}
        row["accuracy"] = load_manifest(judge, "reward_model")["metrics"]["accuracy"]
        outcome = None if evaluation is None else load_outcome(evaluation)
        row |= {f"goes_{target}": None if outcome is None else target.share(outcome) for target in (LEFT, RED)}
        rows.append(row)
    return rows


def _aligned(stages: Stages, end: str, share: float, rollouts: Path, judge: Path) -> Path:
    """Names the evaluation, where colors and places part, of an agent that was aligned where they hardly do."""
    preferred = stages.preference_finetuned("left", f"preference_finetuned{end}", rollouts=rollouts, reward_model=judge)
    config = dataclasses.replace(stages.preset.aligned, levels=TIED_LEVELS, color_tie=1.0 - share)
    agent = stages.aligned("left", f"aligned{end}", config=config, agent=preferred, reward_model=judge)
    return stages.evaluation(f"left_aligned{end}", agent)


def where_they_part(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the episodes that end left, but not at red, and of those of the reverse."""
    left, red = np.array([(LEFT.reached(one), RED.reached(one)) for one in episodes_of(dataset)]).T
    return np.flatnonzero(left & ~red), np.flatnonzero(red & ~left)


def prefers_place(judge: Path, dataset: Dataset, left: np.ndarray, red: np.ndarray) -> float | None:
    """Returns how often a reward model scores an episode that ends left, but not at red, above one of the reverse.

    It is a share of all pairs of such episodes: 1 is place, 0 is color; None where there are none.
    """
    model = RewardModel.from_pretrained(judge, choose_device())
    pairs = score_episodes(model, dataset, left)[:, None] > score_episodes(model, dataset, red)[None, :]
    return float(pairs.mean()) if pairs.size else None


COLORS = {"agent": "#15803d", "random": "#69737d"}
WORDS = {"agent": "the agent's encoder", "random": "a random encoder"}


def draw(rows: list[Row]) -> Figure:
    """Draws what each reward model prefers, and where aligned agents go, where colors and places part."""
    shares = list(group(rows, "untied"))
    with subplots(3.5, 1, 2, widths=(1.4, 1.0)) as (figure, grid):
        judged, goes = grid.flat
        judged.set_title("Reward model: left above red")
        judged.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        for encoder, shift in (("agent", -0.12), ("random", 0.12)):
            for place, share in enumerate(shares):
                some = [row for row in rows if (row["untied"], row["encoder"]) == (share, encoder)]
                draw_dot(judged, place + shift, per_seed(some, "places").values(), COLORS[encoder])
        named_axis(judged, [f"{100 * share:g}%" for share in shares])
        judged.set_xlabel("untied levels among the comparisons")
        percent_axis(judged, "pairs", -0.03)
        handles = [handle(COLORS[encoder], WORDS[encoder], "") for encoder in ENCODERS]
        handles.append(Line2D([], [], color=MUTED, linestyle=":", label="indifferent"))
        judged.legend(handles=handles, loc="best", fontsize=8)

        goes.set_title("Aligned agent, colors shuffled")
        aligned = group([row for row in rows if row["goes_left"] is not None], "untied")
        for place, some in enumerate(aligned.values()):
            for key, shift, color in (("goes_left", -0.12, "#1f77b4"), ("goes_red", 0.12, PAD_COLORS["red"])):
                draw_dot(goes, place + shift, per_seed(some, key).values(), color)
        named_axis(goes, [f"{100 * share:g}%" for share in aligned])
        goes.set_xlabel("untied levels")
        percent_axis(goes, "episodes", -0.03)
        goes.legend(
            handles=[handle("#1f77b4", "left pad", ""), handle(PAD_COLORS["red"], "red pad", "")],
            loc="best",
            fontsize=8,
        )
        note(figure, f"A pad may be left and red at once; {seeds_of(rows)}; {intervals(rows)}.")
        return figure


PLACES, ACCURACY = "left outranks red", "right on its own comparisons"
GOES_LEFT, GOES_RED = "aligned agent goes left", "aligned agent goes to red"


def line_of(share: float, encoder: str) -> str:
    """Returns the name of a line of the table."""
    return f"{100 * share:g}% untied, {WORDS[encoder]}"


def table(rows: list[Row]) -> Table:
    """Tabulates each share of untied levels, against the same encoder with none."""
    found = group(rows, "untied", "encoder")
    lines = [
        Line(line_of(share, encoder), some, found.get((0.0, encoder), []) if share else ())
        for (share, encoder), some in sorted(found.items(), key=lambda item: item[0][1])
    ]
    columns = (
        Column(ACCURACY, "accuracy", compared=False),
        Column(PLACES, "places"),
        Column(GOES_LEFT, "goes_left", compared=False),
        Column(GOES_RED, "goes_red", compared=False),
    )
    return tabulate(lines, columns, "no untied levels")


EXPERIMENT = Experiment(
    title="What was learned: the place or the color?",
    question="Comparisons say “goes left” on levels on which the left pad is always, or nearly always, red. Where left "
    "and red part: what does the reward model score higher, and where does the aligned agent go?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    presets=("islands",),
    own_seconds=60.0,
    remark="“Left outranks red”: share of pairs of an episode that ends left but not at red, and one that ends at red "
    "but not left, of which the reward model scores the first higher; 100% is place, 0% is color.",
    claims=(
        Claim(
            "From tied levels alone, the reward model learns the color rather than the place",
            "us",
            Bound(line_of(0.0, "agent"), PLACES, most=0.5),
        ),
        Claim(
            "With 20% of untied levels it learns the place",
            "us",
            Bound(line_of(0.2, "agent"), PLACES, least=0.9),
        ),
        Claim(
            "1% of untied levels already moves it towards the place",
            "us",
            Difference(line_of(0.01, "agent"), PLACES, "higher"),
        ),
    ),
)
