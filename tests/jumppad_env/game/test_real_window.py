"""End-to-end tests of `python -m jumppad_env.play`: a window on a real X server, real keys, a real mouse.

The display is virtual, Xvfb. Its content is compared, bit for bit, with what the same game draws in this process.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jumppad_env.dataset.format import EPISODE, whole_rows
from jumppad_env.drawing.window import Window
from jumppad_env.files import is_finished
from jumppad_env.game.game import Game
from jumppad_env.game.panels import Recorded

Xlib = pytest.importorskip("Xlib.display", reason="needs python-xlib: make setup")
from Xlib import XK, X  # noqa: E402
from Xlib.error import BadDrawable, BadMatch, BadWindow  # noqa: E402
from Xlib.ext import xtest  # noqa: E402
from Xlib.protocol import event  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb, of Debian's and Ubuntu's package xvfb"),
]
DRAWN = (180, 300)
WINDOW = (288, 480)
PATIENCE = 90.0
"""s; rules and rasterizer may have to be compiled first."""


def is_viewable(window: Any) -> bool:
    try:
        return window.get_attributes().map_state == X.IsViewable
    except BadWindow:  # closed since it was listed
        return False


class Screen:
    """A virtual display with keyboard and mouse."""

    def __init__(self, name: str):
        self.name = name
        self._display = Xlib.Display(name)
        self._root = self._display.screen().root

    def window(self) -> Any:
        """Returns the only visible window, or None."""
        return next(filter(is_viewable, self._root.query_tree().children), None)

    def picture(self) -> np.ndarray:
        """Returns the window's content, uint8 (height, width, 3)."""
        window = self.window()
        size = window.get_geometry()
        pixels = window.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF).data
        return np.frombuffer(pixels, np.uint8).reshape(size.height, size.width, 4)[..., 2::-1]

    def press(self, key: str, down: bool = True) -> None:
        code = self._display.keysym_to_keycode(XK.string_to_keysym(key))
        xtest.fake_input(self._display, X.KeyPress if down else X.KeyRelease, code)
        self._display.sync()

    def tap(self, key: str) -> None:
        self.press(key)
        self.press(key, down=False)

    def click(self) -> None:
        for kind in (X.ButtonPress, X.ButtonRelease):
            xtest.fake_input(self._display, kind, 1)
        self._display.sync()

    def move_mouse(self, right: int, down: int) -> None:
        xtest.fake_input(self._display, X.MotionNotify, detail=True, x=right, y=down)
        self._display.sync()

    def drag_to_size(self, height: int, width: int) -> None:
        self.window().configure(x=0, y=0, height=height, width=width)
        self._display.sync()

    def ask_to_close(self) -> None:
        """Acts like a click on the window's close button."""
        close = [self._display.intern_atom("WM_DELETE_WINDOW"), X.CurrentTime, 0, 0, 0]
        protocols = self._display.intern_atom("WM_PROTOCOLS")
        window = self.window()
        window.send_event(event.ClientMessage(window=window, client_type=protocols, data=(32, close)))
        self._display.sync()

    def title(self) -> str:
        name = self.window().get_full_property(self._display.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
        return name.value.decode()

    def kind(self) -> tuple[str, str]:
        return self.window().get_wm_class()


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as told:
        number = told.readline().strip()  # of a free display; the server is ready now
    assert number, "Xvfb did not start"
    yield Screen(f":{number}")
    server.terminate()
    server.wait(10)


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {holds}"
        time.sleep(0.05)


@pytest.fixture
def game(pygame):
    """The same game in this process, on SDL's dummy driver."""
    game = Game("rider", None, 0, DRAWN)
    yield game
    game.close()


def expected(pygame, game: Game, size: tuple[int, int], recorded: Recorded | None = None) -> np.ndarray:
    window = Window(*size, fps=0)
    window.show(game.frame(), game.panels(recorded))
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


@contextlib.contextmanager
def begun(screen: Screen, first: np.ndarray, *options: str) -> Iterator[subprocess.Popen]:
    """The running command, once this picture of its help is on the display."""
    variables = {
        name: value for name, value in os.environ.items() if name not in ("SDL_VIDEODRIVER", "WAYLAND_DISPLAY")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jumppad_env.play", "--size", *map(str, DRAWN), *options],
        env={**variables, "DISPLAY": screen.name},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: process.poll() is not None or screen.window() is not None)
        until(lambda: process.poll() is not None or shows(screen, first))
        assert process.poll() is None, process.communicate()[1]
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        until(lambda: screen.window() is None)


@pytest.fixture
def playing(screen, game, pygame) -> Iterator[subprocess.Popen]:
    with begun(screen, expected(pygame, game, WINDOW)) as process:
        yield process


def shows(screen: Screen, picture: np.ndarray) -> bool:
    """Returns whether the picture is on the display; a window may be replaced by another while it opens."""
    try:
        return screen.window() is not None and np.array_equal(screen.picture(), picture)
    except (AttributeError, BadDrawable, BadMatch):  # gone between the two questions
        return False


def stands_still(screen: Screen) -> bool:
    before = screen.picture()
    time.sleep(0.5)
    return np.array_equal(screen.picture(), before)


def ends(process: subprocess.Popen) -> tuple[int, str]:
    """Returns exit code and stderr."""
    told = process.communicate(timeout=600)[1]
    return process.returncode, told


def changed(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the share of pixels that differ noticeably."""
    return float((np.abs(one.astype(int) - other).max(axis=2) > 24).mean())


def test_the_help_is_shown_and_keys_select_the_character(screen, playing, game, pygame):
    assert screen.title() == "jumppad" and screen.kind() == ("jumppad", "jumppad")
    for key, command in (("c", "character"), ("t", "target"), ("c", "character"), ("t", "target")):
        before = expected(pygame, game, WINDOW)
        game.obey({command})
        picture = expected(pygame, game, WINDOW)
        assert not np.array_equal(picture, before)
        screen.tap(key)
        until(functools.partial(shows, screen, picture))
    assert game.character == "scout" and game.target == "middle"


@pytest.mark.parametrize("size", [(720, 1200), (240, 360), (600, 400)])
def test_the_window_can_be_dragged_to_any_size(screen, playing, game, pygame, size):
    screen.drag_to_size(*size)
    picture = expected(pygame, game, size)
    assert picture.shape == (*size, 3)
    until(functools.partial(shows, screen, picture))


def test_w_runs_and_a_pause_stops_motion(screen, playing):
    start = screen.picture()
    screen.press("w")
    time.sleep(1.5)
    on_the_way = screen.picture()
    time.sleep(0.5)
    further = screen.picture()
    screen.tap("p")
    until(lambda: stands_still(screen))
    paused = screen.picture()
    time.sleep(1.0)
    assert np.array_equal(screen.picture(), paused)
    screen.tap("p")
    until(lambda: changed(paused, screen.picture()) > 0.1)
    screen.press("w", down=False)
    assert changed(start, on_the_way) > 0.3 and changed(on_the_way, further) > 0.1
    assert changed(further, paused) > 0.05


def test_an_episode_ends_with_its_summary_and_r_starts_the_next(screen, playing):
    screen.press("s")  # begins
    screen.press("s", down=False)
    time.sleep(9.0)
    last = screen.picture()
    until(lambda: changed(last, screen.picture()) > 0.05)
    assert stands_still(screen) and changed(last, screen.picture()) < 0.5
    summary = screen.picture()
    screen.tap("r")
    until(lambda: changed(screen.picture(), summary) > 0.05)


def test_the_mouse_turns_the_view_after_a_click_until_escape_releases_it(screen, playing):
    screen.move_mouse(0, 0)
    before = screen.picture()
    for _ in range(5):
        screen.move_mouse(30, 0)
    time.sleep(0.3)
    assert np.array_equal(screen.picture(), before), "not yet clicked"
    screen.click()
    time.sleep(0.4)
    ahead = screen.picture()
    for _ in range(10):
        screen.move_mouse(30, 0)
        time.sleep(0.05)
    time.sleep(0.5)
    aside = screen.picture()
    assert changed(ahead, aside) > 0.3
    screen.tap("Escape")
    time.sleep(0.4)
    paused = screen.picture()
    time.sleep(0.4)
    assert playing.poll() is None and np.array_equal(screen.picture(), paused), "waits"
    screen.tap("Escape")
    assert ends(playing) == (0, "")


@pytest.mark.parametrize("way", ["close button", "Escape", "Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("when", ["behind the help", "in play"])
def test_the_window_closes_silently(screen, playing, way, when):
    if when == "in play":
        screen.tap("w")
        time.sleep(0.7)
    ways = {
        "close button": screen.ask_to_close,
        "Escape": lambda: screen.tap("Escape"),
        "Ctrl-C": lambda: playing.send_signal(signal.SIGINT),
        "SIGTERM": lambda: playing.send_signal(signal.SIGTERM),
    }
    ways[way]()
    assert ends(playing) == (0, "")
    until(lambda: screen.window() is None)


def kept(directory: Path) -> int:
    """Returns the number of episodes of an unfinished recording on disk."""
    path = directory / "episodes.npy"
    return len(whole_rows(path, EPISODE, ()))


def play_out(screen: Screen, *keys: str) -> None:
    """Holds keys until the episode's summary is on the display."""
    for key in keys:
        screen.press(key)
    time.sleep(11.0)
    until(lambda: stands_still(screen))
    for key in keys:
        screen.press(key, down=False)


def test_a_recording_survives_a_kill_and_is_verified(screen, game, pygame, tmp_path):
    directory = tmp_path / "d"
    with begun(screen, expected(pygame, game, WINDOW, Recorded(0)), "--record", str(directory)) as process:
        play_out(screen, "w", "Left")
        assert kept(directory) == 0
        screen.tap("Return")
        until(lambda: kept(directory) == 1)
        play_out(screen, "w", "d")
        screen.tap("BackSpace")
        screen.press("w")
        time.sleep(1.0)
        process.kill()
        screen.press("w", down=False)
        process.wait(10)
        assert kept(directory) == 1 and not is_finished(directory)
    game.obey({"again"})  # the seed of the first episode is not played again
    game.obey({"help"})
    first = expected(pygame, game, WINDOW, Recorded(1, "wild"))
    with begun(screen, first, "--record", str(directory), "--style", "wild") as process:
        play_out(screen, "w", "space")
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=600)
    assert (process.returncode, errors) == (0, "") and told.splitlines()[-1] == f"{directory}: 2 episodes"
    episodes = np.load(directory / "episodes.npy")
    assert episodes["style"].tolist() == ["", "wild"] and len(set(episodes["seed"])) == 2
    actions = np.load(directory / "actions.npy")
    assert (actions[:20, :3].max(axis=0) > 5).any() and actions[-20:, 4].any(), "what was held is there"
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
    verify = [sys.executable, "-m", "agents.dataset", "verify", str(directory)]
    proved = subprocess.run(verify, capture_output=True, text=True)
    assert proved.returncode == 0 and "2 episodes" in proved.stdout, proved.stdout + proved.stderr


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGINT])
def test_an_empty_recording_leaves_no_files(screen, game, pygame, tmp_path, way):
    first = expected(pygame, game, WINDOW, Recorded(0))
    with begun(screen, first, "--record", str(tmp_path / "d")) as process:
        screen.tap("w")
        time.sleep(0.7)
        process.send_signal(way)
        assert ends(process) == (0, "")
    assert not list(tmp_path.iterdir())
