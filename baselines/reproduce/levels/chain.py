"""The procedure on two islands in a row, aligned to the left pad of the first and the right one of the second."""

from __future__ import annotations

from baselines.laboratory import Bound, Claim, Experiment, Measuring
from baselines.reproduce.levels.ends import TRAINING, UNSEEN
from baselines.reproduce.levels.procedure import SUCCESS, draw, line_of, measure_target, table
from baselines.stages import Stages


def measure(stages: Stages) -> Measuring:
    """Evaluates the agents of all stages."""
    return measure_target(stages, "left,right")


EXPERIMENT = Experiment(
    title="Alignment on two islands in a row",
    question="Can an agent be aligned to go left on the first island and then right on the second, by comparisons of "
    "whole episodes?",
    paper="",
    measure=measure,
    draw=draw,
    table=table,
    presets=("chain",),
    remark="Distances are total variation over the places taken on both islands.",
    claims=(
        Claim(
            "The aligned agent goes left and then right in 90% of episodes",
            "us",
            Bound(line_of("aligned", TRAINING), SUCCESS, least=0.9),
        ),
        Claim(
            "It does so on unseen levels",
            "us",
            Bound(line_of("aligned", UNSEEN), SUCCESS, least=0.9),
        ),
    ),
)
