"""All experiments, in the order of the report: the paper's figures and ablations, then what its reviewers asked for."""

from __future__ import annotations

from baselines.reproduce import (
    alignment_curves,
    base_directly,
    demonstrations_needed,
    drift,
    heat_maps,
    imitation_choices,
    imitation_gap,
    label_noise,
    learning_rates,
    outcomes,
    over_optimization,
    random_reward,
    realignment,
    recovery,
    reward_accuracy,
    reward_tuning,
    scaling,
    scratch_aligned,
    trained_weights,
)
from baselines.reproduce.experiment import Experiment

EXPERIMENTS: tuple[Experiment, ...] = (
    outcomes.EXPERIMENT,
    heat_maps.EXPERIMENT,
    imitation_gap.EXPERIMENT,
    imitation_choices.EXPERIMENT,
    reward_accuracy.EXPERIMENT,
    reward_tuning.EXPERIMENT,
    alignment_curves.EXPERIMENT,
    base_directly.EXPERIMENT,
    demonstrations_needed.EXPERIMENT,
    scratch_aligned.EXPERIMENT,
    random_reward.EXPERIMENT,
    trained_weights.EXPERIMENT,
    recovery.EXPERIMENT,
    drift.EXPERIMENT,
    over_optimization.EXPERIMENT,
    label_noise.EXPERIMENT,
    realignment.EXPERIMENT,
    scaling.EXPERIMENT,
    learning_rates.EXPERIMENT,
)
