"""Verification of datasets: checksums of the files, replay of all episodes, and re-rendering of some frames.

Every fault names the file that it was found in.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gymnasium.utils import seeding

from agents.dataset.drawing import Look, draw_scenes
from agents.progress import Progress
from agents.workers import Here, Workers, open_workers
from agents.workers.blocks import in_order
from agents.worlds import WorldConfig, world_of
from jumppad_env import gamepad
from jumppad_env.dataset import Dataset
from jumppad_env.dataset.reading import check_files, read_manifest
from jumppad_env.drawing import RENDERER
from jumppad_env.files import MANIFEST
from jumppad_env.streams import stream
from jumppad_env.world.episodes import Episodes

ROWS = 256
"""Episodes replayed and frames rendered at a time."""
TOLERANCE = 2.0
"""Mean difference (0 to 255) allowed for frames of another renderer."""
SHOWN = 5
"""Number of faults of one kind that are listed; the others are only counted."""


def verify(
    directory: Path, frames: int, threads: int, seed: int = 0, cluster: str | None = None
) -> tuple[list[str], list[str]]:
    """Verifies a dataset.

    Args:
        directory: directory of the dataset.
        frames: number of random frames to render again; all if there are fewer.
        threads: number of threads that replay and render.
        seed: seed of the choice of frames.
        cluster: address of a Ray cluster that replays and renders instead.

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
        with open_workers(threads, cluster, jobs=1) as workers:
            faults = _play_faults(dataset, workers)
            others = dataset.state_columns[len(world_of(manifest["environment"]).state_columns) :]
            besides = f" (without {', '.join(others)}, which this version does not play)" if others else ""
            told = f"{len(dataset)} episodes, {manifest['steps']} steps, replayed bit for bit{besides}"
            right += [] if faults else [told]
            if not faults and dataset.goals is not None and dataset.goals.max() >= len(manifest["goals"]):
                faults.append(f"goals.npy: goal {dataset.goals.max()} has no name, there are {len(manifest['goals'])}")
            if not faults and dataset.frames is not None:
                faults, told = _frame_faults(dataset, frames, workers, seed)
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


class Batch(NamedTuple):
    """Episodes of similar length that are replayed together."""

    indices: np.ndarray
    """(E,)."""
    episodes: np.ndarray
    """(E,), their rows of episodes.npy."""
    states: list[np.ndarray]
    """(T, columns) each."""
    actions: list[np.ndarray]
    """(T, 16) each."""


def _play_faults(dataset: Dataset, workers: Workers) -> list[str]:
    """Replays all episodes, many at a time, from their seeds and first states."""
    order = np.argsort(dataset.episodes["length"], kind="stable")
    count = min(ROWS, len(order))
    world = world_of(dataset.manifest["environment"])

    def batches() -> Iterator[tuple[Batch, int, WorldConfig]]:
        for first in range(0, len(order), count):
            indices = order[first : first + count]
            told = np.array(dataset.episodes[indices])
            spans = [slice(start, start + length) for start, length in zip(told["start"], told["length"], strict=True)]
            states = [dataset.states[span, : len(world.state_columns)] for span in spans]
            actions = [dataset.actions[span] for span in spans]
            yield Batch(indices, told, states, actions), count, world

    faults: list[str] = []
    threads = workers.threads if isinstance(workers, Here) else 1
    with Progress(total=len(order), description="replay", unit="episode") as bar:
        for number, found in enumerate(in_order(workers, _replay, batches(), threads)):
            faults += found
            bar.update(min(count, len(order) - number * count))
    return [*faults[:SHOWN], f"... and {len(faults) - SHOWN} more episodes"] if len(faults) > SHOWN else faults


@lru_cache(1)
def _episodes(count: int, threads: int, world: WorldConfig) -> Episodes:
    """Returns the environment of this process, kept for its next batch."""
    return Episodes(count, world.options(observation="state"), threads)


def _replay(threads: int, batch: Batch, count: int, where: WorldConfig) -> list[str]:
    """Replays episodes together and returns at most one fault per episode."""
    episodes = _episodes(count, threads, where)
    world, told = episodes.world, batch.episodes
    faults: list[str] = []
    wrong: set[int] = set()
    for row, episode in enumerate(told):
        first = batch.states[row][0]
        seed, character = int(episode["seed"]), str(episode["character"])
        generator = seeding.np_random(max(seed, 0))[0]
        episodes.reset(row, generator, {"character": character})
        if seed >= 0 and world.get_state(row).tobytes() != first.tobytes():
            wrong.add(row)
            faults.append(f"states.npy: episode {batch.indices[row]} does not start as its seed {seed} does")
        try:
            world.set_state(row, first)
        except ValueError as error:
            if row not in wrong:
                faults.append(f"states.npy: episode {batch.indices[row]}, step 0: {error}")
            wrong.add(row)
    actions = np.tile(gamepad.NEUTRAL, (world.count, 1))
    for step in range(int(told["length"].max())):
        actions[:] = gamepad.NEUTRAL
        for row in np.flatnonzero(told["length"] > step).tolist():
            actions[row] = batch.actions[row][step]
        world.step(actions)
        states = world.states()
        for row in np.flatnonzero(told["length"] > step + 1).tolist():
            stored = batch.states[row][step + 1]
            different = states[row].view(np.int64) != stored.view(np.int64)
            if row not in wrong and different.any():
                column = int(different.argmax())
                wrong.add(row)
                faults.append(
                    f"states.npy: episode {batch.indices[row]}, step {step + 1}: {world.columns[column]} is "
                    f"{float(stored[column])!r}, in the replay {float(states[row, column])!r}"
                )
        for row in np.flatnonzero(told["length"] == step + 1).tolist():
            pad, fell = int(episodes.taken()[row, -1]), bool(world.fell[row] and world.pad[row] < 0)
            if row not in wrong and (pad, fell) != (told["pad"][row], told["fell"][row]):
                faults.append(
                    f"episodes.npy: episode {batch.indices[row]} ends with pad {told['pad'][row]}, "
                    f"fell {told['fell'][row]}; in the replay {pad}, {fell}"
                )
    return faults


def _frame_faults(dataset: Dataset, frames: int, workers: Workers, seed: int) -> tuple[list[str], str]:
    """Renders frames again; returns the faults, and a summary for the case that there are none."""
    assert dataset.frames is not None
    manifest = dataset.manifest
    steps, size = manifest["steps"], dataset.frames.shape[1:3]
    exact = manifest.get("renderer") == RENDERER
    variety = manifest["environment"].get("variety", "none")
    settings = world_of(manifest["environment"]).settings
    look = Look(size, tuple(variety) if isinstance(variety, list) else variety, settings)
    rows = np.sort(stream(seed, "verify").choice(steps, min(frames, steps), replace=False))
    starts = np.array(dataset.episodes["start"])

    def scenes() -> Iterator[tuple[np.ndarray, list[str]]]:
        for first in range(0, len(rows), ROWS):
            yield dataset.states[rows[first : first + ROWS]], characters[first : first + ROWS]

    of = np.searchsorted(starts, rows, side="right") - 1
    characters = [manifest.get("drawn_as", str(name)) for name in dataset.episodes["character"][of]]
    faults: list[str] = []
    with Progress(total=len(rows), description="render", unit="frame") as bar:
        for number, drawn in enumerate(draw_scenes(workers, look, scenes(), ROWS)):
            some = slice(number * ROWS, number * ROWS + len(drawn))
            off = np.abs(dataset.frames[rows[some]].astype(np.int16) - drawn).mean(axis=(1, 2, 3))
            for index in np.flatnonzero(off > (0 if exact else TOLERANCE)).tolist():
                episode, row = of[some][index], rows[some][index]
                place = f"episode {episode}, step {row - starts[episode]}"
                faults.append(
                    f"frames.npy: {place}: differs from a new rendering by {off[index]:.2f} of 255 on average"
                )
            bar.update(len(drawn))
    if len(faults) > SHOWN:
        faults[SHOWN:] = [f"... and {len(faults) - SHOWN} more frames"]
    how = "exactly" if exact else f"to within {TOLERANCE:g} of 255 (rendered by {manifest.get('renderer')!r})"
    return faults, f"{len(rows)} of {steps} frames, rendered again {how}"
