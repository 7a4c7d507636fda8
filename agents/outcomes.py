"""Outcomes of episodes: how often each pad was reached, with 95% intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np

from jumppad_env.dataset import Trajectory
from jumppad_env.files.shapes import Count, Duration, Positive, Share, misfit
from jumppad_env.levels import COLORS
from jumppad_env.rules import PADS, RULES
from jumppad_env.world.options import places_of_pads
from jumppad_env.world.state import CUE, X, Y

NAMES = ("none", *PADS)
"""Names of the outcomes; pad index -1 is "none"."""

Z_95 = 1.959963984540054
ROUNDING = 1e-6
"""How much what is read may differ from 1 in sum, or stick out of its interval."""

Interval = tuple[Share, Share]


class ByPad(TypedDict):
    """A share for each pad."""

    left: Share
    middle: Share
    right: Share


class Intervals(TypedDict):
    """An interval for each outcome."""

    none: Interval
    left: Interval
    middle: Interval
    right: Interval


class AtTarget(TypedDict):
    """The share of episodes at the agent's own target."""

    target: str
    share: Share


class Recovery(TypedDict):
    """What a probe measured, see `agents.probes.recovery`."""

    probe: str
    probed: Count
    recovered: Share
    recovered_ci95: Interval
    recovered_at: ByPad
    recovered_target: NotRequired[AtTarget]


class Outcome(ByPad):
    """An outcome object, see `summarize`; after a probe with the entries of `Recovery`."""

    episodes: Positive
    none: Share
    ci95: Intervals
    mean_seconds: Duration


def outcome_misfit(value: Any, place: str = "") -> str | None:
    """Returns what is wrong with an outcome object that was read from a file; None if it is one.

    Args:
        value: from JSON.
        place: dotted path of the value.
    """
    if wrong := misfit(value, Outcome, place) or ("probe" in value and misfit(value, Recovery, place)):
        return wrong
    at = f"{place}." if place else ""
    total = sum(value[name] for name in NAMES)
    if abs(total - 1) > ROUNDING:
        return f"{at}{', '.join(NAMES)} add up to {total:g}, not 1"
    for name in NAMES:
        low, high = value["ci95"][name]
        if not low - ROUNDING <= value[name] <= high + ROUNDING:
            return f"{at}ci95.{name} is {low:g} to {high:g}, without {value[name]:g}"
    return None


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Returns the 95% Wilson interval of a share.

    `scipy.stats` agrees to the last bits, but takes 3 ms per call and a second to import.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    if trials <= 0:
        raise ValueError(f"an interval needs at least one trial, got {trials}")
    share, z2 = successes / trials, Z_95 * Z_95
    center = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return max(0.0, min(center - half, share)), min(1.0, max(center + half, share))  # rounding must not exclude it


def summarize(pads: Sequence[int] | np.ndarray, lengths: Sequence[int] | np.ndarray) -> dict[str, Any]:
    """Returns one outcome object.

    Args:
        pads: pad of each episode: -1 none, 0 left, 1 middle, 2 right.
        lengths: length of each episode, control steps.

    Returns:
        `episodes`; shares `none`, `left`, `middle`, `right`; `ci95` of each; `mean_seconds` per episode.
    """
    counts = {name: int(np.sum(np.asarray(pads) == index - 1)) for index, name in enumerate(NAMES)}
    episodes = sum(counts.values())
    if episodes != len(pads) or episodes == 0:
        raise ValueError(f"pads must be a non-empty list of -1 to {len(PADS) - 1}")
    return {
        "episodes": episodes,
        **{name: count / episodes for name, count in counts.items()},
        "ci95": {name: list(wilson_interval(count, episodes)) for name, count in counts.items()},
        "mean_seconds": float(np.mean(lengths)) * RULES.control_step,
    }


def on_levels(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Returns how episodes on levels ended, as shares that add up to 1 each; nothing for the classic island.

    Returns:
        `by_color`: of the pad reached on the last island, "none" without one; `by_way`: places and colors of the pads
        taken on all islands, such as "left-red, right-blue", most frequent first; "..." where the way ended early; with
        a flag also `followed`, the share of episodes whose first pad has the color that it showed.
    """
    if not trajectories or (settings := trajectories[0].settings) is None:
        return {}
    ends = Counter(trajectory.taken_colors[-1] or "none" for trajectory in trajectories)
    ways = Counter(way_of(trajectory) for trajectory in trajectories)
    found: dict[str, Any] = {
        "by_color": {color: ends[color] / len(trajectories) for color in ("none", *settings.colors)},
        "by_way": {way: count / len(trajectories) for way, count in ways.most_common()},
    }
    if settings.cue:
        shown = (COLORS[int(trajectory.states[0, CUE])] for trajectory in trajectories)
        followed = sum(color == episode.taken_colors[0] for color, episode in zip(shown, trajectories, strict=True))
        found["followed"] = followed / len(trajectories)
    return found


def way_of(trajectory: Trajectory) -> str:
    """Returns the way of an episode on levels, such as "left-red, right-blue"."""
    steps = steps_of(trajectory)
    return ", ".join("-".join(step) or "..." for step in steps) if any(steps) else "none"


def steps_of(trajectory: Trajectory) -> list[tuple[str, ...]]:
    """Returns place and color of the pad that an episode on levels took on each island; () where it took none."""
    assert trajectory.settings is not None
    places = places_of_pads(np.array(trajectory.taken), trajectory.settings.pads).tolist()
    steps = zip(places, trajectory.taken_colors, strict=True)
    return [(PADS[place], color) if place >= 0 else () for place, color in steps]


def total_variation(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Returns the total variation distance between two outcome objects, 0 to 1."""
    return 0.5 * sum(abs(first[name] - second[name]) for name in NAMES)


def paths(trajectories: Sequence[Trajectory]) -> dict[str, np.ndarray]:
    """Returns the paths of episodes.

    Returns:
        `xy` float32 (steps, 2) m, concatenated; `lengths`; `pads`, indices into `PADS`, -1 none; on levels also
        `colors` of the pads reached on the last island, indices into `COLORS`, -1 none.
    """
    found = {
        "xy": np.concatenate([trajectory.states[:, X : Y + 1] for trajectory in trajectories]).astype(np.float32),
        "lengths": np.array([len(trajectory) for trajectory in trajectories]),
        "pads": np.array([trajectory.place for trajectory in trajectories]),
    }
    if trajectories and trajectories[0].settings is not None:
        names = ("", *COLORS)
        found["colors"] = np.array([names.index(trajectory.taken_colors[-1]) - 1 for trajectory in trajectories])
    return found


def table(outcomes: dict[str, dict[str, Any]]) -> str:
    """Returns a plain-text table of outcome objects by agent, in percent with 95% intervals."""
    width = max(len("agent"), *(len(name) for name in outcomes))
    lines = [f"{'agent':{width}s}  episodes" + "".join(f"{name:>20s}" for name in NAMES)]
    for agent, outcome in outcomes.items():
        cells = []
        for name in NAMES:
            low, high = outcome["ci95"][name]
            cells.append(f"{100 * outcome[name]:6.1f} [{100 * low:4.1f}, {100 * high:5.1f}]".rjust(20))
        lines.append(f"{agent:{width}s}  {outcome['episodes']:8d}" + "".join(cells))
    return "\n".join(lines)
