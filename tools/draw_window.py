"""Draws the window that people play in for docs/environment.md: the help, a run, and how it ended.

python tools/draw_window.py

On a screen or without one, the picture is the same.
"""

from __future__ import annotations

import numpy as np
import pygame
from draw_sheets import save, sheet

from jumppad_env import gamepad
from jumppad_env.drawing.window import Window
from jumppad_env.game.controls import gamepad_action
from jumppad_env.game.game import Game
from jumppad_env.island import load_island
from jumppad_env.rules import PADS, RULES

SIZE = 360, 600
NEAR = 2.5
"""m from a point of the way, where the next one is aimed at."""


def run(game: Game, way: list[np.ndarray], steps: int) -> None:
    """Plays control steps along the way, with the left stick alone; points that were reached are taken off it.

    Args:
        game: begun, with the camera as it starts.
        way: points (3,) in m.
        steps: at most.
    """

    def toward_next() -> np.ndarray:
        here = game.played().states[-1, :3]
        while len(way) > 1 and np.linalg.norm((way[0] - here)[:2]) < NEAR:
            way.pop(0)
        axes = np.zeros(len(gamepad.AXES))
        axes[[gamepad.LEFT_X, gamepad.LEFT_Y]] = (way[0] - here)[:2] / np.linalg.norm((way[0] - here)[:2])
        return gamepad_action(axes, set())

    for _ in range(steps):
        game.advance(RULES.control_step, toward_next)


def shown(window: Window, game: Game) -> np.ndarray:
    """Returns what the window shows, uint8 (H, W, 3)."""
    window.show(game.frame(), game.panels())
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def main() -> None:
    """Draws it."""
    game = Game("rider", "middle", 0, SIZE)
    window = Window(*SIZE, fps=0)
    island = load_island()
    way = [island.ways[name] for name in ("stairs", "neck_in", "neck_out", "middle_in", "middle_out")]
    way.append(island.pads[PADS.index("middle")])
    pages = [shown(window, game)]
    game.obey({"play"})
    for steps in (26, 74):
        run(game, way, steps)
        pages.append(shown(window, game))
    save(sheet(np.stack(pages), len(pages)), "playing.jpg")
    game.close()
    window.close()


if __name__ == "__main__":
    main()
