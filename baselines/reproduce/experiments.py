"""All experiments in the order of the page: the paper's, those that its reviewers asked for, those on levels."""

from __future__ import annotations

from baselines.laboratory.experiment import Experiment
from baselines.reproduce import heat_maps, learning_rates, outcomes
from baselines.reproduce.alignment import (
    alignment_curves,
    base_directly,
    drift,
    over_optimization,
    realignment,
    recovery,
    scratch_aligned,
    trained_weights,
)
from baselines.reproduce.imitation import demonstrations_needed, imitation_choices, imitation_gap, scaling
from baselines.reproduce.levels import chain, color, generalization, horizon, meaning, memory
from baselines.reproduce.rewards import active_choice, label_noise, random_reward, reward_accuracy, reward_tuning

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
    active_choice.EXPERIMENT,
    color.EXPERIMENT,
    chain.EXPERIMENT,
    generalization.EXPERIMENT,
    meaning.EXPERIMENT,
    horizon.EXPERIMENT,
    memory.EXPERIMENT,
)
