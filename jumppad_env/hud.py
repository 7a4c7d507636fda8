"""What a game writes over the picture: teams, score, clock, map, health. Decoration: nothing of it can be acted on.

Places are parts of the frame's width and height, so that it looks alike at every size.
"""

from __future__ import annotations

import numpy as np

from jumppad_env.compiled import compiled

DIGITS = np.array(
    # three columns by five rows each, top row first, a bit per pixel
    [0b111101101101111, 0b010110010010111, 0b111001111100111, 0b111001111001111, 0b101101111001001]
    + [0b111100111001111, 0b111100111101111, 0b111001001001001, 0b111101111101111, 0b111101111001111]
)
WHITE = (235.0, 235.0, 230.0)
DARK = (24.0, 28.0, 34.0)
ENEMY = (150.0, 30.0, 40.0)
ORANGE = (240.0, 160.0, 30.0)


@compiled
def box(out, mirrored, left, top, right, bottom, color, opacity):
    """Mixes a box into a frame.

    Args:
        out: (H, W, 3) uint8, written to.
        mirrored: the places count from the right.
        left: part of the width; so is `right`.
        top: part of the height; so is `bottom`.
        right: see `left`.
        bottom: see `top`.
        color: red, green, blue, 0 to 255.
        opacity: 0 to 1.
    """
    height, width = out.shape[:2]
    if mirrored:
        left, right = 1.0 - right, 1.0 - left
    rows = max(int(top * height + 0.5), 0), min(int(bottom * height + 0.5), height)
    columns = max(int(left * width + 0.5), 0), min(int(right * width + 0.5), width)
    for row in range(rows[0], rows[1]):
        for column in range(columns[0], columns[1]):
            for i in range(3):
                out[row, column, i] = np.uint8(out[row, column, i] * (1.0 - opacity) + color[i] * opacity + 0.5)


@compiled
def number(out, mirrored, value, digits, left, top, size, color):
    """Writes a number of so many digits, each `size` of the frame's height high and as wide as fits."""
    height, width = out.shape[:2]
    step = max(int(size * height / 5 + 0.5), 1)  # pixels a dot
    start = int((1.0 - left if mirrored else left) * width) - (4 * step * digits if mirrored else 0)
    above = int(top * height)
    for place in range(digits):
        digit = (value // 10 ** (digits - 1 - place)) % 10
        for dot in range(15):
            if (DIGITS[digit] >> (14 - dot)) & 1:
                row, column = above + dot // 3 * step, start + (4 * place + dot % 3) * step
                for y in range(max(row, 0), min(row + step, height)):
                    for x in range(max(column, 0), min(column + step, width)):
                        for i in range(3):
                            out[y, x, i] = np.uint8(color[i])


@compiled
def write_over(hud, steps, position, out):
    """Draws all of it.

    Args:
        hud: as `jumppad_env.looks.HUD`: shown or not; color of the own team, 0 to 1; scores; s on the clock; mirrored.
        steps: control steps since the episode began.
        position: (>= 2,) m, of the character, for the map.
        out: (H, W, 3) uint8, written to.
    """
    if hud[0] == 0.0:
        return
    own, mirrored = (255.0 * hud[1], 255.0 * hud[2], 255.0 * hud[3]), hud[7] > 0
    for index in range(4):
        box(out, mirrored, 0.075 + 0.047 * index, 0.05, 0.115 + 0.047 * index, 0.16, own, 0.85)
        box(out, mirrored, 0.745 + 0.047 * index, 0.05, 0.785 + 0.047 * index, 0.16, ENEMY, 0.85)
    box(out, mirrored, 0.083, 0.07, 0.107, 0.13, WHITE, 0.8)
    box(out, mirrored, 0.30, 0.09, 0.455, 0.14, own, 0.6)
    box(out, mirrored, 0.545, 0.09, 0.70, 0.14, ENEMY, 0.6)
    number(out, mirrored, int(hud[4]), 1, 0.465, 0.085, 0.065, WHITE)
    number(out, mirrored, int(hud[5]), 1, 0.52, 0.085, 0.065, WHITE)
    number(out, mirrored, max(int(hud[6] - 0.1 * steps), 0), 2, 0.475, 0.17, 0.055, ORANGE)
    # The map: the island lies on its side, forward to the right.
    box(out, mirrored, 0.79, 0.31, 0.975, 0.47, DARK, 0.45)
    box(out, mirrored, 0.805, 0.36, 0.83, 0.42, WHITE, 0.25)
    box(out, mirrored, 0.83, 0.375, 0.87, 0.405, WHITE, 0.25)
    box(out, mirrored, 0.87, 0.34, 0.92, 0.44, WHITE, 0.25)
    box(out, mirrored, 0.935, 0.325, 0.97, 0.455, WHITE, 0.2)
    along = min(max(0.81 + 0.0016 * (position[1] + 2.5), 0.795), 0.965)
    across = min(max(0.39 + 0.0045 * position[0], 0.315), 0.455)
    box(out, mirrored, along - 0.008, across - 0.013, along + 0.008, across + 0.013, ORANGE, 1.0)
    box(out, mirrored, 0.82, 0.55, 0.92, 0.68, DARK, 0.6)
    number(out, mirrored, min(int(0.08 * steps), 99), 2, 0.845, 0.585, 0.07, WHITE)
    for index in range(3):
        box(out, mirrored, 0.795 + 0.055 * index, 0.82, 0.835 + 0.055 * index, 0.885, WHITE, 0.8)
    number(out, mirrored, 600, 3, 0.055, 0.82, 0.05, WHITE)
    for index in range(6):
        box(out, mirrored, 0.052 + 0.029 * index, 0.885, 0.078 + 0.029 * index, 0.92, WHITE, 0.85)
