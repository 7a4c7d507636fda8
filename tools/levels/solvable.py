"""Whether people reach every pad of every level in time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Literal

import numpy as np

from agents.outcomes import wilson_interval
from jumppad_env.levels import LevelSettings
from jumppad_env.rules import CHARACTERS
from jumppad_env.streams import integer_seed, stream
from tools.levels.chunks import Chunk, chunks_of, finish, percent, table
from tools.levels.playing import Runner, Runners, play

TRIES = 3
LEVELS_AT_A_TIME = 20
SHOWN = 12
"""Levels named in the table."""


def solvable(
    levels: int = 2000,
    mode: Literal["easy", "hard"] = "easy",
    pads: int = 3,
    islands: int = 1,
    start_level: int = 0,
    character: str = "favorite",
    seed: int = 0,
    threads: int = 1,
    out: Path | None = None,
) -> str:
    """Sends three people to every pad of every island of every level.

    In a chain each pad of an island is the goal of one plan, and each of three tries has plans of its own.

    Args:
        levels: how many.
        mode: easy or hard.
        pads: of an island.
        islands: in a row.
        start_level: the first level.
        character: that people play; by default each their favorite.
        seed: of people and plans.
        threads: for physics.
        out: JSONL file of finished levels, to resume.
    """
    if character != "favorite" and character not in CHARACTERS:
        raise ValueError(f"character={character!r} must be favorite, or one of {list(CHARACTERS)}")
    settings = LevelSettings(mode, pads, islands)
    same = {"mode": mode, "pads": pads, "islands": islands, "character": character, "seed": seed}
    chunks = chunks_of(levels, LEVELS_AT_A_TIME, **same, start=start_level)
    results = finish(chunks, lambda chunk: try_levels(chunk, settings, threads), out, "levels")
    rows = []
    for island in range(islands):
        tries = np.concatenate([np.array(result)[:, island] for result in results])  # (levels, pads, tries)
        begun, reached = tries >= 0, tries == 1
        low, high = wilson_interval(int(reached.sum()), max(1, int(begun.sum())))
        missed = np.argwhere(begun.any(axis=2) & ~reached.any(axis=2))
        never = int((~begun.any(axis=2)).sum())
        named = [f"{start_level + level}:{pad}" for level, pad in missed.tolist()]
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        share = percent(reached.sum() / max(1, begun.sum()))
        interval = f"{percent(low)} to {percent(high)}"
        rows.append((island, int(begun.sum()), share, interval, len(missed), never, " ".join(named[:SHOWN]) + more))
    header = ("island", "tries", "reached", "95%", "pads not reached", "pads never tried", "level:pad")
    return f"{levels} {mode} levels, {pads} pads, {islands} islands\n\n" + table(header, rows)


def try_levels(chunk: Chunk, settings: LevelSettings, threads: int) -> list[Any]:
    """Returns for each level, island, pad and try whether it was reached: 1, 0, or -1 if the island was not."""
    levels, plans, runners, seeds = [], [], [], []
    seed, pads, islands = chunk["seed"], settings.pads, settings.islands
    for index in range(chunk["first"], chunk["first"] + chunk["count"]):
        level = chunk["start"] + index
        people: dict[int, set[int]] = {pad: set() for pad in range(pads)}
        for attempt in range(TRIES):
            orders = [stream(seed, "plans", level, attempt, island).permutation(pads) for island in range(islands)]
            for number in range(pads):
                plan = [int(order[number]) for order in orders]
                for again in itertools.count():  # until somebody else comes
                    own = integer_seed(seed, "try", level, number, attempt, again)
                    runner = Runner(own, plan)
                    if runner.person.number not in people[plan[0]]:
                        break
                people[plan[0]].add(runner.person.number)
                levels.append(level)
                plans.append(plan)
                runners.append(runner)
                seeds.append(own)
    crowd = Runners(runners, settings)
    character = crowd.favorites if chunk["character"] == "favorite" else chunk["character"]
    ended = play(crowd, seeds, settings, threads, level=levels, character=character)
    result = np.full((chunk["count"], islands, pads, TRIES), -1)
    rows = np.array(plans).reshape(chunk["count"], TRIES, pads, islands)
    taken = ended.pads.reshape(rows.shape)
    last = ended.islands.reshape(rows.shape[:3])
    for level, attempt, number, island in np.ndindex(*rows.shape):
        if last[level, attempt, number] >= island:
            pad = rows[level, attempt, number, island]
            result[level, island, pad, attempt] = taken[level, attempt, number, island] == pad
    return result.tolist()
