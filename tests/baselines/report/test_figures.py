from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from agents.figures.palette import OUTCOME_COLORS
from agents.outcomes import NAMES, summarize
from baselines.report.figures import curve, outcome_bars
from baselines.report.run_directory import Stage


def axes_of(figure) -> Any:
    """The only axes of a figure."""
    (axes,) = figure.axes
    return axes


def make_stage(outcome, kind="base", target=None):
    return Stage("stage", kind, target, outcome, None, None, None, [], None)


def test_bars_are_as_high_as_the_shares_and_whiskers_as_long_as_the_intervals():
    outcome = summarize([-1] * 4 + [0] * 3 + [1] * 2 + [2], [50] * 10)
    axes = axes_of(outcome_bars(make_stage(outcome, "demonstrations")))
    assert [patch.get_height() for patch in axes.patches] == pytest.approx([0.4, 0.3, 0.2, 0.1])
    whiskers = [lines.get_paths()[0].vertices[:, 1] for lines in axes.collections]
    assert np.array(whiskers) == pytest.approx(np.array([outcome["ci95"][name] for name in NAMES]))
    assert [patch.get_facecolor()[:3] for patch in axes.patches] == [to_rgb(OUTCOME_COLORS[name]) for name in NAMES]


def test_the_paper_stands_beside_the_same_agent():
    outcome = summarize([2] * 10, [50] * 10)
    axes = axes_of(outcome_bars(make_stage(outcome, "aligned", "right")))
    heights = [patch.get_height() for patch in axes.patches]
    assert {0.998, 1.0} <= set(heights) and len(heights) == 3 * len(NAMES)


def test_a_metric_that_nobody_logged_gives_no_figure():
    lines = [{"update": 0.0, "loss": 2.0}, {"update": 1.0, "loss": 1.0}]
    assert curve([("a", "#000000", lines)], "kl", "KL") is None
    figure = curve([("a", "#000000", lines), ("b", "#ffffff", [])], "loss", "Loss")
    assert figure is not None and figure.axes[0].lines[0].get_ydata() == pytest.approx([2.0, 1.0])
