"""How learning rates were chosen: the same small grid for all that is compared, on a seed that no other figure reports.

Of the rates whose success lies within one standard error of the best, the smallest is taken: it moves the agent least
(the rule of Breiman and others, Classification and Regression Trees, 1984, section 3.4.3).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from baselines.align import AlignConfig
from baselines.finetune import FinetuneConfig
from baselines.palette import STAGE_COLORS
from baselines.reproduce.drawing.panels import RANDOM, handle, line, note, number_axis, panels, percent_axis, span
from baselines.reproduce.drawing.words import listed
from baselines.reproduce.experiment import Experiment, Row
from baselines.reproduce.measuring import outcomes
from baselines.reproduce.statistics import group
from baselines.stages import Stages

FINETUNING = (0.3, 1.0, 3.0)
"""Grid of fine-tuning, as factors on the preset's learning rate."""
DEMONSTRATIONS = (30, None)
"""Numbers of demonstrations that count alike in the choice for fine-tuning; None are all of the preset's."""
ALIGNMENT = (0.43, 1.0, 2.1, 4.3, 10.0)
"""Grid of alignment: 3e-4, 7e-4, 1.5e-3, 3e-3 and 7e-3 for `quick`."""
CHOSEN = {"pre-trained": 1.0, "from scratch": 1.0, "all": 1.0, "adapters": 4.3, "head": 10.0}
"""What was chosen, which all other experiments use; a test compares it with the published rows."""


def tuned(config: FinetuneConfig, start: str, factor: float | None = None) -> FinetuneConfig:
    """Returns how an agent is fine-tuned that was "pre-trained" or starts "from scratch", at the chosen rate."""
    factor = CHOSEN[start] if factor is None else factor
    optimizer = dataclasses.replace(config.optimizer, learning_rate=factor * config.optimizer.learning_rate)
    initial = "random" if start == "from scratch" else "base"
    return dataclasses.replace(config, optimizer=optimizer, initial=initial)


def aligned(config: AlignConfig, trained: str, factor: float | None = None) -> AlignConfig:
    """Returns how "all" weights, "adapters" or the "head" are aligned, at the chosen rate."""
    factor = CHOSEN[trained] if factor is None else factor
    optimizer = dataclasses.replace(config.optimizer, learning_rate=factor * config.optimizer.learning_rate)
    return dataclasses.replace(config, trained=trained, optimizer=optimizer)


def measure(stages: Stages) -> list[Row]:
    """Fine-tunes and aligns once at every rate."""
    preset, rows = stages.preset, []
    for count in DEMONSTRATIONS:
        curated = dataclasses.replace(preset.curated, episodes=count or preset.curated.episodes)
        data = stages.curated() if curated == preset.curated else stages.curated(f"curated_{count}", config=curated)
        for start in ("pre-trained", "from scratch"):
            for factor in FINETUNING:
                config = tuned(preset.finetuned, start, factor)
                name = f"finetuned_{curated.episodes}_{start.replace(' ', '_')}_rate_{factor:g}"
                outcome = outcomes(stages, name, stages.finetuned(name, config=config, curated=data))
                rate = config.optimizer.learning_rate
                rows.append(
                    {"what": start, "demonstrations": curated.episodes, "learning_rate": rate, "factor": factor}
                )
                rows[-1] |= {"success": 1 - outcome["none"], "episodes": outcome["episodes"]}
    for trained in ("all", "adapters", "head"):
        for factor in ALIGNMENT:
            config = aligned(preset.aligned, trained, factor)
            name = f"aligned_{trained}_rate_{factor:g}"
            outcome = outcomes(stages, f"left_{name}", stages.aligned("left", name, config=config))
            rows.append({"what": trained, "demonstrations": None, "factor": factor})
            rows[-1] |= {"learning_rate": config.optimizer.learning_rate}
            rows[-1] |= {"success": outcome["left"], "episodes": outcome["episodes"]}
    return rows


def choose(rows: Iterable[Row]) -> dict[str, float]:
    """Returns the factor that is taken for everything that was tried."""
    chosen = {}
    for what, some in group(rows, "what").items():
        success = {
            factor: float(np.mean([row["success"] for row in at])) for factor, at in group(some, "factor").items()
        }
        best = max(success.values())
        episodes = sum(row["episodes"] for row in some) / len(success)
        error = math.sqrt(best * (1 - best) / episodes)
        chosen[what] = min(factor for factor, share in success.items() if share >= best - error)
    return chosen


COLORS = {
    "pre-trained": STAGE_COLORS["finetuned"],
    "from scratch": RANDOM,
    "all": STAGE_COLORS["aligned"],
    "adapters": "#2a9d8f",
    "head": "#7b6fb0",
}
WORDS = {
    "pre-trained": "fine-tuning the pre-trained agent",
    "from scratch": "fine-tuning from random weights",
    "all": "aligning all weights",
    "adapters": "aligning low-rank adapters",
    "head": "aligning the action head",
}
PANELS = {
    "fine-tuned: reaches a pad": ("pre-trained", "from scratch"),
    "aligned: goes left": ("all", "adapters", "head"),
}


def draw(rows: list[Row]) -> Figure:
    """Draws success against the learning rate, a ring around what is taken."""
    found, chosen = group(rows, "what"), choose(rows)
    with panels(3.4, 1, len(PANELS), sharey=True) as (figure, grid):
        for axes, (title, shown) in zip(grid.flat, PANELS.items(), strict=True):
            some = {what: found[what] for what in shown if what in found}
            for what, tried in some.items():
                line(axes, tried, "learning_rate", "success", COLORS[what])
                taken = [row for row in tried if row["factor"] == chosen[what]]
                rate, success = taken[0]["learning_rate"], float(np.mean([row["success"] for row in taken]))
                axes.plot(rate, success, "o", markersize=11, markerfacecolor="none", markeredgecolor=COLORS[what])
            axes.set(title=title, xlabel="learning rate")
            if some:
                number_axis(axes, (row["learning_rate"] for tried in some.values() for row in tried))
        grid[0, 0].set_ylabel("episodes of validation")
        percent_axis(grid[0, 0])
        handles = [handle(COLORS[what], WORDS[what]) for what in COLORS if what in found]
        figure.legend(handles=handles, loc="outside upper left", ncols=3, fontsize=8)
        played = span(row["episodes"] for row in rows)
        note(figure, f"N: {_seeds(rows)}, {played} episodes per point; rings: taken. Fine-tuning: the mean over "
             "numbers of demonstrations.")  # fmt: skip
        return figure


def _seeds(rows: list[Row]) -> str:
    return f"validation seed {listed(str(seed) for seed in group(rows, 'seed'))}"


def find(rows: list[Row]) -> str:
    """Says which rates are taken, and what the others would have cost."""
    parts = []
    for what, factor in choose(rows).items():
        tried = group([row for row in rows if row["what"] == what], "learning_rate")
        success = {rate: float(np.mean([row["success"] for row in at])) for rate, at in tried.items()}
        taken = next(rate for rate, at in tried.items() if at[0]["factor"] == factor)
        others = listed(f"{100 * share:.1f}% at {rate:.1e}" for rate, share in success.items() if rate != taken)
        parts.append(f"{WORDS[what]} takes **{taken:.1e}** ({100 * success[taken]:.1f}%; {others})")
    return f"On {_seeds(rows)}: {'; '.join(parts)}."


EXPERIMENT = Experiment(
    name="learning_rates",
    title="Learning rates",
    question="Which learning rate suits each thing that other figures compare? Each has the same small grid, and of "
    "the rates within a standard error of the best the smallest is taken.",
    paper="",
    measure=measure,
    draw=draw,
    find=find,
    validation=True,
)
