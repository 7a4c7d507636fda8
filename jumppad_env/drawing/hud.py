"""Heads-up display drawn over the picture: teams, score, clock, map, health. Decoration only, without game logic.

Positions are fractions of the frame's width and height, so it looks alike at every size.
"""

from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled_part

DIGITS = np.array(
    # three columns by five rows each, top row first, a bit per pixel
    [0b111101101101111, 0b010110010010111, 0b111001111100111, 0b111001111001111, 0b101101111001001]
    + [0b111100111001111, 0b111100111101111, 0b111001001001001, 0b111101111101111, 0b111101111001111]
)
WHITE = (235.0, 235.0, 230.0)
DARK = (24.0, 28.0, 34.0)
ENEMY = (150.0, 30.0, 40.0)
ORANGE = (240.0, 160.0, 30.0)

BOXES = 27
COUNTERS = 5
CLOCK, PROGRESS, HERE = 0, 1, BOXES - 1
"""Counters and box that change: seconds left, percent done, and the character's place on the map."""


class Hud(NamedTuple):
    """The HUD of one look; all zero if it has none."""

    boxes: np.ndarray
    """(BOXES, 8): left, top, right, bottom, as fractions; red, green, blue, 0 to 255; opacity."""
    numbers: np.ndarray
    """(COUNTERS, 8): value, digits; left, top, height of a digit, as fractions; red, green, blue."""


def make_hud(own: np.ndarray, scores: np.ndarray, seconds: float) -> Hud:
    """Returns the HUD of one match.

    Args:
        own: (3,) color of the player's team, 0 to 1.
        scores: of the player's and the other team, 0 to 9.
        seconds: on the clock at the start.
    """
    team = tuple(255.0 * own)
    boxes = []
    for index in range(4):
        boxes.append((0.075 + 0.047 * index, 0.05, 0.115 + 0.047 * index, 0.16, *team, 0.85))
        boxes.append((0.745 + 0.047 * index, 0.05, 0.785 + 0.047 * index, 0.16, *ENEMY, 0.85))
    boxes += [
        (0.083, 0.07, 0.107, 0.13, *WHITE, 0.8),
        (0.30, 0.09, 0.455, 0.14, *team, 0.6),
        (0.545, 0.09, 0.70, 0.14, *ENEMY, 0.6),
        # The map, with the island's forward direction to the right.
        (0.79, 0.31, 0.975, 0.47, *DARK, 0.45),
        (0.805, 0.36, 0.83, 0.42, *WHITE, 0.25),
        (0.83, 0.375, 0.87, 0.405, *WHITE, 0.25),
        (0.87, 0.34, 0.92, 0.44, *WHITE, 0.25),
        (0.935, 0.325, 0.97, 0.455, *WHITE, 0.2),
        (0.82, 0.55, 0.92, 0.68, *DARK, 0.6),
        (0.795, 0.82, 0.835, 0.885, *WHITE, 0.8),
        (0.850, 0.82, 0.890, 0.885, *WHITE, 0.8),
        (0.905, 0.82, 0.945, 0.885, *WHITE, 0.8),
    ]
    boxes += [(0.052 + 0.029 * index, 0.885, 0.078 + 0.029 * index, 0.92, *WHITE, 0.85) for index in range(6)]
    boxes.append((-0.008, -0.013, 0.008, 0.013, *ORANGE, 1.0))
    numbers = [
        (seconds, 2, 0.475, 0.17, 0.055, *ORANGE),
        (0, 2, 0.845, 0.585, 0.07, *WHITE),
        (scores[0], 1, 0.465, 0.085, 0.065, *WHITE),
        (scores[1], 1, 0.52, 0.085, 0.065, *WHITE),
        (600, 3, 0.055, 0.82, 0.05, *WHITE),
    ]
    return Hud(np.array(boxes, np.float64), np.array(numbers, np.float64))


def no_hud() -> Hud:
    """Returns an empty HUD."""
    return Hud(np.zeros((BOXES, 8)), np.zeros((COUNTERS, 8)))


@compiled_part
def write_over(boxes, numbers, steps, position, out):
    """Draws the HUD over a frame.

    Args:
        boxes: see `Hud`.
        numbers: see `Hud`.
        steps: control steps since the episode began.
        position: (>= 2,) m, of the character.
        out: (H, W, 3) uint8, updated.
    """
    if boxes[HERE, 7] == 0.0:
        return
    height, width = out.shape[:2]
    for index in range(len(boxes)):
        left, top, right, bottom, red, green, blue, opacity = boxes[index]
        if index == HERE:
            along = min(max(0.81 + 0.0016 * (position[1] + 2.5), 0.795), 0.965)
            across = min(max(0.39 + 0.0045 * position[0], 0.315), 0.455)
            left, right, top, bottom = left + along, right + along, top + across, bottom + across
        keep = 1.0 - opacity
        for row in range(max(int(top * height + 0.5), 0), min(int(bottom * height + 0.5), height)):
            for column in range(max(int(left * width + 0.5), 0), min(int(right * width + 0.5), width)):
                out[row, column, 0] = np.uint8(out[row, column, 0] * keep + red * opacity + 0.5)
                out[row, column, 1] = np.uint8(out[row, column, 1] * keep + green * opacity + 0.5)
                out[row, column, 2] = np.uint8(out[row, column, 2] * keep + blue * opacity + 0.5)
    for index in range(len(numbers)):
        value, digits, left, top, size, red, green, blue = numbers[index]
        if index == CLOCK:
            value = max(value - 0.1 * steps, 0.0)
        elif index == PROGRESS:
            value = min(0.08 * steps, 99.0)
        step = max(int(size * height / 5 + 0.5), 1)  # pixels per dot
        rest = int(value)
        for place in range(int(digits) - 1, -1, -1):
            digit, rest = DIGITS[rest % 10], rest // 10
            for dot in range(15):
                if (digit >> (14 - dot)) & 1:
                    row = int(top * height) + dot // 3 * step
                    column = int(left * width) + (4 * place + dot % 3) * step
                    for y in range(max(row, 0), min(row + step, height)):
                        for x in range(max(column, 0), min(column + step, width)):
                            out[y, x, 0], out[y, x, 1], out[y, x, 2] = np.uint8(red), np.uint8(green), np.uint8(blue)
