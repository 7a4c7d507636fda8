"""Maps of levels from above: floors, walls, pads in their colors, routes, jumps, moving blocks and decoys."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from agents.figures.island_map import draw_map
from agents.figures.level_map import load_level_map
from agents.figures.style import INK, MUTED, STYLE
from jumppad_env.levels import Level, LevelSettings, make_level

ROWS = (
    ("easy", LevelSettings("easy"), range(6)),
    ("hard", LevelSettings("hard"), (0, 1, 3, 11, 12, 16)),
    ("hard, five pads", LevelSettings("hard", pads=5), range(6)),
)
"""Title, settings and numbers of the levels of each row."""


def draw_level(axes: Axes, level: Level) -> None:
    """Draws the map of a level, with routes and jumps."""
    draw_map(axes, 2.0, load_level_map(level))
    for island in level.islands:
        way = [island.ways[name] for name in ("stairs", "neck_in", "neck_out")]
        for lane, pad, jumps in zip(island.lanes, island.pads, island.jumps, strict=True):
            axes.plot(*np.array([*way, *lane, pad])[:, :2].T, color=MUTED, linewidth=0.6, zorder=3)
            axes.scatter(*jumps[:, :2].T, s=9.0, c=INK, marker="^", linewidths=0, zorder=4)


def draw_maps(path: Path) -> None:
    """Writes a sheet of maps."""
    columns = max(len(numbers) for *_, numbers in ROWS)
    levels = [[make_level(number, settings) for number in numbers] for _, settings, numbers in ROWS]
    bounds = np.array([load_level_map(level).bounds for row in levels for level in row])
    (left, _, bottom, _), (_, right, _, top) = bounds.min(axis=0), bounds.max(axis=0)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 4.8), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.0, hspace=0.02)  # pyright: ignore
        cells = figure.subplots(len(ROWS), columns)
        for row, (title, *_), shown in zip(cells, ROWS, levels, strict=True):
            for axes, level in zip(row, shown, strict=True):
                draw_level(axes, level)
                axes.set(xlim=(left, right), ylim=(bottom, top))
                axes.set_title(f"{title}, {level.number}", fontsize=7, fontweight="normal", pad=1)
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=190, facecolor="white", transparent=False)
    Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
