"""Ablation 8: what alignment trains: the action head as in the paper, low-rank adapters, or everything."""

from __future__ import annotations

from matplotlib.figure import Figure

from agents.outcomes import NAMES, PAPER
from baselines.reproduce import learning_rates, rates
from baselines.reproduce.drawing.curves import (
    difference,
    draw_bar,
    draw_curve,
    draw_paper,
    intervals,
    mosaic_figure,
    percent_axis,
    probed,
    sizes,
    styled_mosaic,
    update_curves,
)
from baselines.reproduce.drawing.panels import note
from baselines.reproduce.drawing.words import beside_paper
from baselines.reproduce.experiment import Experiment, Row
from baselines.reproduce.measuring import outcomes, probe
from baselines.reproduce.statistics import group, over_seeds, per_seed, percent
from baselines.stages import Stages
from baselines.training import read_metrics

PARTS = ("all", "adapters", "head")


def measure(stages: Stages) -> list[Row]:
    """Aligns to the left in each way from the same start."""
    rows = []
    for trained in PARTS:
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
    with styled_mosaic("ABC", 9.0, 3.3, widths=(1.4, 1, 1)) as panels:
        curves = panels["A"]
        curves.set_title("During alignment to the left")
        for trained, some in parts.items():
            draw_curve(curves, update_curves(some), learning_rates.COLORS[trained], WORDS[trained])
        percent_axis(curves, "episodes at the left pad", 1.03)
        curves.set(xlabel="alignment update")
        curves.set_xlim(left=0)
        curves.legend(loc="lower right", fontsize=8)
        for key, measured, title, label in (
            ("B", "left", "Aligned agent", "episodes at the left pad"),
            ("C", "forced_miss", "Back after a forced miss", "probed episodes that reach a pad"),
        ):
            axes = panels[key]
            axes.set_title(title)
            for place, (trained, some) in enumerate(parts.items()):
                draw_bar(axes, place, some, measured, learning_rates.COLORS[trained])
            axes.set_xticks(range(len(parts)), [TICKS[trained] for trained in parts], fontsize=8)
            axes.grid(visible=False, axis="x")
            percent_axis(axes, label, 1.25 if key == "B" else 1.13)
        if "head" in parts:
            paper = PAPER["aligned left"][NAMES.index("left")] / 100
            draw_paper(panels["B"], list(parts).index("head"), paper, 0.8, f"paper (head): {paper:.1%}")
            panels["B"].legend(loc="upper right", fontsize=8)
        figure = mosaic_figure(panels)
        note(figure, f"{sizes(rows)}; {probed(rows)}; {intervals(rows)}.")
        return figure


def find(rows: list[Row]) -> str:
    """Says how good each way is, how far it moves, and what it forgets."""
    parts = group(rows, "trained")
    found = [f"Measured on {sizes(rows)} and {probed(rows)}."]
    for trained, some in parts.items():
        text = f"Training {WORDS[trained]}, the agent goes left in **{percent(over_seeds(some, 'left'))}** of episodes"
        if trained == "head":
            text += f", {beside_paper(over_seeds(some, 'left'), PAPER['aligned left'][NAMES.index('left')] / 100)}"
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
