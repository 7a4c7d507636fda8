"""Bar charts and curves of a run, drawn with Matplotlib."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from agents.figures.outcome_bars import draw_outcome_bars
from agents.figures.palette import target_colors
from agents.figures.style import MUTED, figure_of, styled_axes
from baselines.report.paper import REWARD_ACCURACY, paper_shares
from baselines.report.run_directory import Run, Stage, said


def outcome_bars(stage: Stage) -> Figure:
    """Draws the outcomes of a stage with 95% intervals, next to the paper's where available.

    Args:
        stage: must have an outcome.
    """
    assert stage.outcome is not None
    with styled_axes(3.0, 2.3) as axes:
        draw_outcome_bars(axes, stage.outcome, paper_shares(stage.kind, stage.target))
        axes.set_title(stage.caption)
        return figure_of(axes)


def alignment_curves(run: Run) -> Figure:
    """Draws the share of episodes at the target by training episodes, with the evaluations before and after."""
    with styled_axes(5.4, 3.1) as axes:
        for target, color in target_colors(run.targets).items():
            aligned = run.stage(f"{target}_aligned")
            points = [
                (line["episodes"], line["success"])
                for line in aligned.metrics
                if {"episodes", "success"} <= line.keys()
            ]
            if points:
                episodes, success = np.array(points).T
                axes.plot(episodes, success, color=color, linewidth=0.8, alpha=0.35)
                axes.plot(episodes, _smooth(success), color=color, linewidth=2, label=f"aligning to {said(target)}")
                ends = [(0.0, run.stage(f"{target}_preference_finetuned")), (episodes[-1], aligned)]
                for x, stage in ends:
                    if stage.share_at_target is not None and stage.interval_at_target is not None:
                        axes.vlines(x, *stage.interval_at_target, colors=color, linewidth=1.6)
                        axes.plot(x, stage.share_at_target, "o", color=color, markersize=5, clip_on=False, zorder=4)
        axes.set(ylim=(0, 1.03), xlabel="training episodes", ylabel="episodes at the target")
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        if axes.lines:
            axes.legend(loc="lower right")
        return figure_of(axes)


def reward_accuracy(run: Run) -> Figure:
    """Draws the reward models' accuracy on held-out comparisons with the paper's curves."""
    with styled_axes(5.4, 3.1) as axes:
        for (label, curve), line in zip(REWARD_ACCURACY.items(), ("-", ":"), strict=True):
            axes.plot(list(curve), list(curve.values()), line, color=MUTED, marker=".", linewidth=1.2, label=label)
        colors = target_colors(run.targets)
        for target, result in run.reward_models.items():
            if result.accuracy is not None and result.comparisons:
                label = f"ours, {said(target)}: {100 * result.accuracy:.1f}%"
                axes.plot(result.comparisons, result.accuracy, "o", color=colors[target], markersize=8, label=label)
        axes.set(xscale="log", ylim=(0.2, 1.03), xlabel="training comparisons", ylabel="held-out accuracy")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.45))
        return figure_of(axes)


def curve(lines: Sequence[tuple[str, str, list[dict[str, float]]]], metric: str, title: str) -> Figure | None:
    """Draws a metric by update for one or more trainings; returns None if none logged it.

    Args:
        lines: label, color and lines of `metrics.jsonl` of each training.
        metric: its key in those lines.
        title: title of the panel.
    """
    found = [
        (label, color, np.array([(m["update"], m[metric]) for m in metrics if metric in m]))
        for label, color, metrics in lines
    ]
    found = [(label, color, points) for label, color, points in found if len(points)]
    if not found:
        return None
    with styled_axes(3.0, 2.1) as axes:
        for label, color, points in found:
            axes.plot(*points.T, color=color, linewidth=0.7, alpha=0.3)
            axes.plot(points[:, 0], _smooth(points[:, 1]), color=color, linewidth=1.8, label=label)
        axes.set(title=title, xlabel="update")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.margins(x=0.01)
        if len(found) > 1:
            axes.legend(fontsize=8)
        return figure_of(axes)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Returns the running mean over about a twentieth of the curve, shorter at its ends."""
    reach = max(1, len(values) // 40)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - reach, 0)
    last = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)
