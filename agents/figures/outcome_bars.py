"""Bar charts of outcomes with 95% intervals."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import INK, MUTED
from agents.outcomes import NAMES


def draw_outcome_bars(axes: Axes, outcome: dict, paper: dict[str, float] | None = None) -> None:
    """Draws one outcome object, optionally beside the shares of the paper.

    Args:
        axes: result of `agents.figures.style.styled_axes`.
        outcome: result of `agents.outcomes.summarize`.
        paper: share of each outcome in the paper, 0 to 1.
    """
    for index, name in enumerate(NAMES):
        share, (low, high) = outcome[name], outcome["ci95"][name]
        x, color = index - (0.2 if paper else 0.0), OUTCOME_COLORS[name]
        width = 0.36 if paper else 0.56
        axes.bar(x, share, width, color=color)
        axes.vlines(x, low, high, colors=INK, linewidth=1.3)
        axes.text(x, high + 0.025, f"{100 * share:.0f}", ha="center", va="bottom", fontweight="bold")
        if paper:
            x, share = index + 0.2, paper[name]
            axes.bar(x, share, width, color=color, alpha=0.28)
            axes.bar(x, share, width, fill=False, edgecolor=color, linewidth=1.0)
            axes.text(x, share + 0.025, f"{100 * share:.0f}", ha="center", color=MUTED, fontsize=8)
    axes.set_xticks(range(len(NAMES)), NAMES, color=INK)
    axes.set(ylim=(0, 1.13), xlim=(-0.55, len(NAMES) - 0.45), yticks=np.linspace(0, 1, 5))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(visible=False, axis="x")
    axes.spines[["left", "bottom"]].set_visible(False)
