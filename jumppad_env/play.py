"""Play on the island yourself, with the keyboard or a gamepad.

python -m jumppad_env.play
python -m jumppad_env.play --character walker --target left
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env import gamepad
from jumppad_env.command_line import command_line
from jumppad_env.rules import CHARACTERS, PADS, RULES
from jumppad_env.streams import integer_seed

HELP = (
    "W A S D move   arrows look   space jump   shift dodge   F attack   E board",
    "R again   C other character   T other target   Esc quit   or a gamepad: sticks, A B X Y, START again",
)
STICK_KEYS = {"w": (1, 1.0), "s": (1, -1.0), "d": (0, 1.0), "a": (0, -1.0)}
"""Name of the key: axis and deflection."""
STICK_KEYS |= {"up": (3, 0.5), "down": (3, -0.5), "right": (2, 0.6), "left": (2, -0.6)}
BUTTON_KEYS = {"space": "A", "left shift": "B", "right shift": "B", "f": "X", "e": "Y"}
COMMAND_KEYS = {"r": "again", "return": "again", "c": "character", "t": "target", "escape": "quit"}
DEAD_ZONE = 0.15
"""Deflection of a real stick that is none."""


def keyboard_action(held: Callable[[str], bool]) -> np.ndarray:
    """Returns the gamepad action of the keys that are held down.

    Args:
        held: says of a key, by pygame's name of it, whether it is down.
    """
    axes = np.zeros(len(gamepad.AXES))
    for key, (axis, deflection) in STICK_KEYS.items():
        axes[axis] += deflection * held(key)
    return gamepad_action(axes, {button for key, button in BUTTON_KEYS.items() if held(key)})


def gamepad_action(axes: np.ndarray, buttons: set[str]) -> np.ndarray:
    """Returns the action (16,) of stick deflections (4,), right and up positive, and of the buttons that are down."""
    pressed = [button in buttons for button in gamepad.BUTTONS]
    return np.concatenate([gamepad.to_buckets(axes), np.array(pressed, dtype=np.uint8)])


def both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns two actions as one: of each stick axis the stronger deflection, and all buttons of either."""
    action = np.maximum(one, other)
    sticks = slice(0, len(gamepad.AXES))
    stronger = np.abs(one[sticks].astype(int) - gamepad.CENTER) >= np.abs(other[sticks].astype(int) - gamepad.CENTER)
    action[sticks] = np.where(stronger, one[sticks], other[sticks])
    return action


class Game:
    """Episodes in a window, one after the other.

    Args:
        character: a name in `CHARACTERS`.
        target: a pad, or None for any.
        seed: of the first episode; the following ones go on from it.
        size: (height, width) of the window, pixels.
    """

    def __init__(self, character: str, target: str | None, seed: int, size: tuple[int, int]) -> None:
        """Opens the window and starts the first episode."""
        from jumppad_env.window import Window

        self.character, self.target = character, target
        self.ended = False
        self._size = size
        self._env = self._make()
        self._env.reset(seed=integer_seed(seed, "play"))
        self._info = self._env.reset(options={"character": character})[1]
        self._window = Window(*size, fps=round(1 / RULES.control_step))

    def advance(self, action: np.ndarray, commands: set[str]) -> None:
        """Does what was asked for, then one step of the game, and shows it."""
        if "character" in commands:
            names = list(CHARACTERS)
            self.character = names[(names.index(self.character) + 1) % len(names)]
        if "target" in commands:
            targets = [None, *PADS]
            self.target = targets[(targets.index(self.target) + 1) % len(targets)]
            seed = int(self._env.unwrapped.np_random.integers(2**31))
            self._env.close()
            self._env = self._make()
            self._env.reset(seed=seed)
        if commands & {"character", "target", "again"}:
            self._info = self._env.reset(options={"character": self.character})[1]
            self.ended = False
        elif not self.ended:
            _, _, terminated, truncated, self._info = self._env.step(action)
            self.ended = terminated or truncated
        frame: Any = self._env.render()
        self._window.show(frame, self.lines())

    def lines(self) -> list[str]:
        """Returns what is written in the window."""
        aim = "any pad" if self.target is None else f"the {self.target} pad"
        return [f"{self.character}, to {aim}.  {self.outcome()}", *HELP]

    def outcome(self) -> str:
        """Returns how the episode stands, in words."""
        pad = self._info["pad"]
        if pad >= 0:
            told = f"The {PADS[pad]} pad" + ("!" if self._info["success"] else ", not the one.")
        elif self._info["fell"]:
            told = "Fell off."
        else:
            told = "Out of time." if self.ended else ""
        return f"{told}  R: again" if self.ended else told

    def close(self) -> None:
        """Closes environment and window."""
        self._env.close()
        self._window.close()

    def _make(self) -> gymnasium.Env[Any, Any]:
        return gymnasium.make("JumppadState-v0", target=self.target, render_mode="rgb_array", render_size=self._size)


class Controls:
    """Keyboard and gamepad, read through pygame."""

    def __init__(self) -> None:
        """Looks for gamepads; more may be plugged in later. The window must be open."""
        import pygame
        from pygame._sdl2 import controller

        self._pygame, self._controller = pygame, controller
        controller.init()
        self._pads: list[Any] = []
        self._find_pads()

    def read(self) -> tuple[np.ndarray, set[str]]:
        """Returns the action (16,) and the commands given since the last call."""
        pygame = self._pygame
        tapped, commands = set(), set()
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                commands.add("quit")
            elif event.type == pygame.KEYDOWN:
                tapped.add(event.key)  # may be up again by now
                command = COMMAND_KEYS.get(pygame.key.name(event.key))
                commands |= {command} if command else set()
            elif event.type == pygame.CONTROLLERBUTTONDOWN and event.button == pygame.CONTROLLER_BUTTON_START:
                commands.add("again")
            elif event.type in (pygame.CONTROLLERDEVICEADDED, pygame.CONTROLLERDEVICEREMOVED):
                self._find_pads()
        down = pygame.key.get_pressed()

        def held(name: str) -> bool:
            key = pygame.key.key_code(name)
            return bool(down[key]) or key in tapped

        action = keyboard_action(held)
        for pad in self._pads:
            action = both(action, self._pad_action(pad))
        return action, commands

    def _find_pads(self) -> None:
        controller = self._controller
        self._pads = [controller.Controller(i) for i in range(controller.get_count()) if controller.is_controller(i)]

    def _pad_action(self, pad: Any) -> np.ndarray:
        pygame = self._pygame
        names = ("LEFTX", "LEFTY", "RIGHTX", "RIGHTY")
        axes = np.array([pad.get_axis(getattr(pygame, f"CONTROLLER_AXIS_{name}")) / 32767 for name in names])
        axes[1::2] *= -1  # SDL's y axes point down
        axes[np.abs(axes) < DEAD_ZONE] = 0.0
        sdl = {"LB": "LEFTSHOULDER", "RB": "RIGHTSHOULDER", "L3": "LEFTSTICK", "R3": "RIGHTSTICK"}
        buttons = {
            name
            for name in gamepad.BUTTONS
            if name not in ("LT", "RT") and pad.get_button(getattr(pygame, f"CONTROLLER_BUTTON_{sdl.get(name, name)}"))
        }
        for name, axis in (("LT", "TRIGGERLEFT"), ("RT", "TRIGGERRIGHT")):
            if pad.get_axis(getattr(pygame, f"CONTROLLER_AXIS_{axis}")) > 16000:
                buttons.add(name)
        return gamepad_action(axes, buttons)


def check_screen() -> None:
    """Says what is missing to open a window.

    Raises:
        ValueError: no pygame, or no screen.
    """
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


def play(character: str, target: str | None, seed: int, size: tuple[int, int]) -> None:
    """Plays until the window is closed."""
    game = Game(character, target, seed, size)
    controls = Controls()
    try:
        while True:
            action, commands = controls.read()
            if "quit" in commands:
                return
            game.advance(action, commands)
    finally:
        game.close()


@command_line(stopped="stopped")
def main() -> None:
    """Opens the window."""
    parser = argparse.ArgumentParser(prog="python -m jumppad_env.play", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--character", choices=CHARACTERS, default="rider", help="who plays (default rider)")
    parser.add_argument("--target", choices=PADS, help="the pad that counts (default any)")
    parser.add_argument("--seed", type=int, default=0, help="of the spawn points (default 0)")
    parser.add_argument("--size", type=int, nargs=2, default=(480, 800), metavar=("HEIGHT", "WIDTH"), help="in pixels")
    arguments = parser.parse_args()
    check_screen()
    play(arguments.character, arguments.target, arguments.seed, tuple(arguments.size))


if __name__ == "__main__":
    main()
