"""Maps of where the agent goes at each stage of the procedure, joined by arrows."""

from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as MplPath

from agents.figures.island_map import draw_map, draw_paths, load_map
from agents.figures.palette import OUTCOME_COLORS, PAD_COLORS
from agents.figures.style import INK, MUTED, STYLE
from baselines.report.palette import STAGE_COLORS
from baselines.report.run_directory import Run

SHARED_STAGES = 3
"""Number of stages, from the first, that all targets have in common."""


END_COLORS = (*PAD_COLORS.values(), OUTCOME_COLORS["none"])
"""Of paths on levels, by the color of the pad that they end at; the last one of none."""


def _bounds(run: Run) -> tuple[float, float, float, float]:
    """Returns left, right, bottom and top of all paths of a run, m."""
    xy = np.concatenate([np.zeros((1, 2)), *(stage.paths.xy for stage in run.stages if stage.paths is not None)])
    (left, bottom), (right, top) = xy.min(axis=0) - 1.0, xy.max(axis=0) + 1.0
    return float(left), float(right), float(bottom), float(top)


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
    targets: Sequence[str],
    small: float,
    draw: Callable[[Axes, str, str], None],
    legend: float = 0.0,
    bounds: tuple[float, float, float, float] | None = None,
) -> Figure:
    """Draws the stages from left to right: one large map for each shared stage, then a row of small maps per target.

    One target alone has large maps too.

    Args:
        targets: one row each, from the top.
        small: height of a small map, inches; all other sizes are proportional to it.
        draw: draws the map of a stage and target into axes; the target of a shared stage is "".
        legend: space to leave below the large maps, inches.
        bounds: left, right, bottom and top of the maps, m; by default the classic island's.

    Source: the paper's heat map; it shows the base, fine-tuned and aligned agents.
    """
    left, right, bottom, top = bounds or load_map().bounds
    large, gap, branching, caption = 1.6 * small, 0.15 * small, 0.24 * small, 0.17 * small
    alone = len(targets) == 1
    heights = [large if alone or column < SHARED_STAGES else small for column in range(len(STAGE_COLORS))]
    widths = [height * (right - left) / (top - bottom) for height in heights]
    gaps = [branching if column == SHARED_STAGES else gap for column in range(1, len(STAGE_COLORS))]
    starts = 0.05 + np.cumsum([0.0, *(wide + gap for wide, gap in zip(widths, gaps, strict=False))])
    width = float(starts[-1] + widths[-1] + 0.05)
    if alone:
        height = large + 2 * caption + 0.1 + legend
        center = 1 - (0.05 + large / 2) / height
    else:
        height = max(2, len(targets)) * (small + caption) + 0.1
        center = 0.5 + legend / 2 / height
    rows = {target: 1 - (0.05 + small / 2 + row * (small + caption)) / height for row, target in enumerate(targets)}
    if alone:
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
    bounds = _bounds(run) if run.on_levels else None

    def draw(axes: Axes, name: str, target: str) -> None:
        stage = run.stage(f"{target}_{name}" if target else name)
        if bounds is None:
            draw_map(axes, mark=12 if target else 22)
        else:  # every episode has another map
            axes.set(xlim=bounds[:2], ylim=bounds[2:], aspect="equal")
            axes.set_axis_off()
        place = {"transform": axes.transAxes, "ha": "center"}
        if stage.paths is not None:
            ends = stage.paths.colors
            color = STAGE_COLORS[name] if ends is None else [END_COLORS[end] for end in ends.tolist()]
            draw_paths(axes, stage.paths.split(), color, width=0.9 if target else 1.2)
        else:
            axes.text(0.5, 0.5, "not in\nthis run", color=MUTED, **place)
        axes.text(0.5, -0.02, stage.caption, va="top", fontweight="bold", fontsize=9, **place)

    return lay_out(run.targets, 3.1, draw, bounds=bounds)
