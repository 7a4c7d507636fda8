"""Ablation 5: the base agent aligned directly, without fine-tuning."""

from __future__ import annotations

from matplotlib.figure import Figure

from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, probed, sizes, subplots
from baselines.laboratory.marks import draw_alignment, draw_bar, draw_outcomes, draw_paper
from baselines.laboratory.measuring import evaluated
from baselines.report.palette import STAGE_COLORS
from baselines.report.paper import OUTCOMES, paper_shares
from baselines.stages import Stages
from baselines.training.loop import read_metrics


def measure(stages: Stages) -> Measuring:
    """Aligns the base agent to the left with the same reward model, as a comparison with the full procedure."""
    direct = stages.aligned("left", "aligned_from_base", agent=stages.base())
    agents = {
        "base": ("base", stages.base()),
        "base, aligned": ("left_aligned_from_base", direct),
        "all steps": ("left_aligned", stages.aligned("left")),
    }
    evaluations = {
        label: evaluated(stages, name, agent, target="left", probes=["forced_miss"])
        for label, (name, agent) in agents.items()
    }
    yield
    rows = []
    for label, (_, agent) in agents.items():
        curve = [] if label == "base" else [line["success"] for line in read_metrics(agent)]
        rows.append({"agent": label, **evaluations[label].read(), "curve": curve})
    return rows


COLORS = {"base": STAGE_COLORS["base"], "base, aligned": "#8a4b2a", "all steps": STAGE_COLORS["aligned"]}
"""Of the agents; nothing else is an aligned base agent."""
NAMES_OF = {"base": "base", "base, aligned": "base, aligned directly", "all steps": "aligned after all stages"}
LABELS = {"base": "base", "base, aligned": "base,\naligned\ndirectly", "all steps": "all steps,\naligned"}


def draw(rows: list[Row]) -> Figure:
    """Draws how alignment goes from both starts, where the agents go, and how often they return after a forced miss."""
    agents = group(rows, "agent")
    with subplots(3.6, 1, 3, widths=(1.1, 1.5, 1.0)) as (figure, grid):
        curves, goes, back = grid.flat
        starts = {"base, aligned": "from base", "all steps": "after all steps"}
        draw_alignment(curves, "left", [(starts[a], COLORS[a], agents[a]) for a in starts if a in agents])

        goes.set_title("Where the agents go")
        places = draw_outcomes(goes, list(agents.values()))
        for agent, ends in zip(agents, places, strict=True):
            paper = OUTCOMES.get({"base": "base", "all steps": "aligned left"}.get(agent, ""))
            for x, share in zip(ends, paper or (), strict=False):
                draw_paper(goes, x, share / 100, 0.2)
        draw_paper(goes, 0, 0, 0, "paper")
        goes.legend(loc="upper left", ncols=5, fontsize=8, columnspacing=0.8, handlelength=0.9, handletextpad=0.4)
        percent_axis(goes, "episodes", high=1.25)

        back.set_title("After a forced miss")
        for place, (agent, some) in enumerate(agents.items()):
            draw_bar(back, place, some, "forced_miss_at_target", COLORS[agent])
        percent_axis(back, "returns to the left pad", high=1.13)
        for axes in (goes, back):
            named_axis(axes, [LABELS[agent] for agent in agents])
        note(figure, f"{sizes(rows)}; {probed(rows, 'forced_miss')}; {intervals(rows)}.")
        return figure


SUCCESS, RETURNS, ANY = "goes left", "returns to the left pad", "returns to any pad"


def table(rows: list[Row]) -> Table:
    """Tabulates the base agent, aligned directly, and after all stages, each against the one before."""
    agents, lines, before = group(rows, "agent"), [], ()
    for agent, some in agents.items():
        paper = paper_shares(*{"base": ("base",), "all steps": ("aligned", "left")}.get(agent, ("",)))
        lines.append(Line(NAMES_OF[agent], some, before, {SUCCESS: paper["left"]} if paper else {}))
        before = some
    columns = (
        Column(SUCCESS, "left"),
        Column(RETURNS, "forced_miss_at_target"),
        Column(ANY, "forced_miss", compared=False),
    )
    return tabulate(lines, columns, "the line above")


EXPERIMENT = Experiment(
    title="Aligning the base agent directly",
    question="Is fine-tuning needed, or can the base agent be aligned directly, with the same reward model and budget?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "Alignment alone makes the base agent go left",
            "us",
            Difference(NAMES_OF["base, aligned"], SUCCESS, "higher"),
        ),
        Claim("The stages in between add success", "us", Difference(NAMES_OF["all steps"], SUCCESS, "higher")),
    ),
)
