"""Beyond the paper: an agent aligned to the left is re-aligned to the right."""

from __future__ import annotations

from matplotlib.figure import Figure

from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import INK
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_alignment, draw_outcomes
from baselines.laboratory.measuring import evaluated
from baselines.report.palette import STAGE_COLORS
from baselines.report.paper import paper_success
from baselines.stages import Stages
from baselines.training.loop import read_metrics


def measure(stages: Stages) -> Measuring:
    """Aligns to the right from three starts with the same reward model."""
    starts = {
        "preference_finetuned": ("aligned", stages.preference_finetuned("right")),
        "finetuned": ("aligned_from_finetuned", stages.finetuned()),
        "aligned left": ("aligned_from_left", stages.aligned("left")),
    }
    agents, evaluations = {}, {}
    for label, (name, start) in starts.items():
        agents[label] = stages.aligned("right", name, agent=start)
        evaluations[label] = evaluated(stages, f"right_{name}", agents[label])
    yield
    rows = []
    for label, agent in agents.items():
        curve = [line["success"] for line in read_metrics(agent)]
        rows.append({"start": label, **evaluations[label].read(), "curve": curve})
    return rows


COLORS = {
    "preference_finetuned": STAGE_COLORS["preference_finetuned"],
    "finetuned": STAGE_COLORS["finetuned"],
    "aligned left": OUTCOME_COLORS["left"],
}
WORDS = {
    "preference_finetuned": "preference-fine-tuned agent",
    "finetuned": "fine-tuned agent",
    "aligned left": "agent aligned to the left",
}
TICKS = {"preference_finetuned": "preference\nfine-tuned", "finetuned": "fine-tuned", "aligned left": "aligned\nleft"}


def draw(rows: list[Row]) -> Figure:
    """Draws the way to the right pad from three starts, and where it ends."""
    starts = group(rows, "start")
    with subplots(3.4, 1, 2, widths=(1.0, 1.1)) as (figure, grid):
        curves, goes = grid.flat
        named = [(condition(start), COLORS[start], some) for start, some in starts.items()]
        draw_alignment(curves, "right", named)
        goes.set_title("Where they go afterwards, by start")
        draw_outcomes(goes, list(starts.values()))
        paper = paper_success("right")
        label = f"paper, right: {100 * paper:.1f}%"
        goes.axhline(paper, color=INK, linestyle=":", linewidth=1.2, label=label, zorder=0)
        goes.legend(loc="upper left", ncols=5, fontsize=8, columnspacing=0.9, handlelength=1.2, handletextpad=0.4)
        percent_axis(goes, "episodes", high=1.25)
        named_axis(goes, [TICKS[start] for start in starts])
        note(figure, f"{sizes(rows)}; {intervals(rows)}.")
        return figure


RIGHT = "goes right"


def table(rows: list[Row]) -> Table:
    """Tabulates where agents end that were aligned to the right from each start."""
    starts = group(rows, "start")
    usual = starts.get("preference_finetuned", [])
    lines = []
    for start, some in starts.items():
        own = start == "preference_finetuned"
        lines.append(Line(condition(start), some, () if own else usual, {RIGHT: paper_success("right")} if own else {}))
    columns = (Column(RIGHT, "right"), Column("still goes left", "left", compared=False))
    return tabulate(lines, columns, "the preference-fine-tuned agent, aligned to the right")


def condition(start: str) -> str:
    """Names a condition of the table."""
    return f"from the {WORDS[start]}"


EXPERIMENT = Experiment(
    title="Re-alignment",
    question=(
        "Can an agent that was aligned to the left be aligned to the right, with the same reward model and budget?"
    ),
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "An agent aligned to the left is harder to align to the right",
            "us",
            Difference(condition("aligned left"), RIGHT, "lower"),
        ),
    ),
)
