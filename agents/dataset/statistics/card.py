"""The card of a dataset: license, how it was made, how to verify it, what is known to be wrong with it.

All of it comes from the manifest and the episodes. A dataset may come from a stranger, so every string is escaped and
cut, and nothing is taken to have the type it should have.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from agents.dataset.statistics.counts import DatasetCounts
from agents.figures import page
from agents.outcomes import wilson_interval
from agents.population import POPULATIONS
from agents.population.person import SIDES
from agents.population.populations import SIDED
from jumppad_env import gamepad
from jumppad_env.dataset import Dataset
from jumppad_env.rules import CHARACTERS, PADS

LONGEST = 200
"""Characters of a string that are shown."""
LONGEST_MANIFEST = 20_000

SCRIPTED_BIASES = (
    "<b>Nobody played this.</b> Scripted people stand in for players. No recordings of people at this place exist, so "
    "their motion is fitted to none: the literature gives what kind of thing a trait is and its order of magnitude; "
    "its bounds, and how they move with skill, are guesses.",
    "<b>A few small strategies are all there is.</b> An episode follows one of them from beginning to end. Real people "
    "mix, invent, learn from one episode to the next, and tire; these do not.",
    "<b>Left is preferred to right by design,</b> wherever somebody chooses between the two: 70% of the people look to "
    "the left first and prefer that side. The place is its own mirror image, but for the last 0.3 m before outer pads.",
    "<b>10 Hz.</b> Sticks move and frames are seen ten times a second. Faster motion, such as the tremor of a hand, is "
    "not there.",
    "<b>Perfect sight.</b> The people act on the exact state, late and imprecisely, but are never misled by what a "
    "frame shows.",
)
HUMAN_BIAS = (
    "<b>Shares of the modes are calibrated, not observed.</b> They are set so that outcomes come near those of the "
    "paper’s base agent (43.6% at no pad, 11.8% left, 37.0% middle, 7.6% right), which stand in for those of the "
    "players it imitated (arXiv 2406.04208). How the episodes without a pad divide among the modes is a guess."
)
CURATED_BIAS = (
    "<b>Success is selected.</b> Everybody is at their best, runs straight to a pad, and only episodes that reach it "
    "are kept, an equal number per pad. Hardly anything here shows how to recover from a mistake."
)
UNKNOWN_BIAS = (
    "The manifest names no population of this project, so nothing is known of who played or why beyond the numbers on "
    "this page. Ask whoever made it before you draw conclusions about people."
)


def text(value: object, longest: int = LONGEST) -> str:
    """Returns anything as escaped text of at most so many characters."""
    shown = value if isinstance(value, str) else json.dumps(value, default=str)
    return escape(shown if len(shown) <= longest else shown[:longest] + " ...")


def card(dataset: Dataset, counts: DatasetCounts) -> str:
    """Returns the section."""
    manifest = dataset.manifest
    rows = [(name, cell) for name, cell in _facts(dataset) if cell]
    facts = "".join(f"<dt>{name}</dt><dd>{cell}</dd>" for name, cell in rows)
    name = shlex.quote(dataset.directory.resolve().name)
    verify = f"python -m agents.dataset verify {name}"
    redraw = f"python -m agents.dataset rerender {name} redrawn --image-size 128 128"
    biases = "".join(
        f"<li>{bias}</li>" for bias in (*_stated_biases(manifest), *_measured_biases(dataset.episodes, counts))
    )
    dumped = json.dumps(manifest, indent=2, default=str)
    parts = [
        f'<dl class="facts">{facts}</dl>',
        _shares(dataset),
        "<h3>Verify and redraw</h3>",
        "<p>Compares checksums, plays every episode again from its seed and actions, and draws frames again:</p>",
        f"<pre>{escape(verify)}</pre>",
        "<p>Exact states are stored, so frames can be drawn at any size and in any look:</p>",
        f"<pre>{escape(redraw)}</pre>",
        "<h3>Known biases</h3>",
        f'<ul class="biases">{biases}</ul>',
        page.details("Files and checksums", _files(dataset)),
        page.details("The whole manifest", f"<pre>{text(dumped, LONGEST_MANIFEST)}</pre>"),
    ]
    return page.section("card", "Dataset card", "", *parts)


def _facts(dataset: Dataset) -> list[tuple[str, str]]:
    manifest, episodes = dataset.manifest, dataset.episodes
    keywords = manifest["environment"]
    listed = ", ".join(f"{text(key)}: {text(value)}" for key, value in list(keywords.items())[:20])
    versions = manifest.get("versions")
    made_with = (
        ", ".join(f"{text(k)} {text(v)}" for k, v in list(versions.items())[:20]) if isinstance(versions, dict) else ""
    )
    frames = "none stored: a dataset of states, drawn when asked for"
    if dataset.frames is not None:
        height, width = dataset.frames.shape[1:3]
        frames = f"{height}x{width} pixels, drawn by {text(manifest.get('renderer'))}"
        frames += f", everybody as {text(manifest['drawn_as'])}" if "drawn_as" in manifest else ""
    spawns = np.unique(episodes["spawn"], return_counts=True)[1]
    seeds = len(np.unique(episodes["seed"]))
    return [
        ("License", _license(manifest)),
        ("How it was made", _made(dataset)),
        ("Population", text(manifest.get("population", "not stated"))),
        (
            "Seed",
            f"{text(manifest.get('seed', 'not stated'))}; {seeds:,} different seeds of episodes, each replays alone",
        ),
        ("Environment", listed or "not stated"),
        ("Frames", frames),
        ("Characters", _counted(episodes["character"], CHARACTERS)),
        ("Spawn points", " / ".join(f"{count:,}" for count in spawns) + " episodes"),
        ("Ground truth", _ground_truth(dataset)),
        ("Versions", made_with or "not stated"),
    ]


def _known(manifest: dict[str, Any]) -> str | None:
    """Returns the name of the population, if it is one of ours."""
    population = manifest.get("population")
    return population if isinstance(population, str) and population in POPULATIONS else None


def _license(manifest: dict[str, Any]) -> str:
    if "license" in manifest:
        return text(manifest["license"])
    if _known(manifest):
        return "MIT, as the program that played and drew it (the manifest names no other). No data about real people."
    return "not stated in the manifest; ask whoever made it"


def _made(dataset: Dataset) -> str:
    """Returns the command that collects the same, or what the manifest says of its sources."""
    manifest = dataset.manifest
    sources, environment = manifest.get("sources"), manifest["environment"]
    if isinstance(sources, list):
        names = ", ".join(text(source.get("name")) for source in sources[:20] if isinstance(source, dict))
        return f"{text(manifest.get('made_by', 'made'))}, from {names}"
    population = _known(manifest)
    if population is None or not isinstance(manifest.get("seed"), int):
        return "not stated"
    size = ["None"] if dataset.frames is None else [str(side) for side in dataset.frames.shape[1:3]]
    command = ["python", "-m", "agents.collect", dataset.directory.resolve().name, "--episodes", str(len(dataset))]
    command += ["--population", population, "--seed", str(manifest["seed"]), "--image-size", *size]
    for option, usual in (("character", "rider"), ("variety", "none")):
        if environment.get(option, usual) != usual:
            command += [f"--{option}", str(environment[option])[:LONGEST]]
    return f"<code>{escape(shlex.join(command))}</code>; the same versions give the same bytes"


def _counted(values: np.ndarray, names: Sequence[str] | dict[str, Any]) -> str:
    counts = [(name, int((values == name).sum())) for name in names]
    return ", ".join(f"{name} {count:,}" for name, count in counts if count)


def _ground_truth(dataset: Dataset) -> str:
    first = dataset.trajectory(0)
    truth = ["mode of each episode"] if first.mode else []
    truth += ["person and skill"] if first.person >= 0 else []
    truth += ["goal of each step"] if first.goals is not None else []
    return ", ".join(["exact simulator state of each step", *truth])


def _shares(dataset: Dataset) -> str:
    """Returns the table of the population: the share that each choice was to have, and has."""
    shares = dataset.manifest.get("shares")
    if not isinstance(shares, dict):
        return ""
    rows = []
    for choice, planned in list(shares.items())[:40]:
        modes = [SIDED[choice].format(side) for side in SIDES] if choice in SIDED else [choice]
        count = int(np.isin(dataset.episodes["mode"], modes).sum())
        low, high = wilson_interval(count, len(dataset))
        wanted = f"{100 * planned:.1f}%" if isinstance(planned, float) else text(planned)
        found = f"{100 * count / len(dataset):.1f}% <small>[{100 * low:.1f}, {100 * high:.1f}]</small>"
        rows.append(("", [text(choice), wanted, found, f"{count:,}"]))
    note = "<p>The share of episodes that each choice was to have, and the one it has, with 95% intervals.</p>"
    return "<h3>Population</h3>" + note + page.table(["choice", "to have", "has", "episodes"], rows)


def _stated_biases(manifest: dict[str, Any]) -> tuple[str, ...]:
    population = _known(manifest)
    if population is None:
        return (UNKNOWN_BIAS,)
    if population == "waypoint":
        return ("<b>A bot, not people:</b> from way point to way point, without delay, noise or habits.",)
    special = {"human": HUMAN_BIAS, "curated": CURATED_BIAS}
    return (*((special[population],) if population in special else ()), *SCRIPTED_BIASES)


def _measured_biases(episodes: np.ndarray, counts: DatasetCounts) -> list[str]:
    """Says what the episodes lack or lean to."""
    found = []
    left, right = (int((episodes["pad"] == PADS.index(side)).sum()) for side in ("left", "right"))
    if left + right:
        low, high = wilson_interval(left, left + right)
        share = f"{100 * left / (left + right):.0f}% [{100 * low:.0f}, {100 * high:.0f}]"
        found.append(
            f"<b>Measured: sides.</b> Of {left + right:,} episodes at an outer pad, {share} are at the left one."
        )
    absent = [name for name in CHARACTERS if not (episodes["character"] == name).any()]
    if absent:
        found.append(f"<b>Measured: characters.</b> Nobody plays {', '.join(absent)}.")
    moved = counts.sticks.sum(axis=1) - counts.sticks[:, gamepad.CENTER]
    used = dict(zip((*gamepad.AXES, *gamepad.BUTTONS), [*moved, *counts.presses], strict=True))
    if unused := [name for name, times in used.items() if not times]:
        found.append(f"<b>Measured: the gamepad.</b> Nobody uses {', '.join(unused)}.")
    if (fell := int(episodes["fell"].sum())) == 0:
        found.append("<b>Measured: falls.</b> Nobody falls off the island.")
    else:
        found.append(f"<b>Measured: falls.</b> {fell:,} of {len(episodes):,} episodes end with a fall off the island.")
    return found


def _files(dataset: Dataset) -> str:
    rows = []
    for name, digest in dataset.manifest["files"].items():
        size = (dataset.directory / name).stat().st_size
        rows.append(("", [text(name), f"{size / 1e6:,.2f} MB", f"<code>{text(digest)}</code>"]))
    return page.table(["file", "size", "sha256"], rows)
