"""Playing, with SDL's dummy driver for a screen."""

import os
import subprocess
import sys

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.play import BUTTON_KEYS, COMMAND_KEYS, STICK_KEYS, both, gamepad_action, keyboard_action


def keys(*names: str) -> np.ndarray:
    return keyboard_action(lambda name: name in names)


def test_no_key_is_the_neutral_action():
    assert np.array_equal(keys(), gamepad.NEUTRAL)


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("w", gamepad.LEFT_Y, 10),
        ("s", gamepad.LEFT_Y, 0),
        ("a", gamepad.LEFT_X, 0),
        ("d", gamepad.LEFT_X, 10),
        ("left", gamepad.RIGHT_X, 2),
        ("right", gamepad.RIGHT_X, 8),
        ("space", gamepad.A, 1),
        ("left shift", gamepad.B, 1),
        ("right shift", gamepad.B, 1),
        ("f", gamepad.X, 1),
        ("e", gamepad.Y, 1),
    ],
)
def test_each_key_does_one_thing(name, index, value):
    action = keys(name)
    assert action[index] == value
    action[index] = gamepad.NEUTRAL[index]
    assert np.array_equal(action, gamepad.NEUTRAL)


def test_up_and_down_tilt_the_view():
    assert keys("up")[gamepad.RIGHT_Y] > gamepad.CENTER > keys("down")[gamepad.RIGHT_Y]


def test_opposite_keys_cancel_and_every_combination_is_an_action():
    assert np.array_equal(keys("w", "s", "left", "right"), gamepad.NEUTRAL)
    gamepad.validate(keys(*STICK_KEYS, *BUTTON_KEYS), (gamepad.FACTORS,))


def test_no_key_means_two_things_and_pygame_knows_them_all(monkeypatch):
    pygame = pytest.importorskip("pygame")
    names = [*STICK_KEYS, *BUTTON_KEYS, *COMMAND_KEYS]
    assert len(set(names)) == len(names)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    assert [pygame.key.name(pygame.key.key_code(name)) for name in names] == names
    pygame.display.quit()


def test_keyboard_and_gamepad_work_together():
    pad = gamepad_action(np.array([-0.5, 0.2, 1.0, 0.0]), {"A", "DPAD_UP"})
    action = both(keys("w", "f"), pad)
    assert action[:4].tolist() == [2, 10, 10, 5]
    assert {gamepad.BUTTONS[i] for i in np.flatnonzero(action[4:])} == {"A", "X", "DPAD_UP"}


def run(program: str, **environment: str) -> subprocess.CompletedProcess:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, "-c", program], env={**variables, **environment}, capture_output=True, text=True, timeout=120
    )


GAME = """
import numpy as np, pygame
from jumppad_env import gamepad, play
game = play.Game("rider", "left", 0, (90, 150))
game._window._fps = 0  # no waiting
controls = play.Controls()
def press(*names):
    for name in names:
        code = pygame.key.key_code(name)
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=code))
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=code))
    action, commands = controls.read()
    game.advance(action, commands)
    return action, commands
action, commands = press("w", "space")
assert action[gamepad.LEFT_Y] == 10 and action[gamepad.A] == 1 and not commands, "a short tap counts"
first = pygame.surfarray.array3d(game._window._surface)
assert np.ptp(first) > 100
for _ in range(3):
    press("w")
assert (pygame.surfarray.array3d(game._window._surface) != first).any()
assert press("c")[1] == {"character"} and game.character == game._info["character"] == "bruiser"
assert press("t")[1] == {"target"} and game.target == "middle" and "middle" in game.lines()[0]
while not game.ended:
    game.advance(gamepad.NEUTRAL, set())
assert "Out of time.  R: again" in game.lines()[0]
assert press("r")[1] == {"again"} and not game.ended
assert press("escape")[1] == {"quit"}
game.close()
"""


def test_a_game_is_played_in_a_window():
    pytest.importorskip("pygame")
    result = run(GAME, SDL_VIDEODRIVER="dummy")
    assert result.returncode == 0, result.stderr


def test_closing_the_window_ends_the_game():
    pytest.importorskip("pygame")
    program = (
        "import sys, pygame, jumppad_env.play as play\n"
        "shown = play.Game.advance\n"
        "def advance(self, *rest):\n"
        "    shown(self, *rest)\n"
        "    pygame.event.post(pygame.event.Event(pygame.QUIT))\n"
        "play.Game.advance = advance\n"
        "sys.argv = ['play', '--size', '90', '150', '--target', 'right']\n"
        "play.main()\n"
    )
    result = run(program, SDL_VIDEODRIVER="dummy")
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a screen")
def test_without_a_screen_playing_says_so():
    result = run("import sys; sys.argv = ['play']; import jumppad_env.play as play; play.main()")
    assert (result.returncode, result.stderr) == (
        2,
        "error: playing needs a screen: neither DISPLAY nor WAYLAND_DISPLAY is set\n",
    )


def test_without_pygame_playing_says_how_to_get_it():
    program = (
        "import sys; sys.argv = ['play']; sys.modules['pygame'] = None; import jumppad_env.play as play; play.main()"
    )
    result = run(program)
    assert result.returncode == 2 and 'pip install "pygame' in result.stderr and result.stderr.count("\n") == 1
