"""Play the game yourself, with keyboard and mouse or a gamepad.

python -m jumppad_env.play
python -m jumppad_env.play --character walker --target left
python -m jumppad_env.play --record runs/mine --style careful

The rules advance at 10 Hz, as for agents; the window interpolates between steps.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np

from jumppad_env.command_line import command_line
from jumppad_env.drawing.window import Window
from jumppad_env.game.controls import Controls
from jumppad_env.game.game import Game
from jumppad_env.game.panels import LOADING
from jumppad_env.game.recording import Recording, record
from jumppad_env.game.sharpness import Sharpness
from jumppad_env.levels.settings import MODES
from jumppad_env.machine.signals import ENDING
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.world.options import VARIETIES, IslandsOptions

SLOWEST_FPS, FASTEST_FPS = 30, 60
ZOOM = 1.6
"""Initial window size as a multiple of the drawn size: drawing limits the frame rate."""
LARGEST_WINDOW = 0.9
"""Largest initial window size, as a fraction of the screen."""


def check_screen() -> tuple[int, int]:
    """Returns height and width of the screen, pixels.

    Raises:
        ValueError: pygame or a display is missing.
    """
    os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "jumppad")  # else a desktop's task bar shows play.py
    try:
        import pygame
    except ImportError as error:
        raise ValueError('playing needs pygame: pip install "pygame>=2.6,<3"') from error
    named = [os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")]
    if sys.platform == "linux" and not any(named):
        raise ValueError("playing needs a display: neither DISPLAY nor WAYLAND_DISPLAY is set")
    try:
        pygame.display.init()
    except pygame.error as error:
        raise ValueError(f"playing needs a display: {error}") from error
    if sys.platform == "linux" and not named[2] and pygame.display.get_driver() in ("offscreen", "dummy"):
        # SDL draws nowhere if it cannot open what is named, as after an `ssh -X` that has ended.
        pygame.display.quit()
        said = " ".join(f"{name}={os.environ[name]}" for name in ("DISPLAY", "WAYLAND_DISPLAY") if os.environ.get(name))
        raise ValueError(f"playing needs a display: {said} cannot be opened")
    width, height = pygame.display.get_desktop_sizes()[0]
    return height, width


def window_size(size: tuple[int, int], screen: tuple[int, int]) -> tuple[int, int]:
    """Returns the window's initial (height, width), pixels, given the drawn size and the screen's."""
    zoom = min(ZOOM, *(LARGEST_WINDOW * free / drawn for free, drawn in zip(screen, size, strict=True)))
    return round(zoom * size[0]), round(zoom * size[1])


@contextlib.contextmanager
def interrupt_closes() -> Iterator[None]:
    """Makes Ctrl-C and SIGTERM act like the close button: between frames, never while an episode is written."""
    import pygame

    def close(number: int, frame: FrameType | None) -> None:
        pygame.event.post(pygame.event.Event(pygame.QUIT))

    before = {number: signal.signal(number, close) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_game(
    game: Game,
    controls: Controls,
    window: Window,
    sharpness: Sharpness,
    clock: Callable[[], float] = time.perf_counter,
    recording: Recording | None = None,
) -> None:
    """Runs the game loop until the window is closed.

    Args:
        game: the game.
        controls: input devices.
        window: output; it waits after each frame. Slow drawing lowers the frame rate, not the speed of the game.
        sharpness: chooses the drawn size.
        clock: returns seconds.
        recording: keeps each finished episode that is not discarded; None: nothing is recorded.
    """
    before = clock()
    while True:
        commands = controls.read()
        if recording and game.ended and game.leaves(commands) and "discard" not in commands:
            recording.keep(game.played())
            before = clock()  # time spent writing does not count
        if "quit" in commands:
            return
        game.obey(commands)
        if game.waiting:
            controls.release()
        now = clock()
        game.advance(now - before, controls.action)
        before = now
        window.show(game.frame(sharpness.size), game.panels(recording.recorded if recording else None))
        if not (game.waiting or game.ended):  # still frames are not redrawn, so their time says nothing
            sharpness.note(window.busy)


@command_line(stopped="stopped")
def main() -> None:
    """Opens the window and runs the game."""
    parser = argparse.ArgumentParser(prog="python -m jumppad_env.play", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--character", choices=CHARACTERS, default="rider", help="initial character (default rider)")
    parser.add_argument("--target", help="target pad: left, middle, right; on levels also a color (default any)")
    parser.add_argument("--seed", type=int, default=0, help="seed for spawn points (default 0)")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="write the episodes you keep to a dataset; if interrupted, the same command resumes",
    )
    parser.add_argument("--style", metavar="TAG", help="label stored with recorded episodes, such as careful")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(360, 600), metavar=("HEIGHT", "WIDTH"), help="largest size drawn, pixels"
    )
    parser.add_argument("--fps", type=int, default=FASTEST_FPS, help="frames per second, 30 to 60 (default 60)")
    parser.add_argument("--variety", default="none", help=f"visual variety: {', '.join(VARIETIES)} (default none)")
    levels = parser.add_argument_group("levels", "any of these leaves the classic island, see docs/islands.md")
    levels.add_argument("--level", type=int, help="number of the level (default a new one in every episode)")
    levels.add_argument("--islands", type=int, help="number of islands in a row (default 1)")
    levels.add_argument("--pads", type=int, help="number of pads of an island (default 3)")
    levels.add_argument("--mode", choices=MODES, help="kind of levels (default easy)")
    levels.add_argument("--cue", action="store_true", default=None, help="a flag shows the color of one pad")
    arguments = parser.parse_args()
    asked = {"islands": arguments.islands, "pads": arguments.pads, "cue": arguments.cue}
    asked = {name: value for name, value in (*asked.items(), ("distribution_mode", arguments.mode)) if value}
    drawn = {"num_levels": 0} if arguments.level is None else {"num_levels": 1, "start_level": arguments.level}
    on_levels = {**drawn, **asked} if asked or arguments.level is not None else None
    world = None if on_levels is None else IslandsOptions(**on_levels).world
    if on_levels is None and arguments.target not in (None, *PADS):
        raise ValueError(f"--target {arguments.target} is unknown; choose one of {', '.join(PADS)}")
    if not SLOWEST_FPS <= arguments.fps <= FASTEST_FPS:
        raise ValueError(f"--fps must be from {SLOWEST_FPS} to {FASTEST_FPS}, got {arguments.fps}")
    if arguments.style is not None and arguments.record is None:
        raise ValueError("--style needs --record; give both or neither")
    screen = check_screen()
    size = tuple(arguments.size)
    with contextlib.ExitStack() as stack:
        recording = None
        if arguments.record is not None:
            options = arguments.record, arguments.seed, arguments.variety, arguments.style or "", world
            recording = stack.enter_context(record(*options))
        skipped = recording.seeds if recording else ()
        game = Game(arguments.character, arguments.target, arguments.seed, size, arguments.variety, skipped, on_levels)
        stack.callback(game.close)
        window = Window(*window_size(size, screen), fps=arguments.fps)
        stack.callback(window.close)
        window.show(np.zeros((*size, 3), np.uint8), [LOADING])
        game.prepare()
        with interrupt_closes():
            run_game(game, Controls(), window, Sharpness(size, 1 / SLOWEST_FPS), recording=recording)
    if recording:
        print(f"{arguments.record}: {recording.recorded.kept} episodes" if recording.seeds else "no episode was kept")


if __name__ == "__main__":
    main()
