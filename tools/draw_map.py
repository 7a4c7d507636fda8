"""Draws docs/map.png: the island from above, from the MJCF, with axes in meters.

python tools/draw_map.py
"""

from pathlib import Path

from agents.figures.island_map import draw_map, load_map
from agents.figures.style import INK, MUTED, figure_of, styled_axes
from jumppad_env.island import load_island
from jumppad_env.rules import PADS

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Draws the map."""
    island = load_island()
    with styled_axes(3.6, 6.6) as axes:
        draw_map(axes)
        axes.set_axis_on()
        axes.grid(visible=True, linewidth=0.5)
        axes.set_axisbelow(False)
        axes.set(xlabel="x, m", ylabel="y, m", xticks=range(-10, 11, 5), yticks=range(-5, 56, 5))
        for index, (x, y) in enumerate(load_map().spawns):
            axes.annotate(f"{index}", (x, y), (0, -7), textcoords="offset points", ha="center", va="top", color=INK)
        for name, pad, landing in zip(PADS, island.pads, island.landings, strict=True):
            axes.annotate(name, pad[:2], (0, -13), textcoords="offset points", ha="center", va="top", color=INK)
            way = (landing - pad)[:2]
            tip = pad[:2] + way * (5.0 / float((way**2).sum() ** 0.5))
            axes.annotate("", tip, pad[:2], arrowprops={"arrowstyle": "->", "color": MUTED})
        figure = figure_of(axes)
        figure.savefig(ROOT / "docs" / "map.png", dpi=130, facecolor="white", transparent=False)


if __name__ == "__main__":
    main()
