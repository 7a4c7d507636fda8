"""What the statistics page of a dataset says: one function per section, from counts to HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from agents.dataset.statistics.card import card, text
from agents.dataset.statistics.contact_sheet import MOMENTS, frames_of, png
from agents.dataset.statistics.counts import DatasetCounts, ModeCount, evenly
from agents.dataset.statistics.figures import (
    button_bars,
    length_histogram,
    mode_panel,
    outcome_figure,
    paths_map,
    skill_histogram,
    steering_figures,
    stick_histograms,
)
from agents.figures import page
from agents.figures.palette import DEMONSTRATIONS, OUTCOME_COLORS, mode_color, outcome_name
from agents.figures.style import INK, to_svg
from agents.motion import play, statistics
from agents.outcomes import NAMES
from agents.population.modes import GOALS
from jumppad_env.dataset import Dataset, Trajectory
from jumppad_env.rules import RULES

MOTION_EPISODES = 2000
"""Episodes whose motion is measured, at most: their states are held in memory."""
BOT_EPISODES = 300

MODE_TEXTS = {
    "direct": "Runs to the pad.",
    "miss": "Runs past the pad, turns round, comes back.",
    "wander": "Strolls about the plaza.",
    "give_up": "Sets out, stops short, looks about.",
    "lose_way": "Runs into walls where there is no way.",
    "shadow_box": "Fights the air.",
    "idle": "Stands, looks about now and then.",
    "leave_track": "Leaps over a wall, to where nothing leads back.",
}
"""What the modes of `agents.population.MODES` do, without their sides."""


@dataclass(frozen=True)
class Subject:
    """What the page is about."""

    dataset: Dataset
    counts: DatasetCounts

    @cached_property
    def measured(self) -> list[Trajectory]:
        """The trajectories whose motion is measured, evenly spread."""
        return [self.dataset.trajectory(int(i)) for i in evenly(np.arange(len(self.dataset)), MOTION_EPISODES)]

    @property
    def minutes(self) -> float:
        """Of play."""
        return len(self.dataset.actions) * RULES.control_step / 60


def percent(share: float) -> str:
    """Returns "98.7%"."""
    return f"{100 * share:.1f}%"


def title(mode: str) -> str:
    """Returns a mode's name as HTML."""
    return text(mode) if mode else "mode unknown"


def _of(shown: int, count: int) -> str:
    return f"all {count:,}" if shown == count else f"{shown:,} of {count:,}"


def _share(share: float, interval: Sequence[float]) -> str:
    return f"{percent(share)} <small>[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]</small>"


def head(subject: Subject) -> str:
    """Title, summary and key numbers."""
    dataset, counts = subject.dataset, subject.counts
    name = text(dataset.directory.resolve().name)
    frames = "exact states only; frames are drawn when asked for"
    if dataset.frames is not None:
        height, width = dataset.frames.shape[1:3]
        frames = f"frames of {height}x{width} pixels and exact states"
    hours = f"{subject.minutes / 60:.1f} h" if subject.minutes >= 60 else f"{subject.minutes:.0f} min"
    reached = 1 - counts.outcome["none"]
    entries = [
        (f"{len(dataset):,}", "episodes"),
        (hours, f"of play, {len(dataset.actions):,} steps at {1 / RULES.control_step:.0f} Hz"),
        (percent(reached), "of episodes reach one of the three jump pads"),
        (f"{counts.outcome['mean_seconds']:.1f} s", "mean length of an episode"),
    ]
    if counts.skills:
        entries.append((f"{len(counts.skills):,}", "people"))
    lead = (
        "Trajectories of <b>a character on an island with three jump pads</b>, steered with a gamepad: "
        f"population <b>{text(dataset.manifest.get('population', 'not stated'))}</b>, {frames}."
    )
    return (
        '<header><p class="kicker">jumppad dataset</p>'
        f'<h1>{name}</h1><p class="lead">{lead}</p>{page.tiles(entries)}</header>'
    )


def contact_sheet(subject: Subject) -> str:
    """One episode of each mode, a few moments in a row."""
    rows = []
    for mode in subject.counts.modes:
        index = int(mode.indices[0])
        episode = subject.dataset.episodes[index]
        last = (int(episode["length"]) - 1) * RULES.control_step
        outcome = outcome_name(int(episode["pad"]))
        pictures = "".join(f'<img src="{png(frame)}" alt="">' for frame in frames_of(subject.dataset, index))
        ends = "no pad" if outcome == "none" else f"{outcome} pad"
        words = (
            f"<b>{page.dot(mode_color(mode.name))}{title(mode.name)}</b> ends at {ends}, "
            f"0 to {last:.1f} s, seed {int(episode['seed'])}"
        )
        strip = f'<div class="strip" role="img" aria-label="{MOMENTS} frames of {title(mode.name)}">{pictures}</div>'
        rows.append(f"<figure>{strip}<figcaption>{words}</figcaption></figure>")
    source = "as stored" if subject.dataset.frames is not None else "drawn from the states for this page"
    paragraph = f"The first episode of each mode: {MOMENTS} frames from its first step to its last, {source}."
    return page.section("sheet", "Contact sheet", paragraph, f'<div class="sheet">{"".join(rows)}</div>')


def overview(subject: Subject) -> str:
    """Where everybody goes, how it ends, how long it takes."""
    dataset, counts = subject.dataset, subject.counts
    figure, shown = paths_map(dataset, counts.modes)
    legend = "".join(f"<span>{page.dot(mode_color(mode.name))}{title(mode.name)}</span>" for mode in counts.modes)
    count = len(dataset)
    seen = to_svg(figure, "paths", "Trajectories on the map, colored by mode")
    caption = f"Trajectories of {_of(shown, count)} episodes. Crosses mark the spawn points."
    island = page.figure(f'<p class="legend">{legend}</p>{seen}', caption)
    bars = to_svg(outcome_figure(counts.outcome), "outcome", "Share of episodes by outcome")
    lengths = np.asarray(dataset.episodes["length"])
    histogram = to_svg(length_histogram(dataset.episodes["pad"], lengths), "lengths", "Episode lengths by outcome")
    median = np.median(lengths) * RULES.control_step
    shortest, longest = (float(value) * RULES.control_step for value in (lengths.min(), lengths.max()))
    others = [
        page.figure(bars, f"Share of all {count:,} episodes, with 95% intervals (Wilson)."),
        page.figure(
            histogram,
            f"All {count:,} episodes; median {median:.1f} s, from {shortest:.1f} to {longest:.1f} s. "
            "An episode ends 0.6 s after a launch, after a fall, or when its time is up.",
        ),
    ]
    others.append(_mode_shares(subject))
    stack = "".join(f'<div class="card">{other}</div>' for other in others)
    grid = f'<div class="grid wide"><div class="card">{island}</div><div class="stack">{stack}</div></div>'
    return page.section("overview", "Where they go", "Seen from above; every line is one episode.", grid)


def _mode_shares(subject: Subject) -> str:
    most = max(mode.interval[1] for mode in subject.counts.modes)
    rows = []
    for mode in subject.counts.modes:
        color = mode_color(mode.name)
        low, high = (100 * bound / most for bound in mode.interval)
        bar = (
            f'<div class="bar" style="width: {100 * mode.share / most:.1f}%; background: {color}"></div>'
            f'<div class="whisker" style="left: {low:.1f}%; width: {high - low:.1f}%"></div>'
        )
        cell = f'<td class="grow"><div class="track">{bar}</div></td>'
        rows.append(("", [title(mode.name), percent(mode.share), cell]))
    note = f'<p class="note">Share of all {len(subject.dataset):,} episodes, with 95% intervals (Wilson).</p>'
    return f'<h3>What they do</h3><div class="shares">{page.table(["mode", "share", ""], rows)}</div>{note}'


def modes(subject: Subject) -> str:
    """Each mode's trajectories and outcomes, then all numbers."""
    cards = []
    for index, mode in enumerate(subject.counts.modes):
        figure, shown = mode_panel(subject.dataset, mode)
        svg = to_svg(figure, f"mode-{index}", f"Trajectories and outcomes of {mode.name or 'episodes without a mode'}")
        heading = f"<h3>{page.dot(mode_color(mode.name))}{title(mode.name)}</h3>"
        words = MODE_TEXTS.get(mode.name) or MODE_TEXTS.get(mode.name.rsplit("_", 1)[0], "")
        count = len(mode.indices)
        drawn = "" if shown == count else f", {shown:,} on the map"
        caption = f"{words} {count:,} episode{'s' * (count > 1)}{drawn}."
        cards.append(heading + page.figure(svg, caption.strip()))
    rows = [("", _mode_cells(mode)) for mode in subject.counts.modes]
    outcome = subject.counts.outcome
    rows.append(("sum", ["all", f"{len(subject.dataset):,}", *_outcome_cells(outcome)]))
    heads = [f"{page.dot(OUTCOME_COLORS[name])}{name}" for name in NAMES]
    numbers = page.table(["mode", "episodes", *heads, "mean length"], rows)
    paragraph = (
        "A mode is what somebody set out to do in an episode. Bars: share of the mode’s episodes that end at no pad "
        "or at one of the three, with 95% intervals (Wilson); in brackets in the table."
    )
    return page.section("modes", "By mode", paragraph, f'<div class="modes">{page.cards(cards)}</div>', numbers)


def _mode_cells(mode: ModeCount) -> list[str]:
    name = f"{page.dot(mode_color(mode.name))}{title(mode.name)}"
    return [name, f"{len(mode.indices):,}", *_outcome_cells(mode.outcome)]


def _outcome_cells(outcome: dict[str, Any]) -> list[str]:
    shares = [_share(outcome[name], outcome["ci95"][name]) for name in NAMES]
    return [*shares, f"{outcome['mean_seconds']:.1f} s"]


def people(subject: Subject) -> str:
    """Who played, and what they were up to; nothing where nobody knows."""
    counts = subject.counts
    if not counts.skills:
        return ""
    known = len(subject.dataset) - counts.unknown
    numbers = np.asarray(subject.dataset.episodes["person"])
    each = np.unique(numbers[numbers >= 0], return_counts=True)[1]
    words = (
        f"{len(counts.skills):,} people played {known:,} episodes, from {each.min():,} to {each.max():,} each. "
        "Skill and goals are ground truth that no agent sees."
    )
    parts = []
    skills = [skill for skill in counts.skills.values() if math.isfinite(skill)]
    if skills:
        svg = to_svg(skill_histogram(skills), "skill", "Skill of the people")
        parts.append(page.figure(svg, f"{len(skills):,} people."))
    if goals := _goals(subject):
        parts.append(goals)
    return page.section("people", "People", words, page.cards(parts, wide=True))


def _goals(subject: Subject) -> str:
    """Returns the shares of steps by goal."""
    told = [trajectory.goals for trajectory in subject.measured if trajectory.goals is not None]
    if not told:
        return ""
    listed = subject.dataset.manifest.get("goals")
    names = listed if isinstance(listed, list) else GOALS
    goals, steps = np.unique(np.concatenate(told), return_counts=True)
    rows = []
    for goal, count in sorted(zip(goals.tolist(), steps.tolist(), strict=True), key=lambda pair: -pair[1]):
        share = count / steps.sum()
        bar = f'<td class="grow"><div class="bar" style="width: {100 * count / steps.max():.1f}%"></div></td>'
        name = text(names[goal]) if goal < len(names) else f"goal {goal}"
        rows.append(("", [name, percent(share), bar]))
    note = f'<p class="note">Share of {steps.sum():,} steps of {len(told):,} episodes.</p>'
    return f'<h3>What they are up to</h3><div class="shares">{page.table(["goal", "steps", ""], rows)}</div>{note}'


def gamepad(subject: Subject) -> str:
    """Histograms of sticks and buttons."""
    counts = subject.counts
    steps = int(counts.sticks[0].sum())
    sticks = to_svg(stick_histograms(counts.sticks), "sticks", "Share of steps by deflection of each axis")
    buttons = to_svg(button_bars(counts.presses, subject.minutes), "buttons", "Presses a minute of each button")
    figures = [
        page.figure(sticks, f"All {steps:,} steps; 11 buckets from -1 to 1, right and up positive. Logarithmic."),
        page.figure(
            buttons,
            f"{int(counts.presses.sum()):,} presses in {subject.minutes:,.0f} minutes. Buttons without a word in "
            "brackets do nothing here.",
        ),
    ]
    return page.section("gamepad", "At the gamepad", "", page.cards(figures, wide=True))


def motion(subject: Subject) -> str:
    """The statistics of `agents.motion`, beside a naive bot's."""
    bot = play("waypoint", BOT_EPISODES, seed=0)
    columns = [statistics(subject.measured), statistics(bot)]
    told = [name for name in columns[0] if name != "episodes" and not name.endswith("reached, %")]  # above, of all
    rows = [("", [text(name), *(_number(column[name]) for column in columns)]) for name in told]
    sources = [(subject.measured, "this dataset", DEMONSTRATIONS, "-"), (bot, "waypoint bot", INK, "--")]
    titles = ("Autocorrelation of the left stick", "Power spectrum of the left stick")
    drawn = zip(steering_figures(sources), titles, strict=True)
    measured = _of(len(subject.measured), len(subject.dataset))
    caption = f"Measured in {measured} episodes here, {BOT_EPISODES} of the bot, up to the touch of a pad."
    figures = [page.figure(to_svg(svg, f"motion-{i}", name), caption) for i, (svg, name) in enumerate(drawn)]
    paragraph = (
        f"How the gamepad is held in {measured} episodes, beside a naive bot that runs from way point to way point "
        "without delay, noise or habits. People react late, correct now and then, and differ from one another. What "
        "comes after touching a pad counts for nobody."
    )
    table = page.table(["", "this dataset", "waypoint bot"], rows)
    return page.section("motion", "How they move", paragraph, page.cards(figures, wide=True), table)


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def dataset_card(subject: Subject) -> str:
    """License, how it was made, known biases."""
    return card(subject.dataset, subject.counts)


SECTIONS: tuple[Callable[[Subject], str], ...] = (
    head,
    contact_sheet,
    overview,
    modes,
    people,
    gamepad,
    motion,
    dataset_card,
)
"""In the order of the page."""
