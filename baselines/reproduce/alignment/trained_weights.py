"""Ablation 8: what alignment trains: the action head as in the paper, low-rank adapters, or everything."""

from __future__ import annotations

from matplotlib.figure import Figure

from baselines.laboratory.experiment import Experiment, Row
from baselines.laboratory.marks import draw_alignment, draw_bar, draw_paper
from baselines.laboratory.measuring import outcomes, probe
from baselines.laboratory.panels import named_axis, note, panels, percent_axis
from baselines.laboratory.statistics import group, over_seeds, per_seed, percent
from baselines.laboratory.words import beside_paper, difference, intervals, probed, sizes
from baselines.report.paper import paper_success
from baselines.reproduce import learning_rates, rates
from baselines.stages import Stages
from baselines.training.loop import read_metrics


def measure(stages: Stages) -> list[Row]:
    """Aligns to the left in each way from the same start."""
    rows = []
    for trained in rates.PARTS:
        suffix = "" if trained == "all" else f"_{trained}"
        config = None if trained == "all" else rates.at_rate(stages.preset.aligned, trained, trained=trained)
        agent = stages.aligned("left", f"aligned{suffix}", config=config)
        name = f"left_aligned{suffix}"
        evaluation = stages.preset.evaluation if suffix else stages.preset.final_evaluation
        lines = read_metrics(agent)
        rows.append(
            {
                "trained": trained,
                **outcomes(stages, name, agent, evaluation),
                **probe(stages, name, agent, "forced_miss", "left"),
                "kl": lines[-1].get("kl"),
                "curve": [line["success"] for line in lines],
            }
        )
    return rows


WORDS = {"all": "everything", "adapters": "low-rank adapters", "head": "the action head"}
TICKS = {"all": "everything", "adapters": "adapters", "head": "action\nhead"}


def draw(rows: list[Row]) -> Figure:
    """Draws the way to the left pad, where it ends, and who comes back after a forced miss."""
    parts = group(rows, "trained")
    with panels(3.3, 1, 3, widths=(1.4, 1, 1)) as (figure, grid):
        curves, goes, back = grid.flat
        colors = learning_rates.COLORS
        draw_alignment(curves, "left", [(WORDS[trained], colors[trained], some) for trained, some in parts.items()])
        for axes, measured, title, label, high in (
            (goes, "left", "Aligned agent", "episodes at the left pad", 1.25),
            (back, "forced_miss", "Back after a forced miss", "probed episodes that reach a pad", 1.13),
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


def find(rows: list[Row]) -> str:
    """Says how good each way is, how far it moves, and what it forgets."""
    parts = group(rows, "trained")
    found = [f"Measured on {sizes(rows)} and {probed(rows, 'forced_miss')}."]
    for trained, some in parts.items():
        text = f"Training {WORDS[trained]}, the agent goes left in **{percent(over_seeds(some, 'left'))}** of episodes"
        if trained == "head":
            text += f", {beside_paper(over_seeds(some, 'left'), paper_success('left'))}"
        text += f", and comes back after {percent(over_seeds(some, 'forced_miss'))} of forced misses"
        if per_seed(some, "kl"):
            text += f", at a KL of {over_seeds(some, 'kl').mean:.2g} nats per step from its start"
        found.append(f"{text}.")
    everything = parts.get("all", [])
    for trained in ("adapters", "head"):
        success = difference(parts.get(trained, []), everything, "left")
        back = difference(parts.get(trained, []), everything, "forced_miss")
        if success is None or back is None:
            continue
        found.append(
            f"Training {WORDS[trained]} against training everything, in success: {success.said('better', 'worse')}; in "
            f"coming back: {back.said('it forgets less', 'it forgets more')}."
        )
    return " ".join(found)


EXPERIMENT = Experiment(
    name="trained_weights",
    title="What alignment trains",
    question=(
        "The paper trains the last layer alone. How do low-rank adapters and training everything compare, each at a "
        "learning rate of its own, in success and in what is forgotten?"
    ),
    paper="trains the last layer alone, and ends at 98.7% left.",
    measure=measure,
    draw=draw,
    find=find,
)
