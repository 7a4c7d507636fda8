"""Comparison: agents and people play the same episodes, and differ from the first by so much.

    python -m baselines.compare runs/quick/left/aligned runs/quick/left/preference_finetuned --episodes 500
    python -m baselines.compare runs/quick/left/aligned runs/mine/aligned human --target left --probe forced_miss

The seeds of the episodes depend on `--seed` alone, so an agent plays the same ones under any name and beside any other.
Differences are paired by episode: of shares with the adjusted Wald interval and the exact McNemar test, of means with
Student's t.
"""

import csv
import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import tyro
from scipy import stats

from agents.outcomes import NAMES, Z_95, wilson_interval
from agents.population import POPULATIONS
from agents.probes import Probed
from agents.targets import Target
from agents.worlds import WorldConfig
from baselines.evaluate import BEHAVIOR, EvaluateConfig, behavior, mean_interval, play_seeds, target_of
from baselines.models.playing import make_actor
from baselines.models.precision import use_device
from baselines.preferences.labels import load_label
from jumppad_env.streams import integer_seed

OWN, ANY = "own pad", "any pad"
SHARES = (OWN, ANY, *NAMES)


@dataclass(frozen=True)
class Row:
    """One number of one agent, and by how much it exceeds the first agent's."""

    agent: str
    target: str | None
    """The agent's own pad."""
    measure: str
    """`own pad`, `any pad`, an outcome, or a label of preferences."""
    mean: float
    low: float
    high: float
    """Ends of the 95% interval."""
    episodes: int
    """That count: all, or those in which the probe took effect."""
    difference: float | None = None
    """From the first agent, over episodes that count for both; None for the first itself, or without such episodes."""
    difference_low: float | None = None
    difference_high: float | None = None
    pairs: int | None = None
    """Number of those episodes."""
    p: float | None = None
    """Of no difference, two-sided, not corrected for the number of rows."""


def measures(episodes: Sequence[Probed], target: Target | None, labels: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns what is compared: a value (E,) per episode, NaN where the episode does not count.

    Args:
        episodes: E episodes.
        target: What is the agent's own; None if it has none, and then nothing counts as its own.
        labels: Names of labels of preferences.
    """
    pads = np.array([episode.trajectory.place for episode in episodes])
    own = np.nan if target is None else [target.reached(episode.trajectory) for episode in episodes]
    values = {OWN: np.broadcast_to(own, len(pads)), ANY: pads >= 0} | {
        name: pads == index - 1 for index, name in enumerate(NAMES)
    }
    values |= behavior([episode.trajectory for episode in episodes], labels, target)
    counts = np.array([episode.counts for episode in episodes])
    return {name: np.where(counts, value, np.nan) for name, value in values.items()}


def share_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Returns the mean of zeros and ones (E,) and its 95% interval (Wilson)."""
    return float(values.mean()), *wilson_interval(int(values.sum()), len(values))


def paired_shares(first: np.ndarray, other: np.ndarray) -> tuple[float, float, float, float]:
    """Returns by how much a share exceeds the first, the 95% interval, and the p of no difference.

    Args:
        first: (E,) zeros and ones.
        other: (E,) of the same episodes.

    Source: Bonett and Price (2012), "Adjusted Wald confidence interval for a difference of binomial proportions based
    on paired data"; McNemar (1947), exact.
    """
    more, less, count = int((other > first).sum()), int((other < first).sum()), len(first)
    up, down = (more + 1) / (count + 2), (less + 1) / (count + 2)
    half = Z_95 * math.sqrt((up + down - (up - down) ** 2) / (count + 2))
    p = float(stats.binomtest(more, more + less).pvalue) if more + less else 1.0
    return (more - less) / count, max(-1.0, up - down - half), min(1.0, up - down + half), p


def paired_means(first: np.ndarray, other: np.ndarray) -> tuple[float, float, float, float]:
    """Returns by how much a mean exceeds the first, the 95% interval, and the p of no difference (Student's t)."""
    gaps = other - first
    mean, low, high = mean_interval(gaps)
    if high == low:  # all gaps are the same, or there is one
        return mean, low, high, 1.0 if mean == 0 or len(gaps) < 2 else 0.0
    test: Any = stats.ttest_1samp(gaps, 0.0)
    return mean, low, high, float(test.pvalue)


def compare_measures(agents: Sequence[tuple[str, str | None, dict[str, np.ndarray]]]) -> list[Row]:
    """Returns the rows of the comparison, measure by measure, in the order of the agents.

    Args:
        agents: Name, own pad, and `measures` of the same episodes, of each agent.
    """
    rows = []
    for name in agents[0][2]:
        for index, (agent, target, values) in enumerate(agents):
            known = values[name][~np.isnan(values[name])]
            if not len(known):
                continue
            estimate = share_interval(known) if name in SHARES else mean_interval(known)
            first, other = agents[0][2][name], values[name]
            both = ~np.isnan(first) & ~np.isnan(other)
            gap: tuple[Any, ...] = ()
            if index and both.any():
                found = (paired_shares if name in SHARES else paired_means)(first[both], other[both])
                gap = (*found[:3], int(both.sum()), found[3])
            rows.append(Row(agent, target, name, *estimate, len(known), *gap))
    return rows


def table(rows: Sequence[Row]) -> str:
    """Returns rows as text; shares in percent."""
    width = max(len("agent"), *(len(row.agent) for row in rows))
    names = max(len("measure"), *(len(row.measure) for row in rows))
    heads = f"{'mean [95%]':>26s}{'minus the first [95%]':>28s}"
    lines = [f"{'measure':{names}s}  {'agent':{width}s}  episodes{heads}       p"]
    for index, row in enumerate(rows):
        scale, digits = (100, 1) if row.measure in SHARES else (1, 3)

        def cell(mean: float, low: float, high: float, sign: str, s: int = scale, d: int = digits) -> str:
            return f"{s * mean:{sign}.{d}f} [{s * low:{sign}.{d}f}, {s * high:{sign}.{d}f}]"

        new = not index or rows[index - 1].measure != row.measure
        line = f"{row.measure if new else '':{names}s}  {row.agent:{width}s}  {row.episodes:8d}"
        line += f"{cell(row.mean, row.low, row.high, ''):>26s}"
        if row.difference is not None and row.difference_low is not None and row.difference_high is not None:
            line += f"{cell(row.difference, row.difference_low, row.difference_high, '+'):>28s}"
            line += "  <0.001" if (row.p or 0.0) < 0.001 else f"{row.p:8.3f}"
        lines.append(line)
    return "\n".join(lines)


def _world_of_all(agents: Sequence[str]) -> WorldConfig | None:
    """Returns the world that all policies play in, and scripted people with them; None: there are people alone.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: A policy is damaged, or they play in different worlds.
    """
    found: dict[str, WorldConfig] = {}
    for agent in agents:
        _, _, world = make_actor(agent, 1)
        if agent not in POPULATIONS:
            found[agent] = world
    if not found:
        return None
    first, world = next(iter(found.items()))
    for agent, other in found.items():
        if not other.resembles(world):
            raise ValueError(
                f"{agent} plays in another world ({_words(other)}) than {first} ({_words(world)}): they cannot play "
                "the same episodes; compare agents of one world"
            )
    return world


def _words(world: WorldConfig) -> str:
    return ", ".join([world.environment, *(f"{name} {value}" for name, value in world.keywords.items())])


def compare(
    agents: Annotated[tuple[str, ...], tyro.conf.Positional],
    config: Annotated[EvaluateConfig, tyro.conf.arg(name="")],
    seed: int = 0,
    target: str | None = None,
    labels: tuple[str, ...] = (),
    device: str = "auto",
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
    as_csv: Annotated[bool, tyro.conf.arg(name="csv")] = False,
) -> None:
    """Let agents play the same episodes and print where they end, what they do, and differences from the first agent.

    On levels, all play on those of the first policy's demonstrations, unless `--levels` names others.

    Args:
        agents: Two or more directories of policies, or scripted populations such as "human", who play where these do.
        config: How the agents are evaluated.
        seed: Seed for the episodes.
        target: What counts as everybody's own, such as left, red or left,right; by default what each was aligned to.
        labels: Labels of your own to measure, as module:name, beside camera, stick and speed.
        device: Where the agents run: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
        as_json: Print JSON instead of a table.
        as_csv: Print CSV instead of a table.
    """
    use_device(device)
    if len(agents) < 2:
        raise ValueError(f"a comparison needs at least two agents, got {len(agents)}; see baselines.evaluate for one")
    if as_json and as_csv:
        raise ValueError("--json and --csv exclude each other; give one")
    targets = [Target.parse(target) if target else target_of(agent) for agent in agents]
    world = _world_of_all(agents)  # before any plays: nothing is lost to a damaged one
    for own in targets:
        if own is not None:
            own.check(None if world is None else world.settings)
    for label in labels:
        load_label(label)
    config.of(world or WorldConfig())  # refuses levels where there are none
    if world is not None and world.keywords:
        levels, tie = (world.start_level, world.num_levels), world.color_tie
        config = dataclasses.replace(
            config, levels=config.levels or levels, color_tie=tie if config.color_tie is None else config.color_tie
        )
    seeds = [integer_seed(seed, "compare", index) for index in range(config.episodes)]
    played = []
    for agent, own in zip(agents, targets, strict=True):
        episodes = play_seeds(config, agent, seeds, f"play {agent}", world=world)
        played.append((agent, None if own is None else str(own), measures(episodes, own, (*BEHAVIOR, *labels))))
    rows = compare_measures(played)
    if as_json:
        about = {"probe": config.probe, "episodes": config.episodes, "seed": seed}
        print(json.dumps({**about, "rows": [vars(row) for row in rows]}))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, list(Row.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)
    else:
        if not rows:
            raise ValueError(f"in none of {config.episodes} episodes the probe took effect; play more --episodes")
        print(table(rows))
