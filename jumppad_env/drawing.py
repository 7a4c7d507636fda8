"""Drawing: pixels of states, seen by the third-person camera.

A `Painter` holds what is drawn and a pool of threads, and hands rows of a batch to the rasterizer. Two qualities come
from the same faces: fast, for agents, and antialiased, for people.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import gymnasium
import numpy as np

from jumppad_env.rasterizer import Scratch, draw_frames
from jumppad_env.scenery import load_camera, load_figure, load_island_mesh, load_light
from jumppad_env.world import STATE

RENDERER = "jumppad software rasterizer 2"
"""Name and version of what draws, for datasets; another version may draw other bytes."""

CHUNK = 8
"""Rows drawn by one job: small enough to balance the threads, large enough to hide the hand-over."""
FINE_BLOCK = 3
"""A pixel for people is the mean of so many times so many."""

CLOSED = "this environment has been closed; make a new one"

_COLUMNS = (STATE.index("camera_yaw"), STATE.index("camera_tilt"), STATE.index("mounted"))


class Painter:
    """Draws states at one size and quality; the same state is the same bytes, however many threads draw."""

    def __init__(self, height: int, width: int, *, fine: bool = False, threads: int = 1) -> None:
        """Prepares; threads start, and shapes are loaded, at the first drawing.

        Args:
            height: pixels.
            width: pixels.
            fine: antialiased, for people; otherwise fast, for agents.
            threads: that draw at the same time, the caller's included.
        """
        self.height, self.width = height, width
        self._block = FINE_BLOCK if fine else 1
        self._threads = threads
        self._scratch: dict[str, list[Scratch]] = {}  # of each character, one per thread
        self._lock = threading.Lock()  # the scratch serves one drawing at a time
        self._pool: ThreadPoolExecutor | None = None
        self.closed = False

    def draw(
        self, states: np.ndarray, characters: Sequence[str], out: np.ndarray, mask: np.ndarray | None = None
    ) -> None:
        """Draws a batch of states.

        Args:
            states: (N, len(STATE)) float64 as in `world.STATE`.
            characters: N names in `CHARACTERS`.
            out: uint8 (N, height, width, 3), written to, top row first.
            mask: (N,) bool; rows outside are left alone. All by default.

        Raises:
            ValueError: shapes that do not fit.
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        if self.closed:
            raise gymnasium.error.ClosedEnvironmentError(CLOSED)
        count = len(characters)
        states = np.array(states, np.float64, order="C")  # one kind of array, so that Numba compiles once
        expected = (count, self.height, self.width, 3)
        # The compiled code checks nothing and would write beyond the end.
        if states.shape != (count, len(STATE)) or (mask is not None and np.shape(mask) != (count,)):
            raise ValueError(f"for {count} characters states must be ({count}, {len(STATE)}), got {states.shape}")
        if out.shape != expected or out.dtype != np.uint8 or not out.flags.c_contiguous or not out.flags.writeable:
            raise ValueError(f"out must be a contiguous uint8 array {expected}, got {out.dtype} {out.shape}")
        with self._lock:
            self._draw(states, characters, out, np.arange(count) if mask is None else np.flatnonzero(mask))

    def _draw(self, states: np.ndarray, characters: Sequence[str], out: np.ndarray, rows: np.ndarray) -> None:
        by_character: dict[str, list[int]] = {}
        for row in rows.tolist():
            by_character.setdefault(characters[int(row)], []).append(row)
        jobs = []
        for character, own in by_character.items():
            if character not in self._scratch:
                self._scratch[character] = self._allocate(character)
            jobs += [(character, np.array(own[i : i + CHUNK])) for i in range(0, len(own), CHUNK)]
        waiting = iter(jobs)  # one for all: whoever is free takes the next. A list's iterator is safe to share.
        camera, light, island = load_camera(), load_light(), load_island_mesh()

        def work(thread: int) -> None:
            for character, chunk in waiting:
                scratch = self._scratch[character][thread]
                figure = load_figure(character)
                draw_frames(chunk, states, _COLUMNS, camera, island, figure, light, scratch, self._block, out)

        helpers = min(self._threads, len(jobs)) - 1
        if helpers > 0 and self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix="jumppad-draw")
        helping = [self._pool.submit(work, thread + 1) for thread in range(helpers)] if self._pool else []
        try:
            work(0)
        finally:  # whatever happens, nobody writes to the scratch any more when this returns
            for helper in helping:
                helper.result()

    def draw_one(self, state: np.ndarray, character: str) -> np.ndarray:
        """Returns the frame of one state (len(STATE),), uint8 (height, width, 3)."""
        out = np.empty((1, self.height, self.width, 3), dtype=np.uint8)
        self.draw(state[None], [character], out)
        return out[0]

    def close(self) -> None:
        """Ends the threads; may be called twice."""
        self.closed = True
        self._scratch.clear()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _allocate(self, character: str) -> list[Scratch]:
        height, width = self.height * self._block, self.width * self._block
        island, figure = load_island_mesh(), load_figure(character)
        if not self._scratch:
            return [Scratch.allocate(height, width, island, figure) for _ in range(self._threads)]
        return [  # all characters share the large arrays
            Scratch.allocate(1, 1, island, figure)._replace(depth=other.depth, pixels=other.pixels)
            for other in next(iter(self._scratch.values()))
        ]
