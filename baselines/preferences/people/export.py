"""From answers to comparisons that a reward model learns from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from baselines import artifact
from baselines.preferences.comparisons import FILE
from baselines.preferences.people.agreement import trust
from baselines.preferences.people.store import Given, read_answers
from jumppad_env.dataset.reading import read_manifest
from jumppad_env.files import content_digest

PARTS = {"train": "training", "held_out": "held-out"}
"""Of comparisons, with their names in words."""


class TooFew(ValueError):
    """There are too few answers for comparisons."""


@dataclass(frozen=True)
class PeopleConfig:
    """Which answers comparisons are made of."""

    question: str
    """What people were asked."""
    answers: str
    """Digest of the answers."""


def digest_of(given: Sequence[Given]) -> str:
    """Returns a digest that other answers, or fewer, do not have."""
    return hashlib.sha256("\n".join(one.key for one in given).encode()).hexdigest()


def export_answers(labels: Path, rollouts: Path, out: Path) -> None:
    """Writes the answers of a directory as comparisons, an artifact like that of `baselines.preferences`.

    A tie counts half for either episode. Who cannot tell, or skips, says nothing; repeats and golden pairs only measure
    trust. A pair that several people answered is one comparison for each of them.

    Args:
        labels: Directory with the answers.
        rollouts: Dataset of the episodes that were compared.
        out: Directory of the comparisons.

    Raises:
        FileNotFoundError: There are no answers.
        ValueError: They are damaged, of other episodes, or too few: none for training, or none held-out.
    """
    about, given, _ = read_answers(labels)
    if "agent" in about:
        raise ValueError(
            f"the answers in {labels} are about an agent's fresh episodes, round by round, and {labels}/round-*/agent "
            f"has learned from them; label {rollouts} to go on from there"
        )
    if about.get("rollouts") != content_digest(read_manifest(rollouts)):
        raise ValueError(
            f"the answers in {labels} are about other episodes than {rollouts}; give those that were compared"
        )
    write_comparisons(about["question"], given, rollouts, out)


def write_comparisons(question: str, given: Sequence[Given], rollouts: Path, out: Path) -> None:
    """Writes valid answers as comparisons; see `export_answers`."""
    told = [one for one in given if one.value is not None and not one.repeat]
    parts = {part: [one for one in told if one.purpose == part] for part in PARTS}
    for part, some in parts.items():
        if not any(one.value != 0.5 for one in some):
            raise TooFew(f"{len(given)} answers so far, but no {PARTS[part]} pair has a clear winner yet; answer more")
    config = PeopleConfig(question, digest_of(given))
    with artifact.begin(out, kind="preferences", config=config, seed=0, inputs={"rollouts": rollouts}) as work:
        if work.finished:
            return
        arrays = {}
        for part, some in parts.items():
            first, second = (np.array([getattr(one, name) for one in some]) for name in ("first", "second"))
            values = np.array([one.value for one in some])
            arrays[f"{part}_chosen"] = np.where(values < 0.5, second, first)
            arrays[f"{part}_rejected"] = np.where(values < 0.5, first, second)
            arrays[f"{part}_probability"] = np.maximum(values, 1 - values)
            work.metrics[part] = {"comparisons": len(some), "ties": int((values == 0.5).sum())}
        np.savez(work.directory / FILE, **arrays)
        work.metrics["people"] = dict(sorted(Counter(one.annotator for one in given).items()))
        work.metrics["trust"] = trust(given)
