"""Drawing the frames of episodes that were played: what the live environment shows is drawn from the states alone."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from jumppad_env.dataset.format import EPISODE, GrowingArray, whole_rows
from jumppad_env.dataset.packed_states import PACKED
from jumppad_env.dataset.reading import States
from jumppad_env.drawing import Painter
from jumppad_env.files import write_atomically

CHUNK_BYTES = 2**24
"""Of frames drawn at a time."""
DRAWN = "drawn"
"""File that says how many frames have reached the disk."""
SYNC_SECONDS = 2.0
"""What was drawn since the last time is drawn again after an interruption."""


def draw_frames(folder: Path, size: tuple[int, int], variety: str, character: str | None, threads: int) -> str:
    """Draws the frames of an unfinished dataset into its frames.npy; goes on where it was interrupted.

    Args:
        folder: holds episodes.npy and states.npy.
        size: height and width.
        variety: as of the environment.
        character: who is seen; None: who played.
        threads: that draw.

    Returns:
        The file's sha256.

    Raises:
        OSError: it cannot be written.
    """
    episodes = whole_rows(folder / "episodes.npy", EPISODE, ())
    states = States(whole_rows(folder / "states.npy", np.dtype(np.float64), (len(PACKED),)), episodes)
    starts, characters = np.array(episodes["start"]), np.array(episodes["character"])
    if character is not None:
        characters[:] = character
    path, shape, byte = folder / "frames.npy", (*size, 3), np.dtype(np.uint8)
    drawn = _count_drawn(folder, path, shape)
    digest = hashlib.sha256()
    array = GrowingArray(path, byte, shape, rows=drawn, final=len(states))
    painter = Painter(*size, threads=threads, variety=variety)
    rows_at_once = max(1, CHUNK_BYTES // int(np.prod(shape)))
    buffers = [np.empty((rows_at_once, *shape), np.uint8) for _ in range(2)]  # one is drawn, the other is written
    with (
        tqdm(total=len(states), initial=drawn, desc="draw", unit="frame", unit_scale=True, dynamic_ncols=True) as bar,
        ThreadPoolExecutor(1) as writer,
    ):
        written = writer.submit(_hash_file, path, digest)
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
                written = writer.submit(_write, array, digest, frames)
                bar.update(len(frames))
            written.result()
            array.finish()
        finally:
            writer.shutdown()  # before the file that it writes to is closed
            array.close()
            painter.close()
    return digest.hexdigest()


def _count_drawn(folder: Path, path: Path, shape: tuple[int, ...]) -> int:
    """Returns how many frames need not be drawn again."""
    try:
        said = int((folder / DRAWN).read_text())
        return min(said, len(whole_rows(path, np.dtype(np.uint8), shape)))
    except (FileNotFoundError, ValueError):
        return 0


def _hash_file(path: Path, digest: Any) -> None:
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)


def _write(array: GrowingArray, digest: Any, frames: np.ndarray) -> None:
    array.append(frames)
    digest.update(frames.data)
