"""The one picture of the whole procedure: how many episodes passed where, stage by stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from agents.figures.island_map import draw_map, load_map
from agents.figures.style import INK, MUTED, STYLE
from baselines.report.heat_map import draw_arrow
from baselines.report.palette import STAGE_COLORS

LARGE, SMALL = 3.85, 2.4
"""Inches: heights of the maps before and after the ways part."""
GAP, PARTING, CAPTION = 0.34, 0.55, 0.42
"""Inches: between maps, where the ways part, under a map."""
TARGETS = ("left", "right")
RAREST = 1e-3
"""Share of episodes at the light end of the colors."""


@dataclasses.dataclass(frozen=True)
class Counted:
    """The visits of one agent."""

    visits: np.ndarray
    """int (columns, rows)."""
    episodes: int


def procedure(
    counted: dict[tuple[str, str], Counted],
    titled: Callable[[str, str], str],
    extent: tuple[float, float, float, float],
    cell: float,
    seeds: str,
) -> Figure:
    """Draws which share of episodes visited each square, from people to every aligned agent.

    Args:
        counted: by stage and target; what is missing is left blank.
        titled: names a stage and target.
        extent: m, left, right, bottom and top of the squares.
        cell: m, side of a square.
        seeds: how many there are, for the caption.

    Source: the paper's heat map; it shows the base, fine-tuned and aligned agents.
    """
    left, right, bottom, top = load_map().bounds
    aspect = (right - left) / (top - bottom)
    height = 2 * (SMALL + CAPTION) + 0.1
    widths = [LARGE * aspect] * 3 + [SMALL * aspect] * 2
    starts = np.cumsum([0.05, *(w + g for w, g in zip(widths, (GAP, GAP, PARTING, GAP), strict=False))])
    width = float(starts[-1] + widths[-1] + 0.05)
    shares = [one.visits.max() / one.episodes for one in counted.values()]
    norm = LogNorm(RAREST, max(10 * RAREST, *shares), clip=True)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))

        def panel(stage: str, target: str, column: int, middle: float, tall: float) -> tuple[float, float]:
            """Adds a map; returns its left and right edges, as shares of the figure."""
            x, wide = starts[column] / width, widths[column] / width
            axes = figure.add_axes((x, middle - tall / height / 2, wide, tall / height))
            draw_map(axes, mark=16 if tall > SMALL else 8)
            one = counted.get((stage, target))
            text = f"{titled(stage, target)}\nnot measured"
            if one is not None:
                share = np.ma.masked_equal(one.visits.T / one.episodes, 0)
                axes.imshow(share, cmap=ramp(stage), norm=norm, extent=extent, origin="lower", zorder=3)
                axes.set(xlim=(left, right), ylim=(bottom, top))
                text = f"{titled(stage, target)}\n{one.episodes:,} episodes"
            _mark_pads(axes, names=tall > SMALL)
            head, _, rest = text.rpartition("\n")
            for line, (words, weight, color) in enumerate(((head, "bold", INK), (rest, "normal", MUTED))):
                axes.annotate(
                    words, (0.5, 0), (0, -3 - 11 * line), xycoords="axes fraction", textcoords="offset points",
                    ha="center", va="top", fontsize=8, fontweight=weight, color=color,
                )  # fmt: skip
            return x, x + wide

        center = 1 - (0.1 + LARGE / 2) / height
        previous = 0.0
        for column, stage in enumerate(("demonstrations", "base", "finetuned")):
            edges = panel(stage, "", column, center, LARGE)
            if column:
                draw_arrow(figure, previous, center, edges[0], center, 0.8)
            previous = edges[1]
        for row, target in enumerate(TARGETS):
            middle = 1 - (0.1 + SMALL / 2 + row * (SMALL + CAPTION)) / height
            first = panel("preference_finetuned", target, 3, middle, SMALL)
            draw_arrow(figure, previous, center, first[0], middle, 0.8)
            last = panel("aligned", target, 4, middle, SMALL)
            draw_arrow(figure, first[1], middle, last[0], middle, 0.8)
        scale = figure.add_axes((0.3 / width, 0.42 / height, (starts[2] + widths[2] - 0.5) / width, 0.4 / height))
        _draw_scale(scale, norm, f"share of episodes that visit a square of {cell:g} m x {cell:g} m; {seeds}")
        return figure


def ramp(stage: str) -> LinearSegmentedColormap:
    """Returns shades of a stage's color, from light to dark."""
    color = np.array(to_rgb(STAGE_COLORS[stage]))
    return LinearSegmentedColormap.from_list(stage, [0.35 * color + 0.65, color, 0.45 * color])


def _mark_pads(axes: Axes, *, names: bool) -> None:
    pads = load_map().layers["pad"]
    axes.add_collection(
        PolyCollection(pads, facecolors="none", edgecolors=INK, linewidths=1.2 if names else 0.9, zorder=4),
        autolim=False,
    )
    if names:
        for name, pad in zip(("left", "middle", "right"), sorted(pads, key=lambda p: p[:, 0].mean()), strict=True):
            axes.annotate(
                name, (pad[:, 0].mean(), pad[:, 1].max()), (0, 3), textcoords="offset points", ha="center",
                fontsize=6.5, color=INK, zorder=6,
                bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.75},
            )  # fmt: skip


def _draw_scale(axes: Axes, norm: LogNorm, label: str) -> None:
    """Draws what the shades mean, a strip per stage."""
    assert norm.vmin is not None and norm.vmax is not None
    edges = np.geomspace(norm.vmin, norm.vmax, 129)
    for row, stage in enumerate(reversed(STAGE_COLORS)):
        axes.pcolormesh(edges, [row, row + 1], edges[None, :-1], cmap=ramp(stage), norm=norm, rasterized=True)
    axes.set(xscale="log", yticks=[], xlim=(norm.vmin, norm.vmax), ylim=(0, len(STAGE_COLORS)))
    axes.set_xticks([tick for tick in (1e-3, 1e-2, 0.1, 1.0) if tick <= norm.vmax])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g}%"))
    axes.set_xlabel(label, fontsize=8)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
