"""Drawing: pixels of states, seen by the third-person camera.

A `Painter` holds what is drawn and a pool of threads, and hands rows of a batch to the rasterizer. Two qualities come
from the same triangles: fast, for agents, and antialiased, for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import gymnasium
import numpy as np

from jumppad_env.rasterizer import Scratch, draw_frames
from jumppad_env.scenery import load_camera, load_figure, load_island_mesh, load_light
from jumppad_env.world import STATE

RENDERER = "jumppad software rasterizer 1"
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
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        if self.closed:
            raise gymnasium.error.ClosedEnvironmentError(CLOSED)
        rows = np.arange(len(states)) if mask is None else np.flatnonzero(mask)
        by_character: dict[str, list[int]] = {}
        for row in rows.tolist():
            by_character.setdefault(characters[row], []).append(row)
        jobs = []
        for character, own in by_character.items():
            if character not in self._scratch:
                self._scratch[character] = self._allocate(character)
            jobs += [(character, np.array(own[i : i + CHUNK])) for i in range(0, len(own), CHUNK)]
        waiting = iter(jobs)  # one for all: whoever is free takes the next. A list's iterator is safe to share.
        states, camera, light, island = np.asarray(states, np.float64), load_camera(), load_light(), load_island_mesh()

        def work(thread: int) -> None:
            for character, chunk in waiting:
                scratch = self._scratch[character][thread]
                figure = load_figure(character)
                draw_frames(chunk, states, _COLUMNS, camera, island, figure, light, scratch, self._block, out)

        helpers = min(self._threads, len(jobs)) - 1
        if helpers > 0 and self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix="jumppad-draw")
        helping = [self._pool.submit(work, thread + 1) for thread in range(helpers)] if self._pool else []
        work(0)
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
        return [
            Scratch.allocate(height, width, load_island_mesh(), load_figure(character)) for _ in range(self._threads)
        ]
