"""Ablation 8: what alignment trains: the action head as in the paper, low-rank adapters, or everything."""

from __future__ import annotations

from matplotlib.figure import Figure

from baselines.laboratory import (
    Bound,
    Claim,
    Column,
    Difference,
    Experiment,
    Line,
    Measuring,
    Row,
    Table,
    group,
    tabulate,
)
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, probed, sizes, subplots
from baselines.laboratory.marks import draw_alignment, draw_bar, draw_paper
from baselines.laboratory.measuring import evaluated
from baselines.report.paper import READING, paper_success
from baselines.reproduce import learning_rates, rates
from baselines.stages import Stages
from baselines.training.loop import read_metrics


def measure(stages: Stages) -> Measuring:
    """Aligns to the left in each way from the same start."""
    agents, evaluations = {}, {}
    for trained in rates.PARTS:
        suffix = "" if trained == "all" else f"_{trained}"
        config = None if trained == "all" else rates.at_rate(stages.preset.aligned, trained, trained=trained)
        agents[trained] = agent = stages.aligned("left", f"aligned{suffix}", config=config)
        name = f"left_aligned{suffix}"
        evaluations[trained] = evaluated(stages, name, agent, target="left", probes=["forced_miss"])
    yield
    rows = []
    for trained, agent in agents.items():
        measured = evaluations[trained].read()
        lines = read_metrics(agent)
        curve = [line["success"] for line in lines]
        rows.append({"trained": trained, **measured, "kl": lines[-1].get("kl"), "curve": curve})
    return rows


WORDS = {"all": "everything", "adapters": "low-rank adapters", "head": "the action head"}
TICKS = {"all": "everything", "adapters": "adapters", "head": "action\nhead"}


def draw(rows: list[Row]) -> Figure:
    """Draws the way to the left pad, where it ends, and how often the agent returns after a forced miss."""
    parts = group(rows, "trained")
    with subplots(3.3, 1, 3, widths=(1.4, 1, 1)) as (figure, grid):
        curves, goes, back = grid.flat
        colors = learning_rates.COLORS
        draw_alignment(curves, "left", [(WORDS[trained], colors[trained], some) for trained, some in parts.items()])
        for axes, measured, title, label, high in (
            (goes, "left", "Aligned agent", "episodes at the left pad", 1.25),
            (back, "forced_miss_at_target", "After a forced miss", "returns to the left pad", 1.13),
        ):
            axes.set_title(title)
            for place, (trained, some) in enumerate(parts.items()):
                draw_bar(axes, place, some, measured, colors[trained])
            named_axis(axes, [TICKS[trained] for trained in parts])
            percent_axis(axes, label, high=high)
        if "head" in parts:
            paper = paper_success("left")
            draw_paper(goes, list(parts).index("head"), paper, 0.8, f"paper (head): {paper:.1%}")
            goes.legend(loc="upper right", fontsize=8)
        note(figure, f"{sizes(rows)}; {probed(rows, 'forced_miss')}; {intervals(rows)}.")
        return figure


SUCCESS, RETURNS = "goes left", "returns to the left pad"


def table(rows: list[Row]) -> Table:
    """Tabulates what alignment trains, against all weights."""
    parts = group(rows, "trained")
    lines = []
    for trained, some in parts.items():
        paper = {SUCCESS: paper_success("left")} if trained == "head" else {}
        lines.append(Line(WORDS[trained], some, () if trained == "all" else parts.get("all", []), paper))
    columns = (
        Column(SUCCESS, "left"),
        Column(RETURNS, "forced_miss_at_target"),
        Column("returns to any pad", "forced_miss", compared=False),
        Column("KL from its start, nats per step", "kl", share=False, digits=2, compared=False),
    )
    return tabulate(lines, columns, WORDS["all"])


EXPERIMENT = Experiment(
    title="Which weights alignment trains",
    question="How do the last layer alone, low-rank adapters and all weights compare, each at its own learning rate?",
    paper="Trains the last layer alone.",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Training the action head alone is enough for the paper's success",
            "paper",
            Bound(WORDS["head"], SUCCESS, least=paper_success("left") - READING),
        ),
        Claim(
            "The action head alone preserves more returns than training everything",
            "us",
            Difference(WORDS["head"], RETURNS, "higher"),
        ),
    ),
)
