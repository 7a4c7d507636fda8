"""Draws docs/playing.jpg: the game's window with the help, during a run, and with the summary.

python tools/draw_window.py

The picture is the same with or without a display.
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
"""m; a waypoint closer than this has been reached."""


def run(game: Game, way: list[np.ndarray], steps: int) -> None:
    """Plays control steps along waypoints with the left stick only; waypoints that were reached are removed.

    Args:
        game: the game; its camera must not have been turned.
        way: waypoints (3,), m.
        steps: number of control steps at most.
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
    """Returns a screenshot of the window, uint8 (H, W, 3)."""
    window.show(game.frame(), game.panels())
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def main() -> None:
    """Draws the picture."""
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
