"""Evaluation: an agent plays episodes, and how often it reaches each pad is counted.

python -m baselines.evaluate runs/quick/left/aligned --episodes 1000 --seed 1
python -m baselines.evaluate runs/quick/left/aligned --probe forced_miss
python -m baselines.evaluate human --probe pushes
"""

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
    """Sampling temperature: divides the logits."""
    probe: Literal["none", "forced_miss", "odd_start", "pushes"] = "none"
    """Disturbance of the agent: none, in episodes of 10 s; or, in episodes of 16 s, a forced miss of its first pad, a
    start anywhere on the track and facing anywhere, or three pushes."""

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")


def play_episodes(config: EvaluateConfig, agent: str | Path, seed: int) -> tuple[list[Trajectory], dict[str, Any]]:
    """Plays the episodes of an evaluation.

    Args:
        config: How the agent is evaluated.
        agent: Directory of a policy, or name of a scripted population.
        seed: Seed for the episodes.

    Returns:
        The episodes, without frames; the measurements of a probe (`agents.probes.recovery`), empty without one.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
    """
    label = f"evaluate {Path(agent).name}"
    seeds = [integer_seed(seed, label, index) for index in range(config.episodes)]
    if config.probe == "none":
        return list(play(agent, seeds, label, temperature=config.temperature, keep_frames=False)), {}
    with seats(agent, config.episodes, config.temperature, max_episode_steps=PROBE_STEPS) as (envs, actor):
        played = list(progress(play_probe(config.probe, envs, actor, seeds), config.episodes, label))
    return [episode.trajectory for episode in played], recovery(config.probe, played)


def outcome_object(trajectories: Sequence[Trajectory], found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the outcome object of episodes, with the measurements of a probe."""
    return {**summarize([t.pad for t in trajectories], [len(t) for t in trajectories]), **found}


def save_evaluation(
    trajectories: Sequence[Trajectory], directory: Path, found: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Writes outcomes and paths of episodes into a directory and returns the outcome object.

    Args:
        trajectories: The episodes.
        directory: An existing directory.
        found: Measurements of a probe, which join the outcome object.
    """
    outcome = outcome_object(trajectories, found)
    np.savez_compressed(directory / PATHS, **paths(trajectories))  # pyright: ignore[reportArgumentType]
    write_atomically(directory / OUTCOMES, json.dumps(outcome, indent=2).encode())
    return outcome


def load_outcome(evaluation: Path) -> dict[str, Any]:
    """Returns the outcome object of an evaluation.

    Raises:
        ValueError: It is damaged.
    """
    return artifact.read_json(evaluation / OUTCOMES)


def evaluate(config: EvaluateConfig, agent: Path, out: Path, seed: int) -> None:
    """Evaluates an agent and saves outcomes and paths as an artifact."""
    with artifact.begin(out, kind="evaluation", config=config, seed=seed, inputs={"agent": agent}) as work:
        if not work.finished:
            trajectories, found = play_episodes(config, agent, seed)
            work.metrics.update(save_evaluation(trajectories, work.directory, found))


def target_of(agent: str) -> str | None:
    """Returns the pad that an agent was aligned to, None if it has none or is a scripted population."""
    if not artifact.is_finished(Path(agent)):
        return None
    return artifact.load_manifest(Path(agent), "policy")["config"].get("target")


def print_evaluation(
    agent: Annotated[str, tyro.conf.Positional],
    config: Annotated[EvaluateConfig, tyro.conf.arg(name="")],
    seed: int = 0,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Count how often an agent reaches each pad, optionally under a disturbance (`--probe`).

    Args:
        agent: Directory of a policy, or a scripted population: "human", "curated", or one mode such as "direct_left".
        config: How the agent is evaluated.
        seed: Seed for the episodes.
        as_json: Print a JSON object instead of a table.
    """
    target = target_of(agent)  # before the episodes: a damaged agent is refused at once
    outcome = outcome_object(*play_episodes(config, agent, seed))
    if as_json:
        print(json.dumps(outcome))
        return
    disturbed = "probe" in outcome
    print(table({f"{agent} (disturbed)" if disturbed else agent: outcome}))
    if disturbed:
        print(recovery_line(outcome, target))


if __name__ == "__main__":
    with command_line():
        tyro.cli(print_evaluation, prog="python -m baselines.evaluate")
