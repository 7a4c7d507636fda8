"""What a level that was not seen before takes: time and memory, and that both are bounded."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from agents.progress import Progress
from jumppad_env.drawing import Painter
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.levels.level import KEPT
from tools.levels.chunks import table

CASES = (
    LevelSettings(),
    LevelSettings("hard"),
    LevelSettings("hard", pads=5),
    LevelSettings(islands=2),
    LevelSettings(islands=4),
    LevelSettings("hard", pads=5, islands=4),
)
NEW = 10_000_000
"""The first of the levels that nobody has seen."""
SAMPLED = 50
"""Levels whose memory is measured."""


def resets(n: int = 500, image_size: tuple[int, int] = (64, 64)) -> str:
    """Measures resets to new levels, one after the other, in one thread.

    Args:
        n: resets of each kind.
        image_size: height and width of the frames.
    """
    rows = []
    with Progress(CASES, "kinds of levels") as progress:
        for settings in progress:
            state = _milliseconds(n, settings, observation="state")
            drawn = _milliseconds(n, settings, observation="pixels", image_size=image_size)
            kept = make_level.cache_info().currsize
            assert kept <= KEPT, f"{kept} levels are kept, at most {KEPT} may be"
            traced, level, look, slots = _memory(settings, image_size)
            name = f"{settings.distribution_mode}, {settings.pads} pads, {settings.islands} islands"
            times = [f"{np.median(some):.2f} ({np.percentile(some, 95):.2f})" for some in (state, drawn)]
            sizes = [f"{bytes_ / 1000:.0f}" for bytes_ in (traced, level, look, traced + look)]
            rows.append((name, *times, *sizes, f"{kept} of {KEPT}", slots))
    header = (
        "levels", "reset, ms (95%)", "with its frame", "level, KB", "its arrays", "its look", "together", "kept",
        "looks of one row",
    )  # fmt: skip
    return f"Medians of {n} resets to levels not seen before\n\n" + table(header, rows)


def _milliseconds(n: int, settings: LevelSettings, **keywords: Any) -> list[float]:
    env = gymnasium.make("JumppadIslands-v0", **keywords, **vars(settings))
    times = []
    for number in range(NEW - 20, NEW + n):
        make_level.cache_clear() if number == NEW - 20 else None
        begun = time.perf_counter()
        env.reset(options={"level": number})
        times.append(1000 * (time.perf_counter() - begun))
    env.close()
    return times[20:]


def _memory(settings: LevelSettings, image_size: tuple[int, int]) -> tuple[float, float, float, int]:
    """Returns bytes of a kept level, as traced and of its arrays; of its look; and the looks that one row keeps."""
    make_level.cache_clear()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    levels = [make_level(NEW + number, settings) for number in range(SAMPLED)]
    traced = (tracemalloc.get_traced_memory()[0] - before) / SAMPLED
    tracemalloc.stop()
    arrays = sum(array.nbytes for array in _arrays(levels)) / SAMPLED
    env: Any = gymnasium.make("JumppadIslands-v0", image_size=image_size, **vars(settings)).unwrapped
    env.reset(seed=0, options={"level": NEW})
    states = np.tile(env.get_state(), (SAMPLED, 1))
    states[:, list(env.episodes.world.columns).index("level")] = NEW + np.arange(SAMPLED)
    painter = Painter(*image_size, settings=settings)
    for state in states:
        painter.draw_one(state, "rider")
    wardrobe = painter._wardrobe
    slots = len(wardrobe.shades)
    assert slots <= 16, f"a painter of one row keeps {slots} looks"
    look = sum(array.nbytes for array in (*wardrobe.looks, *wardrobe.shades, *wardrobe.of_faces)) / slots
    env.close()
    return traced, arrays, look, slots


def _arrays(value: Any) -> Iterator[np.ndarray]:
    """Yields all arrays in nested tuples, lists, dicts and objects."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _arrays(part)
    elif hasattr(value, "spawns"):
        yield from _arrays(vars(value))
