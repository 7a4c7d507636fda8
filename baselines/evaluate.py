"""Evaluation: an agent plays episodes, and how often it reaches each pad is counted.

python -m baselines.evaluate runs/quick/left/aligned --episodes 1000 --seed 1
python -m baselines.evaluate runs/quick/left/aligned --probe forced_miss
python -m baselines.evaluate human --probe pushes
"""

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from scipy.special import stdtrit  # scipy.stats takes a second to import

from agents.outcomes import on_levels, outcome_misfit, paths, summarize, table, wilson_interval
from agents.probes import Probed, recovery, recovery_line
from agents.targets import Target
from agents.workers import open_workers
from agents.worlds import Elsewhere, WorldConfig
from baselines import artifact
from baselines.models.cast import Agent, play_agent
from baselines.models.playing import make_actor
from baselines.models.precision import use_device
from baselines.preferences.labels import load_label, measure, names_of
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Trajectory
from jumppad_env.files import check_file, read_json, write_atomically
from jumppad_env.machine.cores import count_cores
from jumppad_env.streams import integer_seed

OUTCOMES = "outcomes.json"
PATHS = "paths.npz"
BEHAVIOR = ("camera", "stick", "speed")
"""Labels that every evaluation reports beside the pads."""
MOST_WAYS = 12
"""Ways over levels that are printed."""
DETAILS = {
    "camera": "minus the camera's mean speed, rad/s",
    "stick": "minus the left stick's mean movement per step",
    "speed": "mean speed, m/s",
}


@dataclass(frozen=True)
class EvaluateConfig(Elsewhere):
    """How an agent is evaluated."""

    episodes: int = 500
    """Number of episodes."""
    temperature: float = 1.0
    """Sampling temperature: divides the logits."""
    probe: Literal["none", "forced_miss", "odd_start", "pushes"] = "none"
    """Disturbance of the agent: none; or, in episodes that may last 6 s longer, a forced miss of its first pad, a start
    anywhere on the track and facing anywhere, or three pushes."""

    paired: bool = False
    """Whether all agents play the same episodes; otherwise they differ between agents whose directories have different
    names."""

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")


def play_episodes(
    config: EvaluateConfig, agent: str | Path, seed: int, cluster: str | None = None, target: Target | None = None
) -> tuple[list[Trajectory], dict[str, Any]]:
    """Plays the episodes of an evaluation.

    Args:
        config: How the agent is evaluated.
        agent: Directory of a policy, or name of a scripted population.
        seed: Seed for the episodes.
        cluster: Address of a Ray cluster that plays instead.
        target: The agent's own, for the measurements of a probe.

    Returns:
        The episodes, without frames; the measurements of a probe (`agents.probes.recovery`), empty without one.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
    """
    label = f"evaluate {Path(agent).name}"
    seeds = [integer_seed(seed, "evaluate" if config.paired else label, index) for index in range(config.episodes)]
    played = play_seeds(config, agent, seeds, label, cluster)
    found = {} if config.probe == "none" else recovery(config.probe, played, target)
    return [episode.trajectory for episode in played], found


def play_seeds(
    config: EvaluateConfig,
    agent: str | Path,
    seeds: Sequence[int],
    label: str,
    cluster: str | None = None,
    world: WorldConfig | None = None,
) -> list[Probed]:
    """Plays one episode per seed, without frames, under the probe of the configuration.

    Args:
        config: How the agent is evaluated; `episodes` is not read.
        agent: Directory of a policy, or name of a scripted population.
        seeds: Seeds of the episodes.
        label: Text of the progress bar.
        cluster: Address of a Ray cluster that plays instead.
        world: Where a scripted population plays; by default on the classic island.

    Returns:
        The episodes; all of them count where there is no probe.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: The policy is damaged.
    """
    probe = None if config.probe == "none" else config.probe
    cast = Agent(str(agent), config.temperature, probe, world, levels=config.levels, color_tie=config.color_tie)
    with open_workers(count_cores(), cluster, jobs=1) as workers:
        played = list(play_agent(cast, seeds, workers, label))
    return [Probed(trajectory, True) for trajectory in played] if config.probe == "none" else played


def behavior(trajectories: Sequence[Trajectory], labels: Sequence[str], target: Target | None) -> dict[str, np.ndarray]:
    """Returns the values (E,) of episodes by labels of preferences, by name.

    Args:
        trajectories: The episodes.
        labels: Names of labels; see `baselines.preferences.labels.load_label`. One of several parts gives each of them.
        target: What counts as the agent's own.

    Raises:
        ValueError: There is no such label, or a value is not a finite number.
    """
    found = {}
    for label in dict.fromkeys(labels):
        own = load_label(label)
        columns = measure(trajectories, own, target)
        parts = names_of(own, columns.shape[1])
        for part, values in zip(parts, columns.T, strict=True):
            found[label if len(parts) == 1 else f"{label} {part}"] = values
    return found


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Returns the mean of values (E,) and its 95% interval (Student's t), of no width for a single value."""
    half = 0.0
    if len(values) > 1:
        half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / math.sqrt(len(values)))
    mean = float(values.mean())
    return mean, mean - half, mean + half


def outcome_object(trajectories: Sequence[Trajectory], found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the outcome object of episodes, with the measurements of a probe."""
    counted = summarize([t.place for t in trajectories], [len(t) for t in trajectories])
    return {**counted, **on_levels(trajectories), **found}


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
    packed = io.BytesIO()
    np.savez_compressed(packed, **paths(trajectories))  # pyright: ignore[reportArgumentType]
    write_atomically(directory / PATHS, packed.getvalue())
    write_atomically(directory / OUTCOMES, json.dumps(outcome, indent=2).encode())
    return outcome


def load_outcome(evaluation: Path) -> dict[str, Any]:
    """Returns the outcome object of an evaluation.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is damaged, or impossible.
    """
    remedy = f"delete {evaluation} and run the stage that makes it again"
    outcome = read_json(evaluation / OUTCOMES, remedy)
    if wrong := outcome_misfit(outcome):
        raise ValueError(f"{evaluation / OUTCOMES} is damaged ({wrong}); {remedy}")
    check_file(evaluation / OUTCOMES, remedy)
    return outcome


def evaluate(config: EvaluateConfig, agent: Path, out: Path, seed: int) -> None:
    """Evaluates an agent and saves outcomes and paths as an artifact."""
    with artifact.begin(out, kind="evaluation", config=config, seed=seed, inputs={"agent": agent}) as work:
        if not work.finished:
            trajectories, found = play_episodes(config, agent, seed)
            work.metrics.update(save_evaluation(trajectories, work.directory, found))


def target_of(agent: str) -> Target | None:
    """Returns what an agent was aligned to, None if it has no target or is a scripted population."""
    if not artifact.is_finished(Path(agent)):
        return None
    target = artifact.load_manifest(Path(agent), "policy")["config"].get("target")
    return None if target is None else Target.parse(target)


def print_evaluation(
    agent: Annotated[str, tyro.conf.Positional],
    config: Annotated[EvaluateConfig, tyro.conf.arg(name="")],
    seed: int = 0,
    labels: tuple[str, ...] = (),
    target: str | None = None,
    device: str = "auto",
    cluster: str | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Count how often an agent reaches each pad, optionally under a disturbance (`--probe`), and measure its behavior.

    Args:
        agent: Directory of a policy, or a scripted population: "human", "curated", or one mode such as "direct_left".
        config: How the agent is evaluated.
        seed: Seed for the episodes.
        labels: Labels of your own to measure, as module:name, beside camera, stick and speed.
        target: What counts as the agent's own, such as left, red or left,right; by default what it was aligned to.
        device: Where the agent runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
        cluster: Ray cluster that plays instead: auto, HOST:PORT or ray://HOST:PORT.
        as_json: Print a JSON object instead of a table.
    """
    use_device(device)
    own = Target.parse(target) if target else target_of(agent)
    if own is not None:  # before the episodes: what is damaged or does not fit is refused at once
        own.check(make_actor(agent, 1)[2].settings)
    for label in labels:
        load_label(label)
    trajectories, found = play_episodes(config, agent, seed, cluster, own)
    outcome = outcome_object(trajectories, found)
    if own is not None and not found:
        reached = sum(map(own.reached, trajectories))
        share = {"share": reached / len(trajectories), "ci95": wilson_interval(reached, len(trajectories))}
        outcome["at_target"] = {"target": str(own), **share}
    measured = {
        name: mean_interval(values) for name, values in behavior(trajectories, (*BEHAVIOR, *labels), own).items()
    }
    if as_json:
        said = {name: {"mean": mean, "ci95": [low, high]} for name, (mean, low, high) in measured.items()}
        print(json.dumps({**outcome, "labels": said}))
        return
    disturbed = "probe" in outcome
    print(table({f"{agent} (disturbed)" if disturbed else agent: outcome}))
    if "at_target" in outcome and "by_color" in outcome:
        low, high = outcome["at_target"]["ci95"]
        print(f"target {own}: {100 * outcome['at_target']['share']:.1f}% [{100 * low:.1f}, {100 * high:.1f}]")
    for what in ("by_color", "by_way") if "by_color" in outcome else ():
        shown = list(outcome[what].items())[:MOST_WAYS]
        print(f"{what.replace('_', ' ')}: " + "; ".join(f"{name} {100 * share:.1f}%" for name, share in shown))
    if disturbed:
        print(recovery_line(outcome))
    width = max(map(len, measured))
    for name, (mean, low, high) in measured.items():
        print(f"{name:{width}s} {mean:8.3f} [{low:.3f}, {high:.3f}]  {DETAILS.get(name, '')}".rstrip())


if __name__ == "__main__":
    with command_line():
        tyro.cli(print_evaluation, prog="python -m baselines.evaluate")
