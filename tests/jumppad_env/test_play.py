"""The game loop and the command, on SDL's dummy driver."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.drawing.window import Window
from jumppad_env.game.controls import Controls, scancode
from jumppad_env.game.game import Game
from jumppad_env.game.sharpness import Sharpness
from jumppad_env.play import SLOWEST_FPS, ZOOM, check_screen, run_game, window_size


class Clock:
    """A simulated clock that advances when the window waits for the next frame."""

    def __init__(self, frame_seconds: float):
        self.now, self.frame_seconds = 100.0, frame_seconds

    def __call__(self) -> float:
        return self.now


class Script:
    """Runs the game loop with scripted events, posted at given frames."""

    def __init__(self, pygame, monkeypatch, frame_seconds: float, at: dict[int, tuple[str, dict]], frames: int):
        self.clock = Clock(frame_seconds)
        self.actions: list[np.ndarray] = []
        self.panels: list[list[str]] = []
        self.states: list[np.ndarray] = []
        self.sizes: list[tuple[int, int]] = []
        self.game, self.controls, self.window = Game("rider", "left", 0, (36, 60)), Controls(), Window(90, 150, 0)
        numbers = itertools.count()
        show, action = self.window.show, self.controls.action

        def post(name: str, attributes: dict) -> None:
            pygame.event.post(pygame.event.Event(getattr(pygame, name), **attributes))

        def next_frame(frame, panels):
            show(frame, panels)
            self.clock.now += self.clock.frame_seconds
            self.window.busy = self.clock.frame_seconds  # as if drawing had taken all of it
            self.sizes.append(frame.shape[:2])
            self.panels.append([panel.title for panel in panels])
            assert self.game._drawn is not None
            self.states.append(self.game._drawn[0])
            number = next(numbers)
            post(*at.get(number, ("USEREVENT", {})))
            if number == frames:
                post("QUIT", {})

        def act():
            self.actions.append(action())
            return self.actions[-1]

        monkeypatch.setattr(self.window, "show", next_frame)
        monkeypatch.setattr(self.controls, "action", act)
        run_game(self.game, self.controls, self.window, Sharpness((36, 60), 1 / SLOWEST_FPS), self.clock)
        self.game.close()


def key(pygame, name: str) -> tuple[str, dict]:
    return "KEYDOWN", {"key": pygame.key.key_code(name), "scancode": scancode(pygame, name)}


@pytest.mark.parametrize(("fps", "frames"), [(60, 180), (30, 90), (4, 12)])
def test_control_runs_at_10_hz_while_the_window_draws_as_it_can(pygame, monkeypatch, fps, frames):
    script = Script(pygame, monkeypatch, 1 / fps, {0: key(pygame, "w")}, frames)
    assert len(script.panels) == frames + 1
    assert len(script.actions) in (29, 30)
    assert script.actions[0][gamepad.LEFT_Y] == 10 and script.actions[1][gamepad.LEFT_Y] == gamepad.CENTER


def test_motion_is_drawn_between_control_steps(pygame, monkeypatch):
    script = Script(pygame, monkeypatch, 1 / 60, {0: key(pygame, "w")}, 12)
    y = [state[1] for state in script.states]
    moving = np.diff(y[7:12])
    assert (moving > 0).all() and np.ptp(moving) < 1e-9, "evenly"


def test_a_pause_stops_the_steps_and_is_not_caught_up(pygame, monkeypatch):
    at = {0: key(pygame, "w"), 60: key(pygame, "p"), 119: key(pygame, "p")}
    script = Script(pygame, monkeypatch, 1 / 60, at, 120)
    assert len(script.actions) in (9, 10)
    assert script.panels[0][0].startswith("Rider: run onto the left pad")
    assert [titles for titles in script.panels[61:120]] == [["Paused"]] * 59
    assert script.panels[120][0] == "Rider to the left pad"


@pytest.mark.parametrize(("fps", "smallest"), [(60, (36, 60)), (20, (12, 20))])
def test_slow_drawing_shrinks_the_drawn_size(pygame, monkeypatch, fps, smallest):
    script = Script(pygame, monkeypatch, 1 / fps, {20: key(pygame, "w")}, 100)
    assert set(script.sizes[:21]) == {(36, 60)}, "while the game waits no frame times count"
    assert script.sizes[-1] == smallest


@pytest.mark.parametrize(
    ("size", "screen", "opened"),
    [
        ((360, 600), (1080, 1920), (576, 960)),
        ((720, 1280), (1080, 1920), (972, 1728)),
        ((360, 600), (900, 700), (378, 630)),
    ],
)
def test_the_window_opens_larger_than_what_is_drawn_if_the_screen_has_room(size, screen, opened):
    assert window_size(size, screen) == opened


@pytest.mark.skipif(sys.platform != "linux", reason="displays are named on Linux only")
@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_display_that_is_no_more_is_one_clear_error(pygame, monkeypatch, name):
    pygame.display.quit()
    for other in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, ":77")
    with pytest.raises(ValueError, match=f"^playing needs a display: {name}=:77 cannot be opened$"):
        check_screen()


def test_losing_focus_pauses_and_releases_the_mouse(pygame, monkeypatch):
    at = {0: ("MOUSEBUTTONDOWN", {"button": 1, "pos": (9, 9)}), 5: ("WINDOWFOCUSLOST", {})}
    script = Script(pygame, monkeypatch, 1 / 60, at, 30)
    assert script.panels[5] != ["Paused"] == script.panels[-1]
    assert len(script.actions) == 0 and not script.controls.captured


def test_an_episode_ends_with_a_summary_and_can_be_restarted(pygame, monkeypatch):
    at = {0: key(pygame, "w"), 60: key(pygame, "r")}
    script = Script(pygame, monkeypatch, 0.25, at, 61)
    assert script.panels[59] == ["Out of time"] and script.panels[61][0] == "Rider to the left pad"
    assert len(script.actions) > 100


def run(program: str, **environment: str) -> subprocess.CompletedProcess:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, "-c", program], env={**variables, **environment}, capture_output=True, text=True, timeout=120
    )


def command(*arguments: str) -> subprocess.CompletedProcess:
    """Runs the command and closes its window after the third frame."""
    program = (
        "import sys, pygame, jumppad_env.play as play\n"
        "show, shown = play.Window.show, []\n"
        "def closing(self, frame, panels):\n"
        "    show(self, frame, panels)\n"
        "    shown.append((pygame.display.get_surface().get_size(), panels[0].title))\n"
        "    pygame.event.post(pygame.event.Event(pygame.QUIT if len(shown) == 3 else pygame.USEREVENT))\n"
        "play.Window.show = closing\n"
        f"sys.argv = ['play', *{arguments!r}]\n"
        "play.main()\n"
        "print(shown)\n"
    )
    return run(program, SDL_VIDEODRIVER="dummy")


@pytest.mark.slow
def test_the_command_opens_a_window_until_it_is_closed():
    pytest.importorskip("pygame")
    result = command("--size", "90", "150", "--target", "right", "--fps", "30", "--character", "walker")
    assert result.returncode == 0, result.stderr
    titles = ["Loading ...", *["Walker: run onto the right pad within 10 seconds"] * 2]
    size = round(ZOOM * 150), round(ZOOM * 90)
    assert str([(size, title) for title in titles]) in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--fps", "120"), "--fps must be from 30 to 60, got 120"),
        (("--size", "90", "1"), "render_size=(90, 1)"),
        (("--seed", "-1"), "seed -1"),
        (("--variety", "nonsense"), "variety='nonsense'"),
    ],
)
def test_invalid_options_are_rejected_in_one_line(arguments, told):
    pytest.importorskip("pygame")
    result = command(*arguments)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ") and told in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_without_a_display_playing_is_one_clear_error():
    result = run("import sys; sys.argv = ['play']; import jumppad_env.play as play; play.main()")
    assert (result.returncode, result.stderr) == (
        2,
        "error: playing needs a display: neither DISPLAY nor WAYLAND_DISPLAY is set\n",
    )


def test_without_pygame_the_error_says_how_to_install_it():
    program = (
        "import sys; sys.argv = ['play']; sys.modules['pygame'] = None; import jumppad_env.play as play; play.main()"
    )
    result = run(program)
    assert result.returncode == 2 and 'pip install "pygame' in result.stderr and result.stderr.count("\n") == 1
