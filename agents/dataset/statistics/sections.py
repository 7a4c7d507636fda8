"""What the statistics page of a dataset shows: one function per section, from counts to values of the template."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from agents.dataset.statistics.card import shown
from agents.dataset.statistics.contact_sheet import frames_of, png
from agents.dataset.statistics.counts import DatasetCounts, evenly
from agents.dataset.statistics.figures import (
    button_bars,
    length_histogram,
    mode_panel,
    outcome_figure,
    paths_map,
    shown_island,
    skill_histogram,
    steering_figures,
    stick_histograms,
)
from agents.figures.palette import DEMONSTRATIONS, outcome_name
from agents.figures.style import INK, to_svg
from agents.motion import play, statistics
from agents.population.modes import GOALS
from jumppad_env.dataset import Dataset, Trajectory
from jumppad_env.rules import RULES

MOTION_EPISODES = 2000
"""At most so many episodes are used for motion statistics: their states are held in memory."""
BOT_EPISODES = 300

MODE_TEXTS = {
    "direct": "Runs to the pad.",
    "miss": "Runs past the pad, turns around, comes back.",
    "wander": "Wanders around the plaza.",
    "give_up": "Sets out, stops short of the pads, looks around.",
    "lose_way": "Runs into walls at dead ends.",
    "shadow_box": "Attacks the air.",
    "idle": "Stands still, looks around now and then.",
    "leave_track": "Jumps over a wall to where there is no way back.",
}
"""Descriptions of the modes in `agents.population.MODES`, without their sides."""


@dataclass(frozen=True)
class Subject:
    """The dataset that the page describes."""

    dataset: Dataset
    counts: DatasetCounts

    @cached_property
    def measured(self) -> list[Trajectory]:
        """The trajectories used for motion statistics, evenly spaced."""
        return [self.dataset.trajectory(int(i)) for i in evenly(np.arange(len(self.dataset)), MOTION_EPISODES)]

    @property
    def minutes(self) -> float:
        """Length of all episodes."""
        return len(self.dataset.actions) * RULES.control_step / 60


def _of(sample: int, count: int) -> str:
    return f"all {count:,}" if sample == count else f"{sample:,} of {count:,}"


def head(subject: Subject) -> dict[str, Any]:
    """Summary and key numbers."""
    dataset, counts = subject.dataset, subject.counts
    hours = f"{subject.minutes / 60:.1f} h" if subject.minutes >= 60 else f"{subject.minutes:.0f} min"
    entries = [
        (f"{len(dataset):,}", "episodes"),
        (hours, f"of play: {len(dataset.actions):,} steps at {1 / RULES.control_step:.0f} Hz"),
        (f"{1 - counts.outcome['none']:.1%}", "of episodes reach one of the three jump pads"),
        (f"{counts.outcome['mean_seconds']:.1f} s", "mean episode length"),
    ]
    if counts.skills:
        entries.append((f"{len(counts.skills):,}", "people"))
    return {"population": shown(dataset.manifest.get("population", "not stated")), "tiles": entries}


def contact_sheet(subject: Subject) -> list[dict[str, Any]]:
    """A few frames of the first episode of each mode."""
    rows = []
    for mode in subject.counts.modes:
        index = int(mode.indices[0])
        episode = subject.dataset.episodes[index]
        rows.append(
            {
                "mode": mode,
                "frames": [png(frame) for frame in frames_of(subject.dataset, index)],
                "outcome": outcome_name(int(subject.dataset.places[index])),
                "seconds": (int(episode["length"]) - 1) * RULES.control_step,
                "seed": int(episode["seed"]),
            }
        )
    return rows


def overview(subject: Subject) -> dict[str, Any]:
    """Paths, outcomes, lengths and modes of all episodes."""
    dataset, counts = subject.dataset, subject.counts
    paths, sample = paths_map(dataset, counts.modes)
    lengths = np.asarray(dataset.episodes["length"])
    return {
        "paths": to_svg(paths, "paths", "Trajectories on the map, colored by mode"),
        "sample": _of(sample, len(dataset)) + shown_island(dataset)[2],
        "outcome": to_svg(outcome_figure(counts.outcome), "outcome", "Share of episodes by outcome"),
        "lengths": to_svg(length_histogram(dataset.places, lengths), "lengths", "Episode lengths by outcome"),
        "seconds": [value * RULES.control_step for value in (np.median(lengths), lengths.min(), lengths.max())],
        "largest_share": max(mode.interval[1] for mode in counts.modes),
    }


def modes(subject: Subject) -> list[dict[str, Any]]:
    """Paths and outcomes of each mode."""
    panels = []
    for index, mode in enumerate(subject.counts.modes):
        figure, sample = mode_panel(subject.dataset, mode)
        label = f"Trajectories and outcomes of {mode.name or 'episodes without a mode'}"
        panels.append(
            {
                "mode": mode,
                "figure": to_svg(figure, f"mode-{index}", label),
                "text": MODE_TEXTS.get(mode.name) or MODE_TEXTS.get(mode.name.rsplit("_", 1)[0], ""),
                "sample": sample,
            }
        )
    return panels


def people(subject: Subject) -> dict[str, Any]:
    """Who played, and their goals; empty where the dataset does not tell."""
    counts = subject.counts
    if not counts.skills:
        return {}
    numbers = np.asarray(subject.dataset.episodes["person"])
    each = np.unique(numbers[numbers >= 0], return_counts=True)[1]
    skills = [skill for skill in counts.skills.values() if math.isfinite(skill)]
    return {
        "known": len(subject.dataset) - counts.unknown,
        "fewest": int(each.min()),
        "most": int(each.max()),
        "skilled": len(skills),
        "skill": to_svg(skill_histogram(skills), "skill", "Skill of the people") if skills else "",
        "goals": _goals(subject),
    }


def _goals(subject: Subject) -> dict[str, Any]:
    """Returns the number of steps by goal, the most frequent first."""
    told = [trajectory.goals for trajectory in subject.measured if trajectory.goals is not None]
    if not told:
        return {}
    listed = subject.dataset.manifest.get("goals")
    names = listed if isinstance(listed, list) else GOALS
    goals, steps = np.unique(np.concatenate(told), return_counts=True)
    rows = [
        (shown(names[goal]) if goal < len(names) else f"goal {goal}", count)
        for goal, count in sorted(zip(goals.tolist(), steps.tolist(), strict=True), key=lambda pair: -pair[1])
    ]
    return {"rows": rows, "steps": int(steps.sum()), "largest": int(steps.max()), "episodes": len(told)}


def gamepad(subject: Subject) -> dict[str, Any]:
    """Histograms of sticks and buttons."""
    counts = subject.counts
    return {
        "sticks": to_svg(stick_histograms(counts.sticks), "sticks", "Share of steps by deflection of each axis"),
        "steps": int(counts.sticks[0].sum()),
        "buttons": to_svg(button_bars(counts.presses, subject.minutes), "buttons", "Presses per minute of each button"),
        "presses": int(counts.presses.sum()),
        "minutes": subject.minutes,
    }


def motion(subject: Subject) -> dict[str, Any]:
    """The statistics of `agents.motion`, next to those of a scripted bot."""
    bot = play("waypoint", BOT_EPISODES, seed=0)
    own, other = statistics(subject.measured), statistics(bot)
    sources = [(subject.measured, "this dataset", DEMONSTRATIONS, "-"), (bot, "waypoint bot", INK, "--")]
    labels = ("Autocorrelation of the left stick", "Power spectrum of the left stick")
    drawn = zip(steering_figures(sources), labels, strict=True)
    return {
        "measured": _of(len(subject.measured), len(subject.dataset)),
        "bot_episodes": BOT_EPISODES,
        "figures": [to_svg(figure, f"motion-{i}", label) for i, (figure, label) in enumerate(drawn)],
        "rows": [
            (name, _number(value), _number(other[name]))
            for name, value in own.items()
            if name != "episodes" and not name.endswith("reached, %")  # shown above, of all episodes
        ],
    }


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


SECTIONS = (head, contact_sheet, overview, modes, people, gamepad, motion)
"""In the order of the page; each function has the name of its value in the template."""
