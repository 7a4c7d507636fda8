"""Maps of where the agent goes at each stage of the procedure, joined by arrows."""

from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as MplPath

from agents.figures.island_map import draw_map, draw_paths, load_map
from agents.figures.style import INK, MUTED, STYLE
from baselines.report.palette import STAGE_COLORS
from baselines.report.run_directory import Run

SHARED_STAGES = 3
"""Number of stages, from the first, that all targets have in common."""


def draw_arrow(figure: Figure, x_from: float, y_from: float, x_to: float, y_to: float, size: float) -> None:
    """Draws an arrow between two points, in shares of the figure; it bends if their heights differ."""
    width = figure.get_figwidth()
    head, inset = 0.13 / width, 0.05 / width  # the last bit is straight, for the arrowhead
    x_from, x_to = x_from + inset, x_to - inset
    bend = (x_from + x_to - head) / 2
    corners = [(x_from, y_from), (bend, y_from), (bend, y_to), (x_to - head, y_to), (x_to, y_to)]
    way = MplPath(corners, [MplPath.MOVETO, *[MplPath.CURVE4] * 3, MplPath.LINETO])
    look = {"arrowstyle": "-|>", "mutation_scale": 14 * size, "linewidth": 2.2 * size, "joinstyle": "miter"}
    figure.add_artist(FancyArrowPatch(path=way, transform=figure.transFigure, color=INK, **look))


def lay_out(
    targets: Sequence[str], small: float, draw: Callable[[Axes, str, str], None], legend: float = 0.0
) -> Figure:
    """Draws the stages from left to right: one large map for each shared stage, then a row of small maps per target.

    Args:
        targets: one row each, from the top.
        small: height of a small map, inches; all other sizes are proportional to it.
        draw: draws the map of a stage and target into axes; the target of a shared stage is "".
        legend: space to leave below the large maps, inches.

    Source: the paper's heat map; it shows the base, fine-tuned and aligned agents.
    """
    left, right, bottom, top = load_map().bounds
    large, gap, branching, caption = 1.6 * small, 0.15 * small, 0.24 * small, 0.17 * small
    heights = [large if column < SHARED_STAGES else small for column in range(len(STAGE_COLORS))]
    widths = [height * (right - left) / (top - bottom) for height in heights]
    gaps = [branching if column == SHARED_STAGES else gap for column in range(1, len(STAGE_COLORS))]
    starts = 0.05 + np.cumsum([0.0, *(wide + gap for wide, gap in zip(widths, gaps, strict=False))])
    width = float(starts[-1] + widths[-1] + 0.05)
    height = max(2, len(targets)) * (small + caption) + 0.1
    center = 0.5 + legend / 2 / height
    rows = {target: 1 - (0.05 + small / 2 + row * (small + caption)) / height for row, target in enumerate(targets)}
    if len(targets) == 1:
        rows = dict.fromkeys(targets, center)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        for column, stage in enumerate(STAGE_COLORS):
            x, wide, tall = starts[column] / width, widths[column] / width, heights[column] / height
            for target, middle in (rows if column >= SHARED_STAGES else {"": center}).items():
                draw(figure.add_axes((x, middle - tall / 2, wide, tall)), stage, target)
                if column:
                    begin = (starts[column - 1] + widths[column - 1]) / width
                    draw_arrow(figure, begin, center if column <= SHARED_STAGES else middle, x, middle, small / 3)
    return figure


def procedure(run: Run) -> Figure:
    """Draws the paths taken at each stage of a run, from the demonstrations to every aligned agent."""

    def draw(axes: Axes, name: str, target: str) -> None:
        stage = run.stage(f"{target}_{name}" if target else name)
        draw_map(axes, mark=12 if target else 22)
        place = {"transform": axes.transAxes, "ha": "center"}
        if stage.paths is not None:
            draw_paths(axes, stage.paths.split(), STAGE_COLORS[name], width=0.9 if target else 1.2)
        else:
            axes.text(0.5, 0.5, "not in\nthis run", color=MUTED, **place)
        axes.text(0.5, -0.02, stage.title, va="top", fontweight="bold", fontsize=9, **place)

    return lay_out(run.targets, 3.1, draw)
