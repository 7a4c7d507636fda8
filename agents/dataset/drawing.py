"""Rendering the frames of recorded episodes from their states, exactly as the live environment does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agents.progress import Progress
from agents.workers.blocks import in_order
from agents.workers.interface import Here, Workers
from jumppad_env.dataset.blocks import BlockHasher, hash_file
from jumppad_env.dataset.format import EPISODE, GrowingArray, whole_rows
from jumppad_env.dataset.writing import DRAWN, write_blocks
from jumppad_env.drawing import Painter
from jumppad_env.files import write_atomically
from jumppad_env.levels import LevelSettings
from jumppad_env.world.options import Options

CHUNK_BYTES = 2**24
"""Bytes of frames rendered at a time."""
SYNC_SECONDS = 2.0
"""Time between flushes; frames rendered since the last one are lost in an interruption."""


def draw_frames(folder: Path, options: Options, character: str | None, workers: Workers) -> str:
    """Renders the frames of an unfinished dataset into frames.npy, and blocks.npy; resumes after an interruption.

    Args:
        folder: directory with episodes.npy and states.npy, which are finished.
        options: keywords of the environment: size, variety, and what levels are like.
        character: character to show in all episodes; None: the one that was played.
        workers: where they are rendered: by the threads of this process, or elsewhere.

    Returns:
        The sha256 of frames.npy.

    Raises:
        OSError: writing failed.
    """
    episodes = whole_rows(folder / "episodes.npy", EPISODE, ())
    states = np.load(folder / "states.npy", mmap_mode="r")
    starts, characters = np.array(episodes["start"]), np.array(episodes["character"])
    if character is not None:
        characters[:] = character
    path, shape, byte = folder / "frames.npy", (*options.image_size, 3), np.dtype(np.uint8)
    drawn = _count_drawn(folder, path, shape)
    hasher = BlockHasher()
    array = GrowingArray(path, byte, shape, rows=drawn, final=len(states))
    rows_at_once = max(1, CHUNK_BYTES // int(np.prod(shape)))

    def scenes() -> Iterator[tuple[np.ndarray, list[str]]]:
        for start in range(drawn, len(states), rows_at_once):
            rows = slice(start, min(start + rows_at_once, len(states)))
            of = np.searchsorted(starts, np.arange(rows.start, rows.stop), side="right") - 1
            yield states[rows], characters[of].tolist()

    with (
        Progress(total=len(states), initial=drawn, description="draw", unit="frame", unit_scale=True) as bar,
        ThreadPoolExecutor(1) as writer,
    ):
        written = writer.submit(hash_file, path, hasher)
        synced = time.monotonic()
        try:
            for frames in draw_scenes(workers, look_of(options), scenes(), rows_at_once):
                written.result()
                if time.monotonic() - synced > SYNC_SECONDS:
                    array.sync()
                    write_atomically(folder / DRAWN, str(array.rows).encode())
                    synced = time.monotonic()
                written = writer.submit(_write, array, hasher, frames)
                bar.update(len(frames))
            written.result()
            array.finish()
        finally:
            writer.shutdown()  # before its file is closed
            array.close()
    return write_blocks(folder, hasher)


class Look(NamedTuple):
    """What frames look like besides their states."""

    size: tuple[int, int]
    """Height and width."""
    variety: Any
    """Keyword of the environment."""
    settings: LevelSettings | None
    """What levels are like; None: the classic island."""

    def painter(self, threads: int) -> Painter:
        """Makes a painter."""
        return Painter(*self.size, threads=threads, variety=self.variety, settings=self.settings)


def look_of(options: Options) -> Look:
    """Returns the look of an environment's frames."""
    return Look(options.image_size, options.variety, options.settings)


Scenes = Iterator[tuple[np.ndarray, list[str]]]
"""States (rows, columns) and the characters in them."""


def draw_scenes(workers: Workers, look: Look, scenes: Scenes, most: int) -> Iterator[np.ndarray]:
    """Yields the frames (rows, height, width, 3) of each scene; they may be overwritten by those after the next ones.

    Args:
        workers: where they are rendered.
        look: of the frames.
        scenes: what they show.
        most: rows of the largest scene.
    """
    if isinstance(workers, Here):
        return _draw_here(look, scenes, most, workers.threads)
    return in_order(workers, _draw_scene, ((look, *scene) for scene in scenes))


def _draw_here(look: Look, scenes: Scenes, most: int, threads: int) -> Iterator[np.ndarray]:
    buffers = [np.empty((most, *look.size, 3), np.uint8) for _ in range(2)]  # one is rendered, the other written
    painter = look.painter(threads)
    try:
        for number, (states, characters) in enumerate(scenes):
            frames = buffers[number % 2][: len(states)]
            painter.draw(states, characters, frames)
            yield frames
    finally:
        painter.close()


def _draw_scene(look: Look, states: np.ndarray, characters: list[str]) -> np.ndarray:
    frames = np.empty((len(states), *look.size, 3), np.uint8)
    _painter(look).draw(states, characters, frames)
    return frames


@lru_cache(1)
def _painter(look: Look) -> Painter:
    """Returns the painter of this process, kept for its next scene."""
    return look.painter(1)


def _count_drawn(folder: Path, path: Path, shape: tuple[int, ...]) -> int:
    """Returns the number of frames that need not be rendered again."""
    try:
        said = int((folder / DRAWN).read_text())
        return min(said, len(whole_rows(path, np.dtype(np.uint8), shape)))
    except (FileNotFoundError, ValueError):
        return 0


def _write(array: GrowingArray, hasher: BlockHasher, frames: np.ndarray) -> None:
    array.append(frames)
    hasher.update(frames.data)
