"""The card of a dataset: license, origin, how to verify it, known biases; `card.html` lays it out.

Everything comes from the manifest and the episodes. A dataset may come from a stranger, so every string is cut (and
escaped by the template), and no value is trusted to have the right type.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from agents.dataset.statistics.counts import DatasetCounts
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
NOT_STATED = "not stated"


def shown(value: object, longest: int = LONGEST) -> str:
    """Returns any value as plain text, cut after so many characters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= longest else text[:longest] + " ..."


def card(dataset: Dataset, counts: DatasetCounts) -> dict[str, Any]:
    """Returns the values of `card.html`."""
    manifest = dataset.manifest
    name = shlex.quote(dataset.directory.resolve().name)
    return {
        "facts": [(fact, text) for fact, text in _facts(dataset) if text],
        "shares": _shares(dataset),
        "verify": f"python -m agents.dataset verify {name}",
        "rerender": f"python -m agents.dataset rerender {name} redrawn --image-size 128 128",
        "population": _population(manifest),
        "measured": _measured(dataset, counts),
        "files": [
            (shown(file), (dataset.directory / file).stat().st_size / 1e6, shown(digest))
            for file, digest in manifest["files"].items()
        ],
        "manifest": shown(json.dumps(manifest, indent=2, default=str), LONGEST_MANIFEST),
    }


def _facts(dataset: Dataset) -> list[tuple[str, str]]:
    manifest, episodes = dataset.manifest, dataset.episodes
    versions = manifest.get("versions")
    frames = "none stored; the dataset holds states, and frames are rendered on demand"
    if dataset.frames is not None:
        height, width = dataset.frames.shape[1:3]
        frames = f"{height}x{width} pixels, rendered by {shown(manifest.get('renderer'))}"
        frames += f", every character drawn as {shown(manifest['drawn_as'])}" if "drawn_as" in manifest else ""
    spawns = np.unique(episodes["spawn"], return_counts=True)[1]
    seeds = len(np.unique(episodes["seed"]))
    return [
        ("License", _license(manifest)),
        ("Origin", _origin(dataset)),
        ("Population", shown(manifest.get("population", NOT_STATED))),
        (
            "Seed",
            f"{shown(manifest.get('seed', NOT_STATED))}; {seeds:,} distinct episode seeds, and each replays on its own",
        ),
        ("Environment", _pairs(manifest["environment"], ": ") or NOT_STATED),
        ("Frames", frames),
        ("Characters", _counted(episodes["character"], CHARACTERS)),
        ("Spawn points", " / ".join(f"{count:,}" for count in spawns) + " episodes"),
        ("Ground truth", _ground_truth(dataset)),
        ("Versions", (_pairs(versions, " ") if isinstance(versions, dict) else "") or NOT_STATED),
    ]


def _pairs(values: dict[str, Any], between: str) -> str:
    return ", ".join(f"{shown(key)}{between}{shown(value)}" for key, value in list(values.items())[:20])


def _population(manifest: dict[str, Any]) -> str | None:
    """Returns the name of the population if it is one of ours."""
    population = manifest.get("population")
    return population if isinstance(population, str) and population in POPULATIONS else None


def _license(manifest: dict[str, Any]) -> str:
    if "license" in manifest:
        return shown(manifest["license"])
    if _population(manifest):
        return "MIT, like the program that generated it (the manifest names no other). No data about real people."
    return "not stated in the manifest; ask the authors of the dataset"


def _origin(dataset: Dataset) -> str:
    """Returns the command that collects the same dataset, or what the manifest says about its sources."""
    manifest = dataset.manifest
    sources, environment = manifest.get("sources"), manifest["environment"]
    if isinstance(sources, list):
        names = ", ".join(shown(source.get("name")) for source in sources[:20] if isinstance(source, dict))
        return f"{shown(manifest.get('made_by', 'made'))}, from {names}"
    population = _population(manifest)
    if population is None or not isinstance(manifest.get("seed"), int):
        return NOT_STATED
    size = ["None"] if dataset.frames is None else [str(side) for side in dataset.frames.shape[1:3]]
    command = ["python", "-m", "agents.collect", dataset.directory.resolve().name, "--episodes", str(len(dataset))]
    command += ["--population", population, "--seed", str(manifest["seed"]), "--image-size", *size]
    for option, usual in (("character", "rider"), ("variety", "none")):
        if environment.get(option, usual) != usual:
            command += [f"--{option}", str(environment[option])[:LONGEST]]
    return Markup("<code>{}</code>; the same versions give the same bytes").format(shlex.join(command))


def _counted(values: np.ndarray, names: Sequence[str] | dict[str, Any]) -> str:
    counts = [(name, int((values == name).sum())) for name in names]
    return ", ".join(f"{name} {count:,}" for name, count in counts if count)


def _ground_truth(dataset: Dataset) -> str:
    first = dataset.trajectory(0)
    truth = ["mode of each episode"] if first.mode else []
    truth += ["person and skill"] if first.person >= 0 else []
    truth += ["goal of each step"] if first.goals is not None else []
    return ", ".join(["exact simulator state of each step", *truth])


def _shares(dataset: Dataset) -> list[dict[str, Any]]:
    """Returns the planned and the actual share of each choice that the population makes; empty if none is planned."""
    shares = dataset.manifest.get("shares")
    rows = []
    for choice, planned in list(shares.items())[:40] if isinstance(shares, dict) else ():
        modes = [SIDED[choice].format(side) for side in SIDES] if choice in SIDED else [choice]
        count = int(np.isin(dataset.episodes["mode"], modes).sum())
        rows.append(
            {
                "choice": shown(choice),
                "planned": f"{planned:.1%}" if isinstance(planned, float) else shown(planned),
                "share": count / len(dataset),
                "interval": wilson_interval(count, len(dataset)),
                "episodes": count,
            }
        )
    return rows


def _measured(dataset: Dataset, counts: DatasetCounts) -> dict[str, Any]:
    """Returns what the episodes lack or lean to."""
    episodes = dataset.episodes
    left, right = (int((dataset.places == PADS.index(side)).sum()) for side in ("left", "right"))
    moved = counts.sticks.sum(axis=1) - counts.sticks[:, gamepad.CENTER]
    used = dict(zip((*gamepad.AXES, *gamepad.BUTTONS), [*moved, *counts.presses], strict=True))
    return {
        "left": left,
        "outer": left + right,
        "interval": wilson_interval(left, left + right) if left + right else None,
        "absent": [name for name in CHARACTERS if not (episodes["character"] == name).any()],
        "unused": [name for name, times in used.items() if not times],
        "fell": int(episodes["fell"].sum()),
        "episodes": len(episodes),
    }
