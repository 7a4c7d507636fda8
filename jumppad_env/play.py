"""Play on the island yourself, with keyboard and mouse or a gamepad.

python -m jumppad_env.play
python -m jumppad_env.play --character walker --target left
python -m jumppad_env.play --record runs/mine --style careful

The rules advance at 10 Hz, as for agents; the window draws the motion in between.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from jumppad_env.command_line import command_line
from jumppad_env.drawing.window import Window
from jumppad_env.game.controls import Controls
from jumppad_env.game.game import Game
from jumppad_env.game.panels import LOADING
from jumppad_env.game.recording import Recording, record
from jumppad_env.game.sharpness import Sharpness
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.world.options import VARIETIES

SLOWEST_FPS, FASTEST_FPS = 30, 60
ZOOM = 1.6
"""How much larger the window opens than what is drawn: drawing is what limits the frame rate."""
LARGEST_WINDOW = 0.9
"""Part of the screen that the window opens with at most."""


def check_screen() -> tuple[int, int]:
    """Returns height and width of the screen, pixels, or says what is missing to open a window.

    Raises:
        ValueError: no pygame, or no screen.
    """
    os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "jumppad")  # else a desktop's task bar says play.py
    try:
        import pygame
    except ImportError as error:
        raise ValueError('playing needs pygame: pip install "pygame>=2.6,<3"') from error
    named = [os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")]
    if sys.platform == "linux" and not any(named):
        raise ValueError("playing needs a screen: neither DISPLAY nor WAYLAND_DISPLAY is set")
    try:
        pygame.display.init()
    except pygame.error as error:
        raise ValueError(f"playing needs a screen: {error}") from error
    width, height = pygame.display.get_desktop_sizes()[0]
    return height, width


def window_size(size: tuple[int, int], screen: tuple[int, int]) -> tuple[int, int]:
    """Returns (height, width) to open the window with, pixels, for what is drawn and a screen (both height, width)."""
    zoom = min(ZOOM, *(LARGEST_WINDOW * free / drawn for free, drawn in zip(screen, size, strict=True)))
    return round(zoom * size[0]), round(zoom * size[1])


@contextlib.contextmanager
def interrupt_closes() -> Iterator[None]:
    """Makes Ctrl-C close the window as its button does: between two frames, never while an episode is written."""
    import pygame

    before = signal.signal(signal.SIGINT, lambda *_: pygame.event.post(pygame.event.Event(pygame.QUIT)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def play(
    game: Game,
    controls: Controls,
    window: Window,
    sharpness: Sharpness,
    clock: Callable[[], float] = time.perf_counter,
    recording: Recording | None = None,
) -> None:
    """Plays until the window is closed.

    Args:
        game: what is played.
        controls: who plays it.
        window: where; it waits after each frame. If a frame takes longer to draw there are fewer, not a slower game.
        sharpness: how large frames are drawn.
        clock: gives seconds.
        recording: keeps each episode that ended, unless it is discarded then; None: nothing is recorded.
    """
    before = clock()
    while True:
        commands = controls.read()
        if recording and game.ended and game.leaves(commands) and "discard" not in commands:
            recording.keep(game.played())
            before = clock()  # the disk's time is not the next episode's
        if "quit" in commands:
            return
        game.obey(commands)
        if game.waiting:
            controls.release()
        now = clock()
        game.advance(now - before, controls.action)
        before = now
        window.show(game.frame(sharpness.size), game.panels(recording.recorded if recording else None))
        if not (game.waiting or game.ended):  # a still picture says nothing about how long one takes
            sharpness.note(window.busy)


@command_line(stopped="stopped")
def main() -> None:
    """Opens the window."""
    parser = argparse.ArgumentParser(prog="python -m jumppad_env.play", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--character", choices=CHARACTERS, default="rider", help="who plays (default rider)")
    parser.add_argument("--target", choices=PADS, help="the pad that counts (default any)")
    parser.add_argument("--seed", type=int, default=0, help="of the spawn points (default 0)")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="write the episodes that are kept as a dataset; after a kill, the same command goes on",
    )
    parser.add_argument("--style", metavar="TAG", help="what the dataset says of the play, such as careful")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(360, 600), metavar=("HEIGHT", "WIDTH"), help="pixels drawn"
    )
    parser.add_argument("--fps", type=int, default=FASTEST_FPS, help="frames per second, 30 to 60 (default 60)")
    parser.add_argument(
        "--variety",
        default="none",
        help=f"what it looks like: {', '.join(VARIETIES)} (default none)",
    )
    arguments = parser.parse_args()
    if not SLOWEST_FPS <= arguments.fps <= FASTEST_FPS:
        raise ValueError(f"--fps must be from {SLOWEST_FPS} to {FASTEST_FPS}, got {arguments.fps}")
    if arguments.style is not None and arguments.record is None:
        raise ValueError("--style is written by --record; give both or neither")
    screen = check_screen()
    size = tuple(arguments.size)
    with contextlib.ExitStack() as stack:
        recording = None
        if arguments.record is not None:
            options = arguments.record, arguments.seed, arguments.variety, arguments.style or ""
            recording = stack.enter_context(record(*options))
        skipped = recording.seeds if recording else ()
        game = Game(arguments.character, arguments.target, arguments.seed, size, arguments.variety, skipped)
        stack.callback(game.close)
        window = Window(*window_size(size, screen), fps=arguments.fps)
        stack.callback(window.close)
        window.show(np.zeros((*size, 3), np.uint8), [LOADING])
        game.prepare()
        with interrupt_closes():
            play(game, Controls(), window, Sharpness(size, 1 / SLOWEST_FPS), recording=recording)
    if recording:
        print(f"{arguments.record}: {recording.recorded.kept} episodes" if recording.seeds else "no episode was kept")


if __name__ == "__main__":
    main()
