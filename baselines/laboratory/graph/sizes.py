"""How much work a node is, and how much memory it takes, by the settings of its stage."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from agents.dataset import Dataset
from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.models.policy import Policy
from baselines.throughput import PEOPLE_STEPS, forward_flops, training_flops

PROCESS, NETWORKS = 550 * 2**20, 750 * 2**20
"""Bytes of a process with all its libraries that has no network, and of one that has, both with a dataset at hand."""
PER_PARAMETER = 24
"""Bytes: weights, their copy for computing, gradients, two moments."""
PER_ACTIVATION = 8
"""Bytes: a number and its gradient."""
AWAY = 1.3
"""How much more an episode under a probe takes: it goes on for 16 s instead of 10."""
SCORED = 0.2
"""What an episode that is only scored takes of one that is trained on."""


class Stage(NamedTuple):
    """What is asked of a stage."""

    kind: str
    """Name of its function."""
    arguments: Mapping[str, Any]
    """Of the function, by name."""


Makers = Mapping[Path, Stage]
"""What makes each artifact."""


class Amounts(NamedTuple):
    """What a node does, in episodes; those with a network also in billions of floating-point operations."""

    collected: float = 0.0
    """By people."""
    drawn: float = 0.0
    """Anew."""
    read: float = 0.0
    played: float = 0.0
    """By an agent."""
    acting: float = 0.0
    """Operations of playing."""
    trained: float = 0.0
    """Forward and backward; those that are only scored count as `SCORED`."""
    training: float = 0.0
    """Operations of training and of scoring."""


def amounts(stage: Stage, makers: Makers) -> Amounts:
    """Returns how much work a stage is; nothing of one that is not known and trains nothing."""
    arguments = stage.arguments
    config: Any = arguments.get("config")
    match stage.kind:
        case "collect":
            return Amounts(collected=config.episodes)
        case "redraw":
            return Amounts(drawn=episodes_of(arguments["directory"], makers))
        case "merge":
            return Amounts(read=sum(episodes_of(part, makers) for part in arguments["directories"]))
        case "count_outcomes":
            return Amounts(read=episodes_of(arguments["directory"], makers))
        case "preferences":
            return Amounts(read=episodes_of(arguments["rollouts"], makers))
        case "rollouts":
            return _amounts(stage, makers, played=config.episodes)
        case "evaluate":
            return _amounts(stage, makers, played=config.episodes * (1 if config.probe == "none" else AWAY))
    if not hasattr(config, "optimizer"):
        return Amounts()
    updates, played, scored = config.optimizer.updates, 0, 0
    if stage.kind == "align":  # the reward model and the agent that it starts from score what is played
        played = updates * config.episodes
        scored = (3 if config.overlap else 2) * played  # and the agent that played them, if it is an update old
    elif "rollouts" in arguments:  # the held-out pairs of them, or all to choose the best from
        scored = episodes_of(arguments["rollouts"], makers)
    trained = updates * config.optimizer.accumulate * batch_of(stage)
    return _amounts(stage, makers, played, trained + SCORED * scored)


def _amounts(stage: Stage, makers: Makers, played: float, trained: float = 0.0) -> Amounts:
    network = network_of(stage, makers)
    assert network is not None, stage.kind
    acting, training = (f(network, PEOPLE_STEPS) * PEOPLE_STEPS / 1e9 for f in (forward_flops, training_flops))
    return Amounts(played=played, acting=played * acting, trained=trained, training=trained * training)


def memory(stage: Stage, makers: Makers) -> int:
    """Returns the bytes of RAM that a stage takes."""
    if (network := network_of(stage, makers)) is None:
        return PROCESS
    numbers = batch_of(stage) * PEOPLE_STEPS * _activations(network)
    return NETWORKS + PER_PARAMETER * _parameters(network) + PER_ACTIVATION * numbers


def batch_of(stage: Stage) -> int:
    """Returns how many episodes an update learns from, 0 if nothing learns."""
    arguments = stage.arguments
    config: Any = arguments.get("config")
    match stage.kind:
        case "reward":
            return 2 * config.batch_comparisons
        case "align":
            return config.episodes + (config.imitation_episodes if arguments["demonstrations"] else 0)
        case _:
            return getattr(config, "batch_episodes", 0) + (config.mixed_episodes if arguments.get("mixed") else 0)


def episodes_of(dataset: Path, makers: Makers) -> int:
    """Returns how many episodes a dataset has, or will have."""
    if dataset not in makers:
        return len(Dataset(dataset))
    arguments = makers[dataset].arguments
    if "directories" in arguments:
        return sum(episodes_of(part, makers) for part in arguments["directories"])
    return episodes_of(arguments["directory"], makers) if "directory" in arguments else arguments["config"].episodes


def network_of(stage: Stage, makers: Makers) -> NetworkConfig | None:
    """Returns the network that a stage trains or plays, None if it has none."""
    if stage.kind == "pretrain":
        return stage.arguments["config"].network
    agent = stage.arguments.get("agent", stage.arguments.get("base"))
    if agent is None:
        return None
    return network_of(makers[agent], makers) if agent in makers else Policy.from_pretrained(agent).config


@functools.cache
def _parameters(config: NetworkConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in GamepadTransformer(config).parameters())


def _activations(config: NetworkConfig) -> int:
    """Returns how many numbers of a frame are kept for the backward pass: maps, and 16 of a block's width."""
    (height, width), side, numbers = config.image_size, config.patch, 16 * config.layers * config.width
    for channels in config.channels:
        height, width, side = height // side, width // side, 2
        numbers += height * width * channels
    return numbers
