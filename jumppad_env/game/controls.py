"""Input: maps keyboard, mouse and gamepads to actions and commands.

Frames are more frequent than control steps, so events are read at every frame, and taps are kept until the next action.
The mappings are tables and pure functions; `Controls` reads the devices through pygame.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from jumppad_env import gamepad
from jumppad_env.rules import RULES

STICK_KEYS = {"w": (1, 1.0), "s": (1, -1.0), "d": (0, 1.0), "a": (0, -1.0)}
"""Key name: axis and deflection."""
STICK_KEYS |= {"up": (3, 0.5), "down": (3, -0.5), "right": (2, 0.6), "left": (2, -0.6)}
BUTTON_KEYS = {"space": "A", "left shift": "B", "right shift": "B", "f": "X", "e": "Y"}
"""Names of keys by their place, as on a US keyboard: W A S D are the same four keys on every keyboard."""
COMMAND_KEYS = {"r": "again", "return": "again", "c": "character", "t": "target", "escape": "quit"}
COMMAND_KEYS |= {"p": "pause", "h": "help", "f1": "help", "backspace": "discard"}
"""Names of keys by what is printed on them, or by their place where that is no command."""
PAD_COMMANDS = {"START": "start", "BACK": "discard", "DPAD_LEFT": "character", "DPAD_RIGHT": "target"}
"""SDL name of a gamepad button: command."""
PAD_BUTTONS = {name: name for name in gamepad.BUTTONS if name not in ("LT", "RT")}
"""Button name: SDL name. Triggers are axes in SDL."""
PAD_BUTTONS |= {"LB": "LEFTSHOULDER", "RB": "RIGHTSHOULDER", "L3": "LEFTSTICK", "R3": "RIGHTSTICK"}
PAD_TRIGGERS = {"LT": "TRIGGERLEFT", "RT": "TRIGGERRIGHT"}
PAD_STICKS = ("LEFTX", "LEFTY", "RIGHTX", "RIGHTY")
FULL_DEFLECTION = 32767
"""SDL's value of a fully deflected stick or trigger."""
TRIGGER_PULLED = 16000
"""SDL's value from which a trigger counts as pressed."""
DEAD_ZONE = 0.15
"""Deflections below this count as zero."""
LOOK_PER_PIXEL = 0.003
"""Mouse sensitivity, rad per pixel."""

# Angle by which each bucket of the right stick turns the view in one control step, rad, right and up.
_TURNS = gamepad.STICK_VALUES * np.abs(gamepad.STICK_VALUES) * RULES.camera_turn_rate * RULES.control_step
_TILTS = gamepad.STICK_VALUES * RULES.camera_tilt_rate * RULES.control_step
LONGEST_LOOK = 3 * np.array([_TURNS[-1], _TILTS[-1]])
"""(2,) rad by which the mouse can be ahead of the view; else it would keep turning for seconds after a flick."""


def gamepad_action(axes: np.ndarray, buttons: set[str]) -> np.ndarray:
    """Returns the action (16,) of stick deflections (4,), right and up positive, and pressed buttons."""
    pressed = [button in buttons for button in gamepad.BUTTONS]
    return np.concatenate([gamepad.to_buckets(axes), np.array(pressed, dtype=np.uint8)])


def keyboard_action(held: Callable[[str], bool]) -> np.ndarray:
    """Returns the action (16,) of the keys held down.

    Args:
        held: returns whether a key, by its pygame name, is down.
    """
    axes = np.zeros(len(gamepad.AXES))
    for key, (axis, deflection) in STICK_KEYS.items():
        axes[axis] += deflection * held(key)
    return gamepad_action(axes, {button for key, button in BUTTON_KEYS.items() if held(key)})


def scancode(pygame: Any, name: str) -> int:
    """Returns SDL's number of a key's place, given its pygame name on a US keyboard."""
    side, _, rest = name.partition(" ")
    return getattr(pygame, f"KSCAN_{side[0] + rest if rest else name}".upper())


def stick_axes(raw: np.ndarray) -> np.ndarray:
    """Converts SDL's axes (4,), in the order of `PAD_STICKS`, to deflections (4,), right and up positive."""
    axes = raw / FULL_DEFLECTION
    axes[1::2] *= -1  # SDL's y axes point down
    axes[np.abs(axes) < DEAD_ZONE] = 0.0
    return axes


def mouse_action(look: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the action (16,) that turns the view by nearly the mouse's angle, and the remaining angle.

    The right stick has only eleven positions; the next control step corrects the remainder.

    Args:
        look: (2,) rad, to the right and up.
    """
    turn, tilt = np.abs(_TURNS - look[0]).argmin(), np.abs(_TILTS - look[1]).argmin()
    action = gamepad.NEUTRAL.copy()
    action[[gamepad.RIGHT_X, gamepad.RIGHT_Y]] = turn, tilt
    return action, look - (_TURNS[turn], _TILTS[tilt])


def both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Merges two actions: the stronger deflection of each stick axis, and the buttons of both."""
    action = np.maximum(one, other)
    sticks = slice(0, len(gamepad.AXES))
    stronger = np.abs(one[sticks].astype(int) - gamepad.CENTER) >= np.abs(other[sticks].astype(int) - gamepad.CENTER)
    action[sticks] = np.where(stronger, one[sticks], other[sticks])
    return action


class Controls:
    """All input devices. The window must be open.

    Attributes:
        captured: whether the game has captured the mouse: its pointer is hidden, and its motion turns the view.
    """

    def __init__(self) -> None:
        """Opens the connected gamepads; more may be plugged in later."""
        import pygame
        from pygame._sdl2 import controller

        self._pygame, self._controller = pygame, controller
        controller.init()
        self._places = {scancode(pygame, name): name for name in (*STICK_KEYS, *BUTTON_KEYS, *COMMAND_KEYS)}
        self.captured = False
        self._look = np.zeros(2)
        self._tapped_keys: set[str] = set()
        self._tapped_buttons: set[str] = set()
        self._pads: list[Any] = []
        self._find_pads()

    def read(self) -> set[str]:
        """Returns the commands since the last call; any key with a game action also gives "play".

        Call it at every frame: taps and mouse motion count in the next `action`.
        """
        pygame = self._pygame
        commands: set[str] = set()
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                commands.add("quit")
            elif event.type == pygame.KEYDOWN:
                name = pygame.key.name(event.key)
                code = getattr(event, "scancode", 0)  # 0 from what is no keyboard, such as another program
                commands |= self._press_key(self._places.get(code) if code else name, name)
            elif event.type == pygame.CONTROLLERBUTTONDOWN:
                commands |= self._press_pad(event.button)
            elif event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT:
                commands |= self._click()
            elif event.type == pygame.MOUSEMOTION and self.captured:
                right, down = event.rel
                look = self._look + LOOK_PER_PIXEL * np.array([right, -down])
                self._look = np.clip(look, -LONGEST_LOOK, LONGEST_LOOK)
            elif event.type == pygame.WINDOWFOCUSLOST:
                commands.add("wait")
            elif event.type in (pygame.CONTROLLERDEVICEADDED, pygame.CONTROLLERDEVICEREMOVED):
                before = len(self._pads)
                self._find_pads()
                commands |= {"wait"} if len(self._pads) < before else set()
        return commands

    def action(self) -> np.ndarray:
        """Returns the current action (16,), including taps since the last call."""
        pygame = self._pygame
        down, tapped = pygame.key.get_pressed(), self._tapped_keys
        held = {
            name for code, name in self._places.items() if tuple.__getitem__(down, code)
        }  # down[key] would go by letter
        action = keyboard_action(lambda name: name in held or name in tapped)
        by_mouse, self._look = mouse_action(self._look)
        pressed = gamepad_action(np.zeros(len(gamepad.AXES)), self._tapped_buttons)
        for other in (by_mouse, pressed, *map(self._pad_action, self._pads)):
            action = both(action, other)
        self._tapped_keys, self._tapped_buttons = set(), set()
        return action

    def release(self) -> None:
        """Releases the mouse and discards taps; may be called at any time."""
        self._tapped_keys, self._tapped_buttons = set(), set()
        self._look = np.zeros(2)
        if self.captured:
            self._capture(False)

    def _press_key(self, place: str | None, name: str) -> set[str]:
        if "escape" in (place, name) and self.captured:  # as usual, Escape releases a captured mouse first
            self.release()
            return {"wait"}
        if place in STICK_KEYS or place in BUTTON_KEYS:
            self._tapped_keys.add(place)
            return {"play"}
        command = COMMAND_KEYS.get(name) or COMMAND_KEYS.get(place or "")
        return {command} if command else set()

    def _press_pad(self, button: int) -> set[str]:
        for name, sdl in PAD_BUTTONS.items():
            if button == getattr(self._pygame, f"CONTROLLER_BUTTON_{sdl}"):
                self._tapped_buttons.add(name)
                return {"play"}
        return {name for sdl, name in PAD_COMMANDS.items() if button == self._sdl(f"BUTTON_{sdl}")}

    def _click(self) -> set[str]:
        if self.captured:
            self._tapped_buttons.add("X")
        else:
            self._capture(True)
        return {"play"}

    def _capture(self, captured: bool) -> None:
        self.captured = captured
        self._pygame.mouse.set_visible(not captured)
        self._pygame.event.set_grab(captured)  # with a hidden pointer, SDL then reports unbounded motion
        self._pygame.mouse.get_rel()

    def _find_pads(self) -> None:
        controller = self._controller
        self._pads = [controller.Controller(i) for i in range(controller.get_count()) if controller.is_controller(i)]

    def _pad_action(self, pad: Any) -> np.ndarray:
        axes = stick_axes(np.array([pad.get_axis(self._sdl(f"AXIS_{name}")) for name in PAD_STICKS], dtype=np.float64))
        buttons = {name for name, sdl in PAD_BUTTONS.items() if pad.get_button(self._sdl(f"BUTTON_{sdl}"))}
        pulled = {name for name, sdl in PAD_TRIGGERS.items() if pad.get_axis(self._sdl(f"AXIS_{sdl}")) > TRIGGER_PULLED}
        return gamepad_action(axes, buttons | pulled)

    def _sdl(self, name: str) -> int:
        return getattr(self._pygame, f"CONTROLLER_{name}")
