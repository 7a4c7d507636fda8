"""Verification of datasets: checksums of the files, replay of all episodes, and re-rendering of some frames.

Every fault names the file that it was found in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from agents.progress import Progress
from jumppad_env import gamepad
from jumppad_env.dataset import Dataset
from jumppad_env.dataset.reading import check_files, read_manifest
from jumppad_env.drawing import RENDERER, Painter
from jumppad_env.files import MANIFEST
from jumppad_env.streams import stream
from jumppad_env.world import STATE
from jumppad_env.world.episodes import Episodes
from jumppad_env.world.options import Options

ROWS = 256
"""Episodes replayed and frames rendered at a time."""
TOLERANCE = 2.0
"""Mean difference (0 to 255) allowed for frames of another renderer."""
SHOWN = 5
"""Number of faults of one kind that are listed; the others are only counted."""


def verify(directory: Path, frames: int, threads: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Verifies a dataset.

    Args:
        directory: directory of the dataset.
        frames: number of random frames to render again; all if there are fewer.
        threads: number of threads that replay and render.
        seed: seed of the choice of frames.

    Returns:
        The faults, one line each, and the checks that passed.

    Raises:
        FileNotFoundError: there is no dataset.
    """
    if not (directory / MANIFEST).is_file():
        read_manifest(directory)  # raises
    try:
        manifest = read_manifest(directory)
        faults = file_faults(directory, manifest)
        if faults:
            return faults, []
        right = [f"checksums of {len(manifest['files'])} files and of {MANIFEST}"]
        dataset = Dataset(directory)
        faults = list(_play_faults(dataset, threads))
        right += [] if faults else [f"{len(dataset)} episodes, {manifest['steps']} steps, replayed bit for bit"]
        if not faults and dataset.goals is not None and dataset.goals.max() >= len(manifest["goals"]):
            faults.append(f"goals.npy: goal {dataset.goals.max()} has no name, there are {len(manifest['goals'])}")
        if not faults and dataset.frames is not None:
            faults, told = _frame_faults(dataset, frames, threads, seed)
            right += [] if faults else [told]
        return faults, right
    except (ValueError, FileNotFoundError, RecursionError) as error:
        return [" ".join(str(error).split())], []


def file_faults(directory: Path, manifest: dict[str, Any]) -> list[str]:
    """Returns which files of a dataset differ from its manifest, one line each."""
    faults = []
    for name in Progress(manifest["files"], description="checksums", unit="file"):
        if check_files(directory, manifest, (name,)):
            faults.append(f"{name}: its checksum differs from the manifest")
    return faults


def _play_faults(dataset: Dataset, threads: int) -> Iterator[str]:
    """Replays all episodes, many at a time, from their seeds and first states."""
    order = np.argsort(dataset.episodes["length"], kind="stable")
    count = min(ROWS, len(order))
    episodes = Episodes(count, Options(observation="state"), threads)
    faults = 0
    with Progress(total=len(order), description="replay", unit="episode") as bar:
        for first in range(0, len(order), count):
            batch = order[first : first + count]
            for fault in _batch_faults(dataset, episodes, batch):
                faults += 1
                if faults <= SHOWN:
                    yield fault
            bar.update(len(batch))
    if faults > SHOWN:
        yield f"... and {faults - SHOWN} more episodes"


def _batch_faults(dataset: Dataset, episodes: Episodes, batch: np.ndarray) -> Iterator[str]:
    """Replays episodes of similar length together and yields at most one fault per episode."""
    world = episodes.world
    told = dataset.episodes[batch]
    wrong: set[int] = set()
    for row, episode in enumerate(told):
        first = dataset.states[int(episode["start"])]
        seed, character = int(episode["seed"]), str(episode["character"])
        generator = seeding.np_random(max(seed, 0))[0]
        episodes.reset(row, generator, {"character": character})
        if seed >= 0 and world.get_state(row).tobytes() != first.tobytes():
            wrong.add(row)
            yield f"states.npy: episode {batch[row]} does not start as its seed {seed} does"
        world.set_state(row, first)
    actions = np.tile(gamepad.NEUTRAL, (world.count, 1))
    for step in range(int(told["length"].max())):
        playing = np.flatnonzero(told["length"] > step)
        actions[:] = gamepad.NEUTRAL
        actions[playing] = dataset.actions[told["start"][playing] + step]
        world.step(actions)
        states = world.states()
        going_on = np.flatnonzero(told["length"] > step + 1)
        stored = dataset.states[told["start"][going_on] + step + 1]
        different = states[going_on].view(np.int64) != stored.view(np.int64)
        for index in np.flatnonzero(different.any(axis=1)).tolist():
            row, column = int(going_on[index]), int(different[index].argmax())
            if row not in wrong:
                wrong.add(row)
                yield (
                    f"states.npy: episode {batch[row]}, step {step + 1}: {STATE[column]} is "
                    f"{float(stored[index, column])!r}, in the replay {float(states[row, column])!r}"
                )
        for row in np.flatnonzero(told["length"] == step + 1).tolist():
            pad, fell = int(world.pad[row]), bool(world.fell[row] and world.pad[row] < 0)
            if row not in wrong and (pad, fell) != (told["pad"][row], told["fell"][row]):
                yield (
                    f"episodes.npy: episode {batch[row]} ends with pad {told['pad'][row]}, fell {told['fell'][row]}; "
                    f"in the replay {pad}, {fell}"
                )


def _frame_faults(dataset: Dataset, frames: int, threads: int, seed: int) -> tuple[list[str], str]:
    """Renders frames again; returns the faults, and a summary for the case that there are none."""
    assert dataset.frames is not None
    manifest = dataset.manifest
    steps, size = manifest["steps"], dataset.frames.shape[1:3]
    exact = manifest.get("renderer") == RENDERER
    variety = manifest["environment"].get("variety", "none")
    painter = Painter(*size, threads=threads, variety=tuple(variety) if isinstance(variety, list) else variety)
    rows = np.sort(stream(seed, "verify").choice(steps, min(frames, steps), replace=False))
    starts = np.array(dataset.episodes["start"])
    faults: list[str] = []
    for first in Progress(range(0, len(rows), ROWS), description="render", unit="block"):
        some = rows[first : first + ROWS]
        of = np.searchsorted(starts, some, side="right") - 1
        characters = [manifest.get("drawn_as", str(name)) for name in dataset.episodes["character"][of]]
        drawn = np.empty((len(some), *size, 3), np.uint8)
        painter.draw(dataset.states[some], characters, drawn)
        stored = dataset.frames[some]
        off = np.abs(stored.astype(np.int16) - drawn).mean(axis=(1, 2, 3))
        for index in np.flatnonzero(off > (0 if exact else TOLERANCE)).tolist():
            place = f"episode {of[index]}, step {some[index] - starts[of[index]]}"
            faults.append(f"frames.npy: {place}: differs from a new rendering by {off[index]:.2f} of 255 on average")
    painter.close()
    if len(faults) > SHOWN:
        faults[SHOWN:] = [f"... and {len(faults) - SHOWN} more frames"]
    how = "exactly" if exact else f"to within {TOLERANCE:g} of 255 (rendered by {manifest.get('renderer')!r})"
    return faults, f"{len(rows)} of {steps} frames, rendered again {how}"
