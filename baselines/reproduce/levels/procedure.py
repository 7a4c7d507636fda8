"""The whole procedure on levels, with a target: where agents go, on levels of training and unseen ones."""

from __future__ import annotations

from matplotlib.figure import Figure

from agents.targets import Target
from baselines.laboratory import Column, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import intervals, named_axis, note, percent_axis, sizes, subplots
from baselines.laboratory.marks import draw_bar, draw_outcomes, shade
from baselines.report.palette import KIND_TITLES, STAGE_COLORS
from baselines.reproduce.levels.ends import TRAINING, UNSEEN, WHERE, ends_of, evaluations_of
from baselines.stages import Stages

SUCCESS, APART, REACHES = "at the target", "from people", "reaches a pad"
AGENTS = ("base", "finetuned", "preference_finetuned", "aligned")


def measure_target(stages: Stages, target: str) -> Measuring:
    """Evaluates the agents of all stages."""
    agents = {"base": stages.base(), "finetuned": stages.finetuned()}
    agents |= {"preference_finetuned": stages.preference_finetuned(target), "aligned": stages.aligned(target)}
    people = stages.evaluation_of_dataset("demonstrations", stages.demonstrations())
    made = {
        stage: evaluations_of(stages, stage if stage in ("base", "finetuned") else f"{target}_{stage}", agent)
        for stage, agent in agents.items()
    }
    yield
    wanted = Target.parse(target)
    rows = [{"stage": "demonstrations", "levels": TRAINING, **ends_of(people, people, wanted)}]
    for stage, evaluations in made.items():
        for where, evaluation in evaluations.items():
            rows.append({"stage": stage, "levels": where, **ends_of(evaluation, people, wanted)})
    return rows


def draw(rows: list[Row]) -> Figure:
    """Draws the share at the target stage by stage, and where people and the base agent go."""
    agents = group(rows, "stage", "levels")
    with subplots(3.5, 1, 2, widths=(1.5, 1.0)) as (figure, grid):
        target, goes = grid.flat
        target.set_title("At the target")
        for place, stage in enumerate(AGENTS):
            for where, shift, paler in ((TRAINING, -0.2, 0.0), (UNSEEN, 0.2, 0.45)):
                color = shade(STAGE_COLORS[stage], paler)
                draw_bar(target, place + shift, agents.get((stage, where), []), "success", color, 0.38, fontsize=8)
        named_axis(target, [KIND_TITLES[stage].replace(" ", "\n") for stage in AGENTS])
        percent_axis(target, "episodes", high=1.13)

        goes.set_title("Where they end, on the last island")
        shown = {"people": ("demonstrations", TRAINING)}
        shown |= {f"base,\n{where}": ("base", where) for where in WHERE}
        draw_outcomes(goes, [agents.get(key, []) for key in shown.values()])
        goes.legend(loc="upper right", ncols=4, fontsize=8, columnspacing=0.8, handlelength=0.9, handletextpad=0.4)
        named_axis(goes, list(shown))
        percent_axis(goes, high=1.13)  # room for the legend
        note(figure, f"Dark: levels of training, pale: unseen ones; {sizes(rows)}; {intervals(rows)}.")
        return figure


def line_of(stage: str, where: str) -> str:
    """Returns the name of a line of the table."""
    title = "people" if stage == "demonstrations" else KIND_TITLES[stage].lower()
    return f"{title}, {where} levels"


def table(rows: list[Row]) -> Table:
    """Tabulates all agents, on unseen levels each against itself on those of training."""
    agents = group(rows, "stage", "levels")
    lines = [
        Line(line_of(stage, where), some, agents.get((stage, TRAINING), []) if where == UNSEEN else ())
        for (stage, where), some in agents.items()
    ]
    columns = (
        Column(REACHES, lambda row: 1.0 - row["none"]),
        Column(SUCCESS, "success"),
        Column(APART, lambda row: row["apart"] if row["stage"] == "base" else None, compared=False),
    )
    return tabulate(lines, columns, "the levels of training")
