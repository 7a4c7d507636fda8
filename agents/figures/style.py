"""The style of figures, and their conversion to SVG for a page."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agents.figures.island_map import MAP_COLORS

INK, MUTED, GRID = "#1c2126", "#69737d", "#e3e7eb"
CSS_COLORS = {INK: "--ink", MUTED: "--muted", GRID: "--grid"} | {
    color: f"--map-{layer.replace(' ', '-')}" for layer, color in MAP_COLORS.items()
}
"""Colors that a page overrides in dark mode, with the names of its CSS variables."""

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "jumppad",
    "savefig.transparent": True,
    "savefig.dpi": 200,
}


@contextmanager
def styled_axes(width: float, height: float) -> Iterator[Axes]:
    """Yields styled axes in a new figure of this size in inches."""
    with matplotlib.rc_context(STYLE):
        yield Figure(figsize=(width, height), layout="constrained").add_subplot()


def figure_of(axes: Axes) -> Figure:
    """Returns the figure of axes made by `styled_axes`."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    return figure


def to_svg(figure: Figure, prefix: str, label: str) -> Markup:
    """Returns a figure as an `<svg>` element for a page, in the page's font and colors.

    Args:
        figure: drawn with the colors of this file.
        prefix: prefix of all ids in the figure; unique on the page.
        label: description for screen readers; plain text.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{prefix}-", svg)
    svg = svg.replace("'DejaVu Sans'", "var(--font)")
    for color, variable in CSS_COLORS.items():
        svg = re.sub(rf"((?:fill|stroke): ){color}\b", rf"\1var({variable})", svg)
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)
    opening = Markup('<svg role="img" aria-label="{}" style="aspect-ratio: {:.3f} / {:.3f}"')
    return opening.format(label, *figure.get_size_inches()) + Markup(svg.removeprefix("<svg").rstrip())
