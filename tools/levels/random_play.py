"""Random play on levels: nobody gets out, no number is wild, nobody gets stuck in a solid."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env import gamepad
from jumppad_env.levels import FALL_HEIGHT, Level, LevelSettings, load_stock, make_level
from jumppad_env.levels.level import B_GEOM, B_PHASE, B_RATE, B_REACH_X, B_REACH_Y, B_X, B_Y
from jumppad_env.levels.outline import S_HALF, S_HEADING, S_LENGTH, S_X, S_Y
from jumppad_env.levels.stock import COMMON_SOLIDS, PARKED, rotations
from jumppad_env.streams import integer_seed, stream
from jumppad_env.world import STATE
from tools.levels.chunks import Chunk, chunks_of, finish, table

ROWS = 50
HELD = 6
"""Control steps for which random actions are held."""
CHUNK = 100_000
"""Steps of a chunk."""
EVERY = 5
"""Control steps between looks for who is inside a solid."""
LEAP = 10.0
"""m: no leap off an island leads farther before one is below it."""
BELOW = -1.2
"""m: above the terraces, and below everything else."""
BESIDE = 1.0
"""m beside the floors where one may stand: on walls, and on their edges."""
MIDDLE = 0.6
"""m above the feet: the point that must be in no solid."""
GROUNDED, PAD, FLIGHT, STEPS = (STATE.index(name) for name in ("grounded", "pad", "flight_left", "steps"))
COUNTS = ("steps", "episodes", "escapes", "off the floors", "not finite", "stuck", "falls", "pads")


def random_play(
    levels: int = 10_000,
    steps: int = 1_000_000,
    mode: Literal["easy", "hard"] = "hard",
    pads: int = 3,
    islands: int = 1,
    start_level: int = 0,
    seed: int = 0,
    threads: int = 1,
    out: Path | None = None,
) -> str:
    """Plays random gamepad actions and counts what must not happen.

    escapes: farther from the region of the level's boxes than a leap, neither below it nor flying. off the floors:
    standing above the terraces where there is neither floor nor wall. stuck: with the middle of the body in a solid at
    two looks in a row. All three count steps of characters.

    Args:
        levels: how many are drawn from.
        steps: control steps, of all rows together.
        mode: easy or hard.
        pads: of an island.
        islands: in a row.
        start_level: the first level.
        seed: of actions and levels.
        threads: for physics.
        out: JSONL file of finished steps, to resume.
    """
    settings = LevelSettings(mode, pads, islands)
    same = {**vars(settings), "levels": levels, "start_level": start_level, "seed": seed}
    results = finish(
        chunks_of(steps, CHUNK, **same), lambda chunk: _play(chunk, settings, threads), out, f"{CHUNK} steps"
    )
    sums = [sum(result[name] for result in results) for name in COUNTS]
    wrong = sorted({tuple(place) for result in results for place in result["where"]})[:12]
    named = "\n".join(f"\n{what} on level {level} at ({x:.2f}, {y:.2f}, {z:.2f})" for what, level, x, y, z in wrong)
    return f"{mode}, {pads} pads, {islands} islands\n\n" + table(COUNTS, [sums]) + named


def choose(generator: np.random.Generator) -> np.ndarray:
    """Returns random actions (ROWS, 16), most of them forward, or nobody would leave the plaza."""
    actions = np.empty((ROWS, gamepad.FACTORS), np.uint8)
    actions[:, :4] = generator.integers(gamepad.BUCKETS, size=(ROWS, 4))
    actions[:, gamepad.LEFT_Y] = np.where(generator.random(ROWS) < 0.6, 10, actions[:, gamepad.LEFT_Y])
    actions[:, 4:] = generator.random((ROWS, len(gamepad.BUTTONS))) < 0.2
    return actions


def begin(generator: np.random.Generator, rows: np.ndarray, numbers: range, settings: LevelSettings) -> dict[str, Any]:
    """Returns reset options of masked rows: on a random level, half at a spawn, others in the neck or by a pad."""
    levels, positions = np.zeros(ROWS, int), np.zeros((ROWS, 3))
    for row in np.flatnonzero(rows):
        levels[row] = numbers[int(generator.integers(len(numbers)))]
        plan = make_level(int(levels[row]), settings).plans[0]
        pad = plan.pads[int(generator.integers(settings.pads))]
        before = pad.ahead(-generator.uniform(2.5, 4.0), generator.uniform(-1.0, 1.0))
        pose = (plan.neck, before, *plan.spawns[:2])[int(generator.integers(4))]
        positions[row] = pose.x, pose.y, pose.z + 0.02
    heading = generator.uniform(-np.pi, np.pi, ROWS)
    return {"reset_mask": rows, "level": levels, "position": positions, "heading": heading}


class _Solids:
    """The boxes of the rows' levels."""

    def __init__(self, settings: LevelSettings) -> None:
        self.settings, self.slice = settings, load_stock(settings).solids
        count = self.slice.stop - self.slice.start
        self.levels: list[Level | None] = [None] * ROWS
        self.middle, self.half = np.zeros((ROWS, count, 3)), np.zeros((ROWS, count, 3))
        self.axes = np.zeros((ROWS, count, 3, 3))
        self.low, self.high = np.zeros((ROWS, 3)), np.zeros((ROWS, 3))

    def follow(self, numbers: np.ndarray) -> None:
        """Takes the levels that the rows are on."""
        for row, number in enumerate(numbers.tolist()):
            known = self.levels[row]
            if known is not None and known.number == number:
                continue
            level = self.levels[row] = make_level(number, self.settings)
            self.middle[row], self.half[row] = level.row.geom_pos[self.slice], level.row.geom_size[self.slice]
            self.axes[row] = rotations(level.row.geom_quat[self.slice])
            used = self.middle[row, :, 2] > PARKED / 2
            used[:COMMON_SOLIDS] = False  # the cliff and the abyss are everywhere
            reach = np.einsum("nij,nj->ni", np.abs(self.axes[row, used]), self.half[row, used])
            self.low[row] = (self.middle[row, used] - reach).min(axis=0)
            self.high[row] = (self.middle[row, used] + reach).max(axis=0)

    def inside(self, points: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Returns which points (ROWS, 3) are in a solid of their row, bool (ROWS,)."""
        for row, level in enumerate(self.levels):
            for block in () if level is None else level.blocks[level.blocks[:, B_GEOM] >= 0]:
                turn = math.sin(block[B_RATE] * max(0.0, steps[row] - 1) + block[B_PHASE])
                place = block[[B_X, B_Y]] + turn * block[[B_REACH_X, B_REACH_Y]]
                self.middle[row, int(block[B_GEOM]) - self.slice.start, :2] = place
        own = np.einsum("nkij,nki->nkj", self.axes, points[:, None] - self.middle)
        return (np.abs(own) < self.half - 0.02).all(axis=-1).any(axis=-1)

    def beside(self, points: np.ndarray) -> np.ndarray:
        """Returns how far points (ROWS, 3) are from the nearest floor of their row, m along the ground (ROWS,)."""
        far = np.zeros(ROWS)
        for row, level in enumerate(self.levels):
            assert level is not None
            nearest = np.inf
            for plan, origin in zip(level.plans, level.origins, strict=True):
                strips = plan.strips
                right = points[row, 0] - origin[0] - strips[:, S_X]
                up = points[row, 1] - origin[1] - strips[:, S_Y]
                cos, sin = np.cos(strips[:, S_HEADING]), np.sin(strips[:, S_HEADING])
                ahead, across = up * cos - right * sin, right * cos + up * sin
                before = np.maximum(np.maximum(-ahead, ahead - strips[:, S_LENGTH]), 0.0)
                nearest = min(nearest, np.hypot(before, np.maximum(np.abs(across) - strips[:, S_HALF], 0.0)).min())
            far[row] = nearest
        return far


def _play(chunk: Chunk, settings: LevelSettings, threads: int) -> dict[str, Any]:
    seed, first = chunk["seed"], chunk["first"]
    envs: Any = gymnasium.make_vec(
        "JumppadIslandsState-v0", ROWS, character="random", threads=threads, autoreset_mode="Disabled", **vars(settings)
    )
    generator = stream(seed, "random play", first)
    everybody = np.ones(ROWS, bool)
    numbers = range(chunk["start_level"], chunk["start_level"] + chunk["levels"])
    _, infos = envs.reset(
        seed=integer_seed(seed, "random play", first), options=begin(generator, everybody, numbers, settings)
    )
    solids = _Solids(settings)
    found: dict[str, int] = dict.fromkeys(COUNTS, 0)
    where, was_inside, actions = [], np.zeros(ROWS, bool), choose(generator)
    for step in range(-(-chunk["count"] // ROWS)):
        if step % HELD == 0:
            actions = choose(generator)
        _, _, terminated, truncated, infos = envs.step(actions)
        states = envs.states()
        solids.follow(infos["level"])
        ended = terminated | truncated
        position = states[:, :3]
        free = (states[:, PAD] < 0) & (states[:, FLIGHT] <= 0) & (position[:, 2] > FALL_HEIGHT)
        over = (position[:, :2] < solids.low[:, :2] - LEAP) | (position[:, :2] > solids.high[:, :2] + LEAP)
        out = over.any(axis=1) | (position[:, 2] > solids.high[:, 2] + LEAP)
        wrong = {"escapes": free & out & (position[:, 2] > BELOW), "not finite": ~np.isfinite(states).all(axis=1)}
        if step % EVERY == 0:
            stands = free & (states[:, GROUNDED] > 0) & (position[:, 2] > BELOW)
            wrong["off the floors"] = stands & (solids.beside(position) > BESIDE)
            inside = solids.inside(position + [0, 0, MIDDLE], states[:, STEPS])
            wrong["stuck"] = inside & was_inside
            was_inside = inside & ~ended
        for what, rows in wrong.items():
            found[what] += int(rows.sum())
            for row in np.flatnonzero(rows)[: max(0, 20 - len(where))].tolist():
                where.append((what, int(infos["level"][row]), *position[row].tolist()))
        found["steps"] += ROWS
        if ended.any():
            found["episodes"] += int(ended.sum())
            found["falls"] += int((infos["fell"] & ended).sum())
            found["pads"] += int(((infos["pads"] >= 0).any(axis=1) & ended).sum())
            envs.reset(options=begin(generator, ended, numbers, settings))
    envs.close()
    return {**found, "where": where}
