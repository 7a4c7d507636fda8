"""Plays episodes with an agent and counts which pad it reaches.

python -m baselines.evaluate runs/quick/left/aligned --episodes 1000 --seed 1
python -m baselines.evaluate runs/quick/left/aligned --probe forced_miss
python -m baselines.evaluate human --probe pushes
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from agents.outcomes import paths, summarize, table
from agents.probes import PROBE_STEPS, play_probe, recovery, recovery_line
from baselines import artifact
from baselines.models.playing import play, progress, seats
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Trajectory
from jumppad_env.files import write_atomically
from jumppad_env.streams import integer_seed

OUTCOMES = "outcomes.json"
PATHS = "paths.npz"


@dataclass(frozen=True)
class EvaluateConfig:
    """How an agent is evaluated."""

    episodes: int = 500
    """Number of episodes."""
    temperature: float = 1.0
    """Divides the logits; 1.0 is the policy itself."""
    probe: Literal["none", "forced_miss", "odd_start", "pushes"] = "none"
    """What happens to the agent, in episodes of 16 s: nothing (and 10 s); its first run to a pad is made to miss; it
    starts anywhere on the track, facing anywhere; or it is pushed three times."""

    def __post_init__(self) -> None:
        """Refuses an evaluation of nothing."""
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")


def play_episodes(config: EvaluateConfig, agent: str | Path, seed: int) -> tuple[list[Trajectory], dict[str, Any]]:
    """Plays the episodes of an evaluation.

    Args:
        config: how.
        agent: directory of a policy, or a demonstrator's name.
        seed: of the episodes.

    Returns:
        The episodes, without frames; what a probe found (`agents.probes.recovery`), empty without one.

    Raises:
        FileNotFoundError: there is no such agent.
        ValueError: the policy is damaged.
    """
    label = f"evaluate {Path(agent).name}"
    seeds = [integer_seed(seed, label, index) for index in range(config.episodes)]
    if config.probe == "none":
        return list(play(agent, seeds, label, temperature=config.temperature, keep_frames=False)), {}
    with seats(agent, config.episodes, config.temperature, max_episode_steps=PROBE_STEPS) as (envs, actor):
        played = list(progress(play_probe(config.probe, envs, actor, seeds), config.episodes, label))
    return [episode.trajectory for episode in played], recovery(config.probe, played)


def outcome_object(trajectories: Sequence[Trajectory], found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the outcome object of episodes, with what a probe found."""
    return {**summarize([t.pad for t in trajectories], [len(t) for t in trajectories]), **found}


def save_evaluation(
    trajectories: Sequence[Trajectory], directory: Path, found: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Writes outcomes and paths into a directory and returns the outcome object.

    Args:
        trajectories: all episodes.
        directory: where to.
        found: what a probe found, which goes into the outcome object.
    """
    outcome = outcome_object(trajectories, found)
    np.savez_compressed(directory / PATHS, **paths(trajectories))  # pyright: ignore[reportArgumentType]
    write_atomically(directory / OUTCOMES, json.dumps(outcome, indent=2).encode())
    return outcome


def load_outcome(evaluation: Path) -> dict[str, Any]:
    """Returns the outcome object of an evaluation.

    Raises:
        ValueError: it is damaged.
    """
    return artifact.read_json(evaluation / OUTCOMES)


def evaluate(config: EvaluateConfig, agent: Path, out: Path, seed: int) -> None:
    """Evaluates an agent and keeps outcomes and paths as an artifact."""
    with artifact.begin(out, kind="evaluation", config=config, seed=seed, inputs={"agent": agent}) as work:
        if not work.finished:
            trajectories, found = play_episodes(config, agent, seed)
            work.metrics.update(save_evaluation(trajectories, work.directory, found))


@dataclass(frozen=True)
class Arguments(EvaluateConfig):
    """Count which pad an agent reaches, also after it was disturbed (`--probe`)."""

    agent: Annotated[str, tyro.conf.Positional] = tyro.MISSING
    """Directory of the agent, or a demonstrator: "human", "curated", or one mode such as "direct_left"."""
    seed: int = 0
    """Of the episodes."""
    json: bool = False
    """Print the outcome object instead of a table."""


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        outcome = outcome_object(*play_episodes(arguments, arguments.agent, arguments.seed))
        print(json.dumps(outcome) if arguments.json else table({arguments.agent: outcome}))
        if "probe" in outcome and not arguments.json:
            print(recovery_line(outcome))


if __name__ == "__main__":
    main()
