"""Rendering the frames of recorded episodes from their states, exactly as the live environment does."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from agents.progress import Progress
from jumppad_env.dataset.blocks import BlockHasher, hash_file
from jumppad_env.dataset.format import EPISODE, GrowingArray, whole_rows
from jumppad_env.dataset.packed_states import PACKED
from jumppad_env.dataset.reading import States
from jumppad_env.dataset.writing import DRAWN, write_blocks
from jumppad_env.drawing import Painter
from jumppad_env.files import write_atomically

CHUNK_BYTES = 2**24
"""Bytes of frames rendered at a time."""
SYNC_SECONDS = 2.0
"""Time between flushes; frames rendered since the last one are lost in an interruption."""


def draw_frames(folder: Path, size: tuple[int, int], variety: str, character: str | None, threads: int) -> str:
    """Renders the frames of an unfinished dataset into frames.npy, and blocks.npy; resumes after an interruption.

    Args:
        folder: directory with episodes.npy and states.npy.
        size: height and width.
        variety: keyword of the environment.
        character: character to show in all episodes; None: the one that was played.
        threads: number of rendering threads.

    Returns:
        The sha256 of frames.npy.

    Raises:
        OSError: writing failed.
    """
    episodes = whole_rows(folder / "episodes.npy", EPISODE, ())
    states = States(whole_rows(folder / "states.npy", np.dtype(np.float64), (len(PACKED),)), episodes)
    starts, characters = np.array(episodes["start"]), np.array(episodes["character"])
    if character is not None:
        characters[:] = character
    path, shape, byte = folder / "frames.npy", (*size, 3), np.dtype(np.uint8)
    drawn = _count_drawn(folder, path, shape)
    hasher = BlockHasher()
    array = GrowingArray(path, byte, shape, rows=drawn, final=len(states))
    painter = Painter(*size, threads=threads, variety=variety)
    rows_at_once = max(1, CHUNK_BYTES // int(np.prod(shape)))
    buffers = [np.empty((rows_at_once, *shape), np.uint8) for _ in range(2)]  # one is rendered, the other written
    with (
        Progress(total=len(states), initial=drawn, description="draw", unit="frame", unit_scale=True) as bar,
        ThreadPoolExecutor(1) as writer,
    ):
        written = writer.submit(hash_file, path, hasher)
        synced = time.monotonic()
        try:
            for number, start in enumerate(range(drawn, len(states), rows_at_once)):
                rows = slice(start, min(start + rows_at_once, len(states)))
                frames = buffers[number % 2][: rows.stop - start]
                of = np.searchsorted(starts, np.arange(rows.start, rows.stop), side="right") - 1
                painter.draw(states[rows], characters[of].tolist(), frames)
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
            painter.close()
    return write_blocks(folder, hasher)


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
