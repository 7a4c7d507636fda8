"""What an agent observes of a state on a level: the observation of `JumppadIslandsState-v0`."""

from __future__ import annotations

import math

import numpy as np

from jumppad_env.compiled import compiled
from jumppad_env.levels import COLORS, LevelSettings, make_level
from jumppad_env.world.observation import FIRST_PAD, fill
from jumppad_env.world.state import CUE, ISLAND, LEVEL, X, Y

ANYTHING = (-math.inf, math.inf)
ONE_HOT = (0.0, 1.0)
Columns = tuple[tuple[str, int, str, tuple[float, float]], ...]
"""Names, widths, units and bounds of an observation, in order."""


def level_observation(classic: Columns, settings: LevelSettings) -> Columns:
    """Returns the columns of an observation on levels, given those on the classic island.

    What does not depend on pads stays where it is.
    """
    pads = settings.pads
    kept, width = [], 0
    for column in classic:
        if width < FIRST_PAD:
            kept.append(column)
        width += column[1]
    kept[0] = ("position", 3, "m, from the middle of the island's plaza; x right, y forward, z up", ANYTHING)
    own: list[tuple[str, int, str, tuple[float, float]]] = [
        ("offset to each pad", 2 * pads, "m; x and y from the character to the island's pads, from the left", ANYTHING),
        ("pad touched", pads, "one-hot, from the left", ONE_HOT),
        ("color of each pad", len(COLORS) * pads, f"one-hot {', '.join(COLORS)}, pad by pad", ONE_HOT),
    ]
    if settings.cue:
        own.append(("color of the flag", len(COLORS), f"one-hot {', '.join(COLORS)}", ONE_HOT))
    if settings.islands > 1:
        own.append(("island", settings.islands, "one-hot, in the order in which they are reached", ONE_HOT))
    return (*kept, *own)


def observe_levels(states: np.ndarray, settings: LevelSettings) -> np.ndarray:
    """Returns what `JumppadIslandsState-v0` shows of states, such as those of a dataset; bit for bit the environment's.

    Args:
        states: float64 (N, columns), first those of `STATE` and of the level; of any levels, further columns ignored.
        settings: of the levels.

    Returns:
        float32 (N, width of `level_observation`).
    """
    numbers, which = np.unique(states[:, LEVEL].astype(int), return_inverse=True)
    levels = [make_level(int(number), settings) for number in numbers]
    origins = np.stack([level.origins for level in levels])[which]
    colors = np.stack([level.colors for level in levels])[which]
    pads = np.stack([[island.pads for island in level.islands] for level in levels])[which]
    rows = np.array(states[:, : CUE + 1], np.float64, order="C")
    return observe_on_levels(rows, origins, pads, colors, settings)


def observe_on_levels(
    states: np.ndarray, origins: np.ndarray, pads: np.ndarray, colors: np.ndarray, settings: LevelSettings
) -> np.ndarray:
    """Returns observations.

    Args:
        states: float64 (N, columns), C order.
        origins: (N, K, 2) m, middles of the plazas.
        pads: (N, K, P, 3) m, their centers.
        colors: (N, K, P) int64, indices into `COLORS`.
        settings: of the levels.

    Returns:
        float32 (N, width of `level_observation`).
    """
    after = FIRST_PAD + 3 * settings.pads
    shown = len(COLORS) * settings.pads
    seen = np.zeros((len(states), after + shown + len(COLORS) * settings.cue), np.float32)
    fill_on_levels(states, origins, pads, colors, seen)
    if settings.islands == 1:
        return seen
    return np.concatenate([seen, np.eye(settings.islands, dtype=np.float32)[states[:, ISLAND].astype(int)]], axis=1)


@compiled
def fill_on_levels(states, origins, pads, colors, seen):
    """Fills observations but for the island's number; see `observe_on_levels`."""
    count = pads.shape[2]
    first = FIRST_PAD + 3 * count
    for row in range(len(states)):
        island = int(states[row, ISLAND])
        fill(states[row : row + 1], pads[row, island], seen[row : row + 1])
        seen[row, 0] = states[row, X] - origins[row, island, 0]
        seen[row, 1] = states[row, Y] - origins[row, island, 1]
        for pad in range(count):
            seen[row, first + len(COLORS) * pad + colors[row, island, pad]] = 1.0
        if states[row, CUE] >= 0:
            seen[row, first + len(COLORS) * count + int(states[row, CUE])] = 1.0
