"""Gamepads through SDL: virtual ones, attached to SDL itself, need no device of the system."""

import ctypes
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.drawing.window import Window
from jumppad_env.game.controls import PAD_BUTTONS, PAD_COMMANDS, PAD_STICKS, Controls
from jumppad_env.game.game import Game
from jumppad_env.game.sharpness import Sharpness
from jumppad_env.play import run_game

GAMECONTROLLER = 1  # of SDL's kinds of joystick
AXES, BUTTONS = 6, 15

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds SDL among the libraries that Linux has loaded")


def loaded_sdl() -> ctypes.CDLL:
    """Returns the SDL library that pygame uses."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return ctypes.CDLL(next(line.split()[-1] for line in lines if "/libSDL2-2" in line))


class VirtualPad:
    """A virtual gamepad, plugged in when constructed."""

    def __init__(self, pygame):
        self._pygame, self._sdl = pygame, loaded_sdl()
        self._sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        device = self._sdl.SDL_JoystickAttachVirtual(GAMECONTROLLER, AXES, BUTTONS, 0)
        assert device >= 0, "this SDL was built without virtual joysticks"
        self._stick = ctypes.c_void_p(self._sdl.SDL_JoystickOpen(device))
        self._number = self._sdl.SDL_JoystickInstanceID(self._stick)

    def push(self, axis: str, value: int) -> None:
        number = getattr(self._pygame, f"CONTROLLER_AXIS_{axis}")
        assert self._sdl.SDL_JoystickSetVirtualAxis(self._stick, number, ctypes.c_int16(value)) == 0

    def press(self, button: str, down: bool = True) -> None:
        number = getattr(self._pygame, f"CONTROLLER_BUTTON_{button}")
        assert self._sdl.SDL_JoystickSetVirtualButton(self._stick, number, ctypes.c_uint8(down)) == 0

    def unplug(self) -> None:
        devices = range(self._sdl.SDL_NumJoysticks())
        (device,) = [i for i in devices if self._sdl.SDL_JoystickGetDeviceInstanceID(i) == self._number]
        assert self._sdl.SDL_JoystickDetachVirtual(device) == 0
        self._sdl.SDL_JoystickClose(self._stick)
        self._number = None

    @property
    def plugged(self) -> bool:
        return self._number is not None


@pytest.fixture
def plug(pygame) -> Iterator[Callable[[], VirtualPad]]:
    # A window on SDL's dummy driver never has the focus, without which SDL tells nothing of gamepads.
    without_focus = b"SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS"
    loaded_sdl().SDL_SetHint(without_focus, b"1")
    pads = []

    def plug() -> VirtualPad:
        pads.append(VirtualPad(pygame))
        return pads[-1]

    yield plug
    for pad in pads:
        if pad.plugged:
            pad.unplug()
    loaded_sdl().SDL_SetHint(without_focus, b"0")


@pytest.fixture
def controls(plug, pygame):
    controls = Controls()
    controls.read()
    yield controls
    controls.read()


@pytest.fixture
def pad(plug, controls):
    pad = plug()
    assert controls.read() == set()
    return pad


def pressed(action: np.ndarray) -> set[str]:
    return {gamepad.BUTTONS[i] for i in np.flatnonzero(action[len(gamepad.AXES) :])}


def test_a_gamepad_at_rest_does_nothing(controls, pad):
    assert np.array_equal(controls.action(), gamepad.NEUTRAL)


def test_the_sticks_are_analog_and_read_in_order(controls, pad):
    for axis, value in zip(PAD_STICKS, (32767, 32767, -13107, -32768), strict=True):
        pad.push(axis, value)
    assert controls.read() == set()
    assert controls.action()[:4].tolist() == [10, 0, 3, 10]
    for value, bucket in ((6553, 6), (-19660, 2), (3000, 5)):
        pad.push("LEFTX", value)
        controls.read()
        assert controls.action()[gamepad.LEFT_X] == bucket


@pytest.mark.parametrize("name", PAD_BUTTONS)
def test_a_button_counts_as_long_as_it_is_held_and_once_if_tapped(controls, pad, name):
    pad.press(PAD_BUTTONS[name])
    assert controls.read() == {"play"}
    assert pressed(controls.action()) == pressed(controls.action()) == {name}
    pad.press(PAD_BUTTONS[name], False)
    assert controls.read() == set() and pressed(controls.action()) == set()
    pad.press(PAD_BUTTONS[name])
    controls.read()
    pad.press(PAD_BUTTONS[name], False)
    controls.read()
    assert pressed(controls.action()) == {name} and pressed(controls.action()) == set()


def test_triggers_are_buttons_when_pulled_half(controls, pad):
    pad.push("TRIGGERLEFT", 3000)  # from -32768 at rest
    pad.push("TRIGGERRIGHT", -9000)
    controls.read()
    assert pressed(controls.action()) == {"LT"}


@pytest.mark.parametrize(("button", "command"), PAD_COMMANDS.items())
def test_a_gamepad_gives_commands_too(controls, pad, button, command):
    pad.press(button)
    assert controls.read() == {command}
    assert np.array_equal(controls.action(), gamepad.NEUTRAL)


def test_a_gamepad_connected_before_the_start_is_found(plug, pygame):
    pad = plug()
    pygame.event.pump()
    controls = Controls()
    pad.push("LEFTY", -32768)
    controls.read()
    assert controls.action()[gamepad.LEFT_Y] == 10


def test_unplugging_releases_all_buttons_and_pauses(controls, pad):
    pad.push("LEFTY", -32768)
    pad.press("A")
    controls.read()
    assert controls.action()[gamepad.LEFT_Y] == 10
    pad.unplug()
    assert "wait" in controls.read()
    controls.release()  # as the loop does while the game waits
    assert np.array_equal(controls.action(), gamepad.NEUTRAL)


def test_two_gamepads_are_merged_and_one_can_be_unplugged(controls, plug, pad):
    other = plug()
    assert controls.read() == set()
    pad.push("LEFTX", 32767)
    other.press("Y")
    controls.read()
    action = controls.action()
    assert action[gamepad.LEFT_X] == 10 and pressed(action) == {"Y"}
    pad.unplug()
    assert controls.read() == {"wait"}
    action = controls.action()
    assert action[gamepad.LEFT_X] == gamepad.CENTER and pressed(action) == {"Y"}
    again = plug()
    again.push("LEFTX", -32768)
    controls.read()
    assert controls.action()[gamepad.LEFT_X] == 0


def test_plugged_in_and_out_while_the_game_runs(plug, controls, pygame, monkeypatch):
    """The whole loop: A starts, the stick runs, unplugging pauses, and after plugging in again START resumes."""
    game, window = Game("rider", "left", 0, (36, 60)), Window(90, 150, fps=0)
    sharpness, now = Sharpness((36, 60), 1.0), iter(np.arange(0.0, 100.0, 1 / 60))
    pads: list[VirtualPad] = []
    ran: list[float] = []
    shown = []
    script = {
        10: lambda: pads.append(plug()),
        20: lambda: pads[-1].press("A"),
        21: lambda: pads[-1].press("A", False),
        22: lambda: pads[-1].push("LEFTY", -32768),
        80: lambda: pads[-1].unplug(),
        100: lambda: pads.append(plug()),
        110: lambda: pads[-1].press("START"),
        120: lambda: pads[-1].push("LEFTY", -32768),
        180: lambda: pygame.event.post(pygame.event.Event(pygame.QUIT)),
    }
    show = window.show

    def next_frame(frame, panels):
        show(frame, panels)
        shown.append(panels[0].title)
        ran.append(game.status().distance)
        script.get(len(shown), lambda: None)()

    monkeypatch.setattr(window, "show", next_frame)
    run_game(game, controls, window, sharpness, lambda: next(now))
    game.close()
    assert shown[19].startswith("Rider: run onto") and ran[21] == 0
    assert shown[79] == "Rider to the left pad" and ran[79] > 3.0
    assert set(shown[81:110]) == {"Paused"} and ran[109] == ran[81]
    assert shown[179] == "Rider to the left pad" and ran[179] > ran[110] + 2.0
