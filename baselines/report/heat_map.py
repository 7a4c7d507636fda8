"""The one picture of the whole procedure: where the agent goes, stage by stage."""

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as MplPath

from agents.figures.island_map import draw_map, draw_paths, load_map
from agents.figures.style import INK, MUTED, STYLE
from baselines.report.palette import STAGE_COLORS
from baselines.report.run_directory import Run, Stage


def draw_arrow(figure: Figure, x_from: float, y_from: float, x_to: float, y_to: float, size: float = 1.0) -> None:
    """Draws an arrow between two places, in shares of the figure; it bends where they lie at different heights."""
    width = figure.get_figwidth()
    head, inset = 0.13 / width, 0.05 / width  # the last bit is straight, for the head to point
    x_from, x_to = x_from + inset, x_to - inset
    bend = (x_from + x_to - head) / 2
    corners = [(x_from, y_from), (bend, y_from), (bend, y_to), (x_to - head, y_to), (x_to, y_to)]
    way = MplPath(corners, [MplPath.MOVETO, *[MplPath.CURVE4] * 3, MplPath.LINETO])
    look = {"arrowstyle": "-|>", "mutation_scale": 14 * size, "linewidth": 2.2 * size, "joinstyle": "miter"}
    figure.add_artist(FancyArrowPatch(path=way, transform=figure.transFigure, color=INK, **look))


def procedure(run: Run) -> Figure:
    """Draws where the agent went at each stage, from the demonstrations to every aligned agent.

    Source: the paper's heat map; it shows the base, fine-tuned and aligned agents.
    """
    left, right, bottom, top = load_map().bounds
    aspect = (right - left) / (top - bottom)
    branches = max(2, len(run.targets))
    small, gap, branching, title = 3.1, 0.5, 0.8, 0.5  # inches
    large = min(5.0, branches * small)
    height = branches * (small + title)
    columns = [large * aspect] * 3 + [small * aspect] * 2
    width = sum(columns) + gap * 3 + branching + 0.1
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))

        def panel(stage: Stage, column: int, middle: float, tall: float) -> tuple[float, float]:
            """Adds a map; returns its left and right edges, as shares of the figure."""
            x = (sum(columns[:column]) + column * gap + (branching - gap) * (column > 2) + 0.05) / width
            wide = columns[column] / width
            axes = figure.add_axes((x, middle - tall / height / 2, wide, tall / height))
            draw_map(axes, mark=22 if tall > small else 12)
            if stage.paths is not None:
                draw_paths(axes, stage.paths.split(), STAGE_COLORS[stage.kind], width=1.2 if tall > small else 0.9)
            else:
                axes.text(0.5, 0.5, "not in\nthis run", transform=axes.transAxes, ha="center", color=MUTED)
            axes.text(
                0.5, -0.02, stage.title, transform=axes.transAxes, ha="center", va="top", fontweight="bold", fontsize=9
            )
            return x, x + wide

        previous = 0.0
        for column, name in enumerate(("demonstrations", "base", "finetuned")):
            edges = panel(run.stage(name), column, 0.5, large)
            if column:
                draw_arrow(figure, previous, 0.5, edges[0], 0.5)
            previous = edges[1]
        for row, target in enumerate(run.targets):
            middle = 0.5 if len(run.targets) == 1 else 1 - (row + 0.5) / branches + 0.5 * title / height - 0.01
            first = panel(run.stage(f"{target}_preference_finetuned"), 3, middle, small)
            draw_arrow(figure, previous, 0.5, first[0], middle)
            last = panel(run.stage(f"{target}_aligned"), 4, middle, small)
            draw_arrow(figure, first[1], middle, last[0], middle)
        return figure
