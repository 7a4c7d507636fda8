"""The `Painter`: renders states through the third-person camera on a thread pool.

It holds the meshes, the looks in use and the threads, and passes rows of a batch to the compiled code. The same faces
are drawn at two qualities: fast, for agents (`frames.py`), and fine, for people (`shading.py`).
"""

import functools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import gymnasium
import numpy as np

from jumppad_env.compiled import CONFIG, specialized
from jumppad_env.drawing import shading
from jumppad_env.drawing.characters import load_character_meshes
from jumppad_env.drawing.frames import Looks, Scratch, draw_frames, pack_shades
from jumppad_env.drawing.ground import load_heights
from jumppad_env.drawing.lanes import STRETCH
from jumppad_env.drawing.levels.mesh import NOTHING, load_level_scenery
from jumppad_env.drawing.looks import LIGHT, WHO, Look, make_look
from jumppad_env.drawing.scenery import load_scenery
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import STATE
from jumppad_env.world.options import parse_variety
from jumppad_env.world.state import CUE, LEVEL, LEVEL_STATE, LOOK, LOOKS, Y

RENDERER = "jumppad software rasterizer 4"
"""Name and version of the renderer, stored in datasets; other versions may draw other bytes."""

FEW = 6
"""Batches of at most this many rows are drawn in one thread: waking another takes longer."""
SMALLEST_CHUNK = 2
"""Fewest rows handed to a thread at a time."""
FINE_BLOCK = 2
"""Supersampling at fine quality: a pixel is the mean of FINE_BLOCK x FINE_BLOCK samples."""
LEVEL_SLACK = 1.0
"""Pixels of the sun's map, see `jumppad_env.drawing.rasterizer.draw_flat`; the classic island keeps its looks."""
CLOSED = "this environment has been closed; make a new one"

_NUMBER = {name: index for index, name in enumerate(CHARACTERS)}


class Painter:
    """Draws states at one size and quality; a state always gives the same bytes, at any number of threads."""

    def __init__(
        self, height: int, width: int, *, fine: bool = False, threads: int = 1, variety: object = "none",
        settings: LevelSettings | None = None,
    ) -> None:  # fmt: skip
        """Makes a painter; the first drawing loads the meshes and starts the threads.

        Args:
            height: pixels.
            width: pixels.
            fine: fine quality, for people; otherwise fast, for agents.
            threads: number of drawing threads, the caller's included.
            variety: see `jumppad_env.world.options.parse_variety`.
            settings: what levels are like; None: the classic island.

        Raises:
            ValueError: unknown variety, fewer pixels than are written at a time, or no thread.
        """
        # The compiled code checks no bounds.
        if min(height, width) < 1 or height * width < STRETCH:
            raise ValueError(f"a frame must have at least {STRETCH} pixels, got {height} x {width}")
        if threads < 1:
            raise ValueError(f"threads={threads} must be at least 1")
        self.height, self.width = height, width
        self._fine = fine
        self._threads = threads
        self._kinds = parse_variety(variety)
        self._settings = settings
        self._columns = len(STATE) if settings is None else len(STATE) + len(LEVEL_STATE)
        self._wardrobe = _Wardrobe(self._kinds, settings, detail=fine)
        self._brushes: list[_Brush] = []  # one per thread
        self._lock = threading.Lock()  # the buffers serve one drawing at a time
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0  # id of the process that owns the pool
        self._drawing = False
        self.closed = False

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy is made from; it starts threads and fills buffers of its own."""
        size = {"height": self.height, "width": self.width}
        look = {"variety": self._kinds, "settings": self._settings}
        return {**size, **look, "fine": self._fine, "threads": self._threads, "closed": self.closed}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        closed = stored.pop("closed")
        self.__init__(**stored)
        self.closed = closed

    def draw(
        self, states: np.ndarray, characters: Sequence[str], out: np.ndarray, mask: np.ndarray | None = None
    ) -> None:
        """Draws a batch of states.

        Args:
            states: (N, C) float64; the first columns are those of `world.STATE`, on levels also
                `world.state.LEVEL_STATE`; others are ignored.
            characters: N names in `CHARACTERS`.
            out: uint8 (N, height, width, 3), output, top row first.
            mask: (N,) bool, rows to draw; the others keep their pixels. All by default.

        Raises:
            ValueError: mismatched shapes, an unknown character or an invalid look.
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        self._check_open()
        count = len(characters)
        # One array type, so that Numba compiles once.
        states = np.array(np.asarray(states)[..., : self._columns], np.float64, order="C")
        expected = (count, self.height, self.width, 3)
        # The compiled code checks no bounds.
        if states.shape != (count, self._columns) or (mask is not None and np.shape(mask) != (count,)):
            raise ValueError(
                f"for {count} characters states must be ({count}, {self._columns} or more), got {states.shape}"
            )
        if out.shape != expected or out.dtype != np.uint8 or not out.flags.c_contiguous or not out.flags.writeable:
            raise ValueError(f"out must be a contiguous uint8 array {expected}, got {out.dtype} {out.shape}")
        rows = np.arange(count) if mask is None else np.flatnonzero(mask)
        unknown = [name for name in characters if name not in _NUMBER]
        if unknown:
            raise ValueError(f"character={unknown[0]!r} is unknown; choose one of {list(_NUMBER)}")
        self.draw_rows(states, np.array([_NUMBER[name] for name in characters], np.int64), out, rows)

    def draw_rows(self, states: np.ndarray, who: np.ndarray, out: np.ndarray, rows: np.ndarray) -> None:
        """Draws some states, like `draw`, for callers whose arrays are right: these are not checked.

        Args:
            states: (N, len(STATE)) float64, C order.
            who: (N,) int64, indices in `CHARACTERS`.
            out: uint8 (N, height, width, 3), C order, output.
            rows: (M,) int64, rows to draw; the others keep their pixels.

        Raises:
            ValueError: an invalid look.
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        with self._lock:
            self._check_open()  # another thread may have closed it meanwhile
            if self._drawing:  # the last drawing was interrupted: looks may be incomplete, threads may still draw
                self._release()
            self._drawing = True
            self._draw(states, who, out, rows)
            self._drawing = False

    def _check_open(self) -> None:
        if self.closed:
            raise gymnasium.error.ClosedEnvironmentError(CLOSED)

    def _draw(self, states: np.ndarray, characters: np.ndarray, out: np.ndarray, rows: np.ndarray) -> None:
        while len(self._brushes) < self._threads:
            self._brushes.append(_Brush(self.height, self.width, self._settings, fine=self._fine))
        slots = self._wardrobe.slots(states, rows)
        if len(rows) <= (1 if self._fine else FEW) or self._threads == 1:
            self._brushes[0].draw(rows, states, characters, slots, self._wardrobe, out, self._share)
            return
        chunks = _chunks(rows, self._threads, 1 if self._fine else SMALLEST_CHUNK)
        waiting = iter(chunks)

        def work(thread: int) -> None:
            for chunk in waiting:  # shared by all threads, which is safe with a list's iterator
                self._brushes[thread].draw(chunk, states, characters, slots, self._wardrobe, out, _alone)

        self._together(work, len(chunks))

    def _share(self, work: Callable[[int, int], None], count: int) -> None:
        """Runs work(first, end) on bands of a single frame, one per thread."""
        edges = [count * i // self._threads for i in range(self._threads + 1)]
        self._together(lambda thread: work(edges[thread], edges[thread + 1]), self._threads)

    def _together(self, work: Callable[[int], None], jobs: int) -> None:
        """Calls work(thread) in min(threads, jobs) threads and waits for all of them."""
        helpers = min(self._threads, jobs) - 1
        if helpers > 0 and (self._pool is None or self._process != os.getpid()):  # a fork does not copy threads
            self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix="jumppad-draw")
            self._process = os.getpid()
        helping = [self._pool.submit(work, thread + 1) for thread in range(helpers)] if self._pool else []
        try:
            work(0)
        finally:  # no thread may write to the buffers after this returns
            wait(helping)
        for helper in helping:
            helper.result()

    def draw_one(self, state: np.ndarray, character: str) -> np.ndarray:
        """Returns the frame of one state (C,), uint8 (height, width, 3)."""
        out = np.empty((1, self.height, self.width, 3), dtype=np.uint8)
        self.draw(state[None], [character], out)
        return out[0]

    def close(self) -> None:
        """Ends the threads once they finish drawing; may be called twice."""
        with self._lock:
            self.closed = True
            self._release()

    def _release(self) -> None:
        """Ends the threads once they finish drawing, and frees buffers and looks."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        self._brushes.clear()
        self._wardrobe.clear()


def _chunks(rows: np.ndarray, threads: int, smallest: int) -> list[np.ndarray]:
    """Splits rows into chunks that shrink towards the end: few hand-overs, and threads finish nearly together."""
    chunks = []
    while len(rows):
        size = max(smallest, len(rows) // (2 * threads))
        chunks.append(rows[:size])
        rows = rows[size:]
    return chunks


def _alone(work: Callable[[int, int], None], count: int) -> None:
    """Does all of a frame's work in the calling thread."""
    work(0, count)


class _Wardrobe:
    """LRU cache of looks, in slots.

    Attributes:
        looks: the slots as arrays, for compiled code.
        shades: with detail, the colors (F, 6) of each slot, else empty.
        of_faces: with detail, the materials (F,) of each slot, else empty.
    """

    def __init__(self, kinds: tuple[str, ...], settings: LevelSettings | None, *, detail: bool) -> None:
        self._kinds, self._settings, self._detail = kinds, settings, detail
        self._slots: dict[Any, int] = {}  # slot of each look, least recently used first
        self._most = 0  # most different looks in one drawing
        self.clear()

    def clear(self) -> None:
        """Empties the cache."""
        self._slots.clear()
        self.looks: Looks = Looks(*(np.empty(0),) * len(Looks._fields))
        self.shades: list[np.ndarray] = []
        self.of_faces: list[np.ndarray] = []

    def slots(self, states: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the slot of each state's look, int64 (N,), set in `rows` only; missing looks are made.

        Raises:
            ValueError: an invalid look.
        """
        result = np.zeros(len(states), np.int64)
        if not self._kinds and self._settings is None:
            if not self.shades:
                self._put(0, make_look((), 0, detail=self._detail))
            return result
        numbers = states[rows, LOOK]
        possible = (numbers >= 0) & (numbers < LOOKS) & (numbers == np.floor(numbers))
        if not possible.all():
            raise ValueError(f"a state has look {numbers[~possible][0]}, expected a whole number from 0 to {LOOKS - 1}")
        wanted: list[Any] = numbers.astype(np.int64).tolist()
        if self._settings is not None:
            looks = wanted if self._kinds else [0] * len(wanted)
            levels = states[rows][:, [LEVEL, CUE]].astype(np.int64).tolist()
            wanted = [(look, *where) for look, where in zip(looks, levels, strict=True)]
        self._most = max(self._most, len(set(wanted)))
        for row, look in zip(rows.tolist(), wanted, strict=True):
            slot = self._slots.get(look)
            if slot is None:
                if self._settings is None:
                    made = make_look(self._kinds, look, detail=self._detail)
                else:
                    number, level, cue = look
                    on = make_level(level, self._settings), cue
                    made = make_look(self._kinds, number, detail=self._detail, on=on)
                if len(self._slots) >= 2 * self._most + 8:
                    slot = self._slots.pop(next(iter(self._slots)))
                else:
                    slot = len(self._slots)
                self._put(slot, made)
            else:
                del self._slots[look]
            self._slots[look] = slot  # now the most recent
            result[row] = slot
        return result

    def _put(self, slot: int, look: Look) -> None:
        colors = np.empty(len(look.shades), np.uint32)
        pack_shades(look.shades, colors)
        meshes = look.vertices.T, look.planes, look.spheres
        values = Looks(look.numbers, colors, *meshes, *look.hud, look.floors, look.blocks)
        if slot >= len(self.shades):
            room = max(2 * len(self.shades), 1)
            empty = Looks(*(np.empty((room, *value.shape), value.dtype) for value in values))
            if self.shades:
                for old, new in zip(self.looks, empty, strict=True):
                    new[: len(old)] = old
            self.looks = empty
            self.shades += [np.empty(0)] * (room - len(self.shades))
            self.of_faces += [np.empty(0, np.int64)] * (room - len(self.of_faces))
        for kept, value in zip(self.looks, values, strict=True):
            kept[slot] = value
        if self._detail:  # others are drawn with the packed colors alone
            self.shades[slot], self.of_faces[slot] = look.shades, look.of_faces


class _Brush:
    """Meshes and buffers of one drawing thread."""

    def __init__(self, height: int, width: int, settings: LevelSettings | None, *, fine: bool) -> None:
        if CONFIG.DISABLE_JIT:
            raise ValueError("NUMBA_DISABLE_JIT is set, but drawing needs Numba's compiler: unset it")
        self._block = FINE_BLOCK if fine else 1
        self._fine = fine
        scenery, self._meshes = load_scenery(detail=fine), load_character_meshes()
        self._island, self._movable = scenery.island, scenery.movable
        self._heights = load_heights()
        if settings is not None:
            self._island, self._movable = NOTHING, load_level_scenery(settings, detail=fine).mesh
            self._heights = self._heights[:0]
        self._parts = parts = self._island, self._movable
        self._scratch = Scratch.allocate(height * self._block, width * self._block, parts, self._meshes)
        self._sun: tuple[bytes, np.ndarray, np.ndarray] | None = None
        self._team_sun = np.empty(shading.SUN_MAP if fine else (0, 0), np.float32)
        self._frames: Any = None  # machine code of `draw_frames`, from the first drawing on
        self._body_sun = np.zeros((3, 4)), np.zeros((shading.CHARACTER_MAP, shading.CHARACTER_MAP), np.float32)

    def draw(
        self,
        rows: np.ndarray,
        states: np.ndarray,
        characters: np.ndarray,
        slots: np.ndarray,
        wardrobe: _Wardrobe,
        out: np.ndarray,
        share: Callable[[Callable[[int, int], None], int], None],
    ) -> None:
        """Draws some rows (M,) of a batch.

        Args as in `Painter.draw`, with indices of characters and slots of looks; `share(work, count)` runs
        `work(first, end)` over all `count` pixel rows of a frame.
        """
        looks, island, movable = wardrobe.looks, self._island, self._movable
        if not self._fine:
            meshes, heights, scratch = self._meshes, self._heights, self._scratch
            arguments = rows, states, characters, slots, looks, island, movable, meshes, heights, scratch, out
            if self._frames is None:
                self._frames = specialized(draw_frames, *arguments)
            self._frames(*arguments)
            return
        for row in rows.tolist():
            slot = int(slots[row])
            parts = self._face_numbers(wardrobe.of_faces[slot])
            axes, lit = self._sun_map(slot, looks, states[row, Y])
            if looks.numbers[slot, WHO][1] >= 0:  # team shadows are drawn into a copy
                self._team_sun[:] = lit
                lit = self._team_sun
            sun = (axes, lit, *self._body_sun)
            shading.draw_fine(
                states[row], characters[row], slot, looks, island, movable, self._meshes, parts, sun, self._scratch
            )
            shade = functools.partial(
                shading.shade_rows, numbers=looks.numbers[slot], shades=wardrobe.shades[slot], parts=parts, sun=sun,
                block=self._block, scratch=self._scratch, out=out[row],
            )  # fmt: skip
            share(shade, len(out[row]))
            shading.finish(states[row], slot, looks, out[row])

    def _sun_map(self, slot: int, looks: Looks, y: float) -> tuple[np.ndarray, np.ndarray]:
        """Returns the sun's projection and the shadow map, drawn again when light, landmarks or level change."""
        center = np.array(shading.SUN_CENTER)
        if not len(self._island.planes):  # islands in a row are longer than the map, which follows the character
            center[1] += max(0, round((y - center[1]) / shading.SUN_SIDE)) * shading.SUN_SIDE
        key = looks.numbers[slot, LIGHT].tobytes() + looks.planes[slot].tobytes() + center.tobytes()
        if self._sun is None or self._sun[0] != key:
            direction = looks.numbers[slot, LIGHT.start : LIGHT.start + 3]
            axes = shading.seen_by_sun(direction, center, shading.SUN_SIDE, *shading.SUN_MAP)
            lit = np.empty(shading.SUN_MAP, np.float32)
            unused = np.empty(shading.SUN_MAP, np.uint32)
            slack = 0.0 if len(self._island.planes) else LEVEL_SLACK
            shading.draw_sun_map(slot, looks, *self._parts, axes, self._scratch.outline, lit, unused, slack)
            self._sun = key, axes, lit
        return self._sun[1:]

    def _face_numbers(self, of_faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns pattern, part and number (from 1) of each face of the scenery, and the cloud map."""
        parts = [np.repeat(np.arange(len(mesh.spheres)), np.diff(mesh.part_faces.astype(int))) for mesh in self._parts]
        parts[1] += len(self._island.spheres)
        after = len(of_faces) - sum(map(len, parts))  # faces of moving blocks
        parts.append(10**6 + np.arange(after) // 6)
        numbers = np.arange(1, len(of_faces) + 1, dtype=np.uint32)
        return shading.patterns_of(of_faces), np.concatenate(parts), numbers, shading.load_clouds()
