"""Where people end on levels, beside the classic island."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from agents.outcomes import wilson_interval
from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from jumppad_env.levels import LevelSettings
from jumppad_env.rules import PADS
from jumppad_env.streams import integer_seed
from tools.levels.chunks import Chunk, chunks_of, finish, percent, table
from tools.levels.playing import play

AT_A_TIME = 250


def outcomes(
    episodes: int = 4000,
    pads: int = 3,
    mode: Literal["easy", "hard"] = "easy",
    population: str = "human",
    seed: int = 0,
    threads: int = 1,
    out: Path | None = None,
) -> str:
    """Plays episodes of people, each on a level of its own, and as many on the classic island.

    Args:
        episodes: on either.
        pads: of an island.
        mode: easy or hard.
        population: name of the people.
        seed: of people and levels.
        threads: for physics.
        out: JSONL file of finished episodes, to resume.
    """
    if population not in POPULATIONS:
        raise ValueError(f"population={population!r} is unknown; choose one of {list(POPULATIONS)}")
    settings = LevelSettings(mode, pads)

    def work(chunk: Chunk) -> list[int]:
        first, count = chunk["first"], chunk["count"]
        seeds = [integer_seed(seed, "outcomes", index) for index in range(first, first + count)]
        on = settings if chunk["levels"] else None
        crowd = Crowd(POPULATIONS[population], count, on)
        crowd.reset(np.ones(count, bool), np.array(seeds))
        return play(crowd, seeds, on, threads).pads[:, 0].tolist()

    same = {"population": population, "seed": seed}
    classic = chunks_of(episodes, AT_A_TIME, levels=False, **same)
    islands = chunks_of(episodes, AT_A_TIME, levels=True, mode=mode, pads=pads, **same)
    results = finish([*classic, *islands], work, out, "episodes")
    rows = []
    for name, some, several in (
        ("classic island", results[: len(classic)], len(PADS)),
        (f"{mode}, {pads} pads", results[len(classic) :], pads),
    ):
        ends = np.concatenate(some)
        cells = ["" for _ in range(max(pads, len(PADS)) + 1)]
        for pad in range(-1, several):
            count = int((ends == pad).sum())
            low, high = wilson_interval(count, episodes)
            cells[pad + 1] = f"{percent(count / episodes, 1)} ({percent(low, 1)} to {percent(high, 1)})"
        rows.append((name, *cells))
    header = ("", "none", *(f"pad {pad}" for pad in range(max(pads, len(PADS)))))
    return f"{episodes} episodes of {population} people, with 95% intervals\n\n" + table(header, rows)
