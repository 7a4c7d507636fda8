"""Curves: draws the metrics of trainings, a panel per metric and a line per training, as a PNG.

python -m baselines.curves runs/quick --out curves.png
python -m baselines.curves runs/quick/left/aligned runs/mine/aligned --metrics reward kl --out aligned.png
"""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from agents.figures.style import STYLE
from baselines.training.loop import METRICS, read_metrics
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk, is_finished, write_atomically

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b4a9e", "#444b52")
"""Told apart with all kinds of color vision; a ninth training is drawn dashed in the first color, and so on."""
STYLES = ("-", "--", ":", "-.")
COLUMNS = 3


@dataclass(frozen=True)
class CurvesConfig:
    """Draw the metrics of trainings."""

    trainings: tyro.conf.Positional[tuple[Path, ...]]
    """Directories of trainings, or of whole runs, of which all trainings are drawn."""
    out: Path = Path("curves.png")
    """The picture; an older one is replaced."""
    metrics: tuple[str, ...] = ()
    """Names in metrics.jsonl, such as loss, reward, kl; by default all."""


def find_trainings(directories: Sequence[Path]) -> list[Path]:
    """Returns the directories that hold `metrics.jsonl`: the given ones, or those below them, in the order of time.

    Raises:
        FileNotFoundError: A directory holds no training.
    """
    found: list[Path] = []
    for directory in directories:
        files = [path for path in directory.rglob("*") if path.name == METRICS]  # also what is no file, to refuse it
        files.sort(key=lambda file: (file.lstat().st_mtime, file))
        own = [directory] if os.path.lexists(directory / METRICS) else [file.parent for file in files]
        if not own:
            raise FileNotFoundError(
                f"{directory} holds no training (no {METRICS}); give the directory of a stage or run"
            )
        found += own
    return list(dict.fromkeys(found))


def read_curves(directory: Path) -> dict[str, np.ndarray]:
    """Returns the points (N, 2) of each metric of a training: update and value.

    A last line that a running or killed training has not completed is left out.

    Raises:
        ValueError: Another line is damaged, see `baselines.training.loop.read_metrics`.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for line in read_metrics(directory, unfinished=not is_finished(directory)):
        for name, value in line.items():
            if name != "update":
                points.setdefault(name, []).append((line["update"], value))
    return {name: np.array(some, dtype=np.float64) for name, some in points.items()}


def names_of(directories: Sequence[Path]) -> list[str]:
    """Returns what tells directories apart: their paths without the folder that all are in."""
    parts = [directory.resolve().parts for directory in directories]
    common = 0
    while all(len(one) > common + 1 for one in parts) and len({one[common] for one in parts}) == 1:
        common += 1
    return ["/".join(one[common:]) for one in parts]


def draw_curves(curves: dict[str, dict[str, np.ndarray]], metrics: Sequence[str]) -> Figure:
    """Draws a panel per metric.

    Args:
        curves: For each training's name, the points (N, 2) of its metrics.
        metrics: Metrics to draw.
    """
    columns = min(COLUMNS, len(metrics))
    rows = -(-len(metrics) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.3 * columns, 2.3 * rows + 0.22 * len(curves) + 0.1), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, metric in zip(grid.flat, metrics, strict=False):
            _draw_metric(axes, curves, metric)
        for axes in list(grid.flat)[len(metrics) :]:
            axes.set_axis_off()
        lines = [Line2D([], [], color=COLORS[i % len(COLORS)], linestyle=_style(i)) for i in range(len(curves))]
        figure.legend(lines, list(map(_plain, curves)), loc="outside upper left", ncols=1)
    return figure


def _plain(text: str) -> str:
    """Returns text that Matplotlib draws as it stands: no formulas, nothing that is no Unicode."""
    return text.encode(errors="backslashreplace").decode().replace("$", r"\$")


def _style(index: int) -> Any:
    return STYLES[index // len(COLORS) % len(STYLES)]


def _draw_metric(axes: Axes, curves: dict[str, dict[str, np.ndarray]], metric: str) -> None:
    for index, found in enumerate(curves.values()):
        if (points := found.get(metric)) is None:
            continue
        color = COLORS[index % len(COLORS)]
        axes.plot(*points.T, color=color, linewidth=0.6, alpha=0.3, linestyle=_style(index))
        axes.plot(points[:, 0], smooth(points[:, 1]), color=color, linewidth=1.6, linestyle=_style(index))
    axes.set(title=_plain(metric.replace("_", " ")), xlabel="update")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def smooth(values: np.ndarray) -> np.ndarray:
    """Returns the running mean (N,) of values (N,) over about a twentieth of them, shorter at the ends."""
    reach = len(values) // 40
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - reach, 0)
    last = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def write_curves(config: CurvesConfig) -> tuple[int, int]:
    """Draws the curves of trainings into a file.

    Returns:
        Number of metrics and of trainings.

    Raises:
        FileNotFoundError: A directory holds no training.
        ValueError: A file is damaged, a metric is unknown, or the picture's name has no or another ending.
        OSError: The picture cannot be written.
    """
    if not config.trainings:
        raise ValueError("no training is given; give the directory of a stage or of a run")
    if config.out.suffix.lower() != ".png":
        raise ValueError(f"{config.out} must end in .png")
    directories = find_trainings(config.trainings)
    curves = dict(zip(names_of(directories), map(read_curves, directories), strict=True))
    known = list(dict.fromkeys(metric for found in curves.values() for metric in found))
    if unknown := [metric for metric in config.metrics if metric not in known]:
        raise ValueError(f"metrics {', '.join(unknown)} are in none of these trainings; there are {', '.join(known)}")
    metrics = list(config.metrics) or known
    if not metrics:
        raise ValueError(f"{directories[0] / METRICS} is still empty; wait for the first update")
    with explain_full_disk(config.out):
        picture = io.BytesIO()
        draw_curves(curves, metrics).savefig(picture, format="png", dpi=STYLE["savefig.dpi"], facecolor="white")
        write_atomically(config.out, picture.getvalue())
    return len(metrics), len(curves)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    with command_line():
        config = tyro.cli(CurvesConfig, prog="python -m baselines.curves", args=arguments, description=__doc__)
        metrics, trainings = write_curves(config)
        print(f"{config.out}: {metrics} metrics of {trainings} trainings")
