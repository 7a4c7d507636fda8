"""Recording a person's play: what is kept and what survives; on SDL's dummy driver, in simulated time."""

import itertools
import json
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest

from jumppad_env.drawing.window import Window
from jumppad_env.files import is_finished
from jumppad_env.game.controls import Controls
from jumppad_env.game.game import Game
from jumppad_env.game.recording import record
from jumppad_env.game.sharpness import Sharpness
from jumppad_env.play import SLOWEST_FPS, run_game
from jumppad_env.streams import integer_seed

FRAME_SECONDS = 0.25
EPISODE_FRAMES = 42
"""Frames from the first key to the summary of an episode of ten seconds, at least."""
PAD = {"START", "BACK", "DPAD_LEFT"}


def event(pygame, name: str):
    """Returns the event of a key or gamepad button, or another event, by name."""
    if name in PAD:
        button = getattr(pygame, f"CONTROLLER_BUTTON_{name}")
        return pygame.event.Event(pygame.CONTROLLERBUTTONDOWN, button=button)
    if name == "QUIT":
        return pygame.event.Event(pygame.QUIT)
    return pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(name))


class Person:
    """Plays the keys of a script, one per frame; None taps a random game key."""

    def __init__(self, pygame, script: list[str | None]):
        self.now, self.shown = 0.0, []
        self._pygame, self._script = pygame, iter(script)
        self._generator = np.random.default_rng(0)

    def clock(self) -> float:
        return self.now

    def next_frame(self, frame, panels) -> None:
        self.shown.append("\n".join(" ".join((panel.title, *itertools.chain(*panel.rows))) for panel in panels))
        self.now += FRAME_SECONDS
        name = next(self._script, "QUIT") or str(self._generator.choice(["w", "w", "a", "d", "left", "space", "f"]))
        self._pygame.event.post(event(self._pygame, name))


def episode(*keys: str) -> list[str | None]:
    """Returns a script that plays until the summary, then presses keys."""
    return [*[None] * EPISODE_FRAMES, *keys]


@pytest.fixture
def session(pygame, monkeypatch):
    """Records the play of a script; returns the texts shown, frame by frame."""

    def session(directory, script, seed=0, style="", slow_disk=0.0) -> list[str]:
        person = Person(pygame, script)
        with record(directory, seed, style=style) as recording:
            keep = recording.keep

            def slowly(played):
                keep(played)
                person.now += slow_disk

            monkeypatch.setattr(recording, "keep", slowly)
            game = Game("rider", None, seed, (16, 30), skipped=recording.seeds)
            window = Window(90, 150, 0)
            monkeypatch.setattr(window, "show", person.next_frame)
            sharpness = Sharpness((16, 30), 1 / SLOWEST_FPS)
            run_game(game, Controls(), window, sharpness, person.clock, recording)
            game.close()
        return person.shown

    return session


def rows(directory) -> np.ndarray:
    return np.load(directory / "episodes.npy")


def seed_of(number: int) -> int:
    return integer_seed(0, "play", number)


def test_finished_episodes_are_kept_unless_discarded(session, tmp_path):
    script = [*episode("return"), *episode("backspace"), None, None, "r", *episode("c"), *episode("QUIT")]
    shown = session(tmp_path / "d", script, style="careful")
    kept = rows(tmp_path / "d")
    assert kept["seed"].tolist() == [seed_of(number) for number in (0, 3, 4)]
    assert kept["character"].tolist() == ["rider", "rider", "bruiser"]
    assert kept["style"].tolist() == ["careful"] * 3 and (kept["length"] >= 15).all()
    assert (kept["person"] == -1).all() and np.isnan(kept["skill"]).all() and not kept["mode"].astype(bool).any()
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    assert (manifest["population"], manifest["seed"], manifest["episodes"]) == ("person", 0, 3)
    environment = {"id": "Jumppad-v0", "observation": "state", "character": "random", "variety": "none"}
    assert manifest["environment"] == environment
    counts = [next(count for count in range(4) if f"{count} kept" in text) for text in shown if " kept" in text]
    assert sorted(counts) == counts and set(counts) == {0, 1, 2}
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


@pytest.mark.parametrize("key", ["r", "return", "c", "t", "escape", "QUIT", "START", "DPAD_LEFT"])
def test_continuing_after_the_end_keeps_the_episode(session, tmp_path, key):
    session(tmp_path / "d", episode("w", key))
    assert rows(tmp_path / "d")["seed"].tolist() == [seed_of(0)]


@pytest.mark.parametrize("key", ["backspace", "BACK"])
def test_a_discarded_episode_is_gone_and_the_next_starts(session, tmp_path, key):
    shown = session(tmp_path / "d", episode(key, "w"))
    assert "Discard and continue" in shown[-3] and "Rider to any pad" in shown[-2]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["r", "c", "t", "escape", "QUIT", "BACK", "backspace", "DPAD_LEFT"])
def test_an_abandoned_episode_is_not_kept(session, tmp_path, key):
    session(tmp_path / "d", [*[None] * 12, key])
    assert not list(tmp_path.iterdir())


def test_time_spent_writing_does_not_count(session, tmp_path):
    shown = session(tmp_path / "d", episode("r", "w"), slow_disk=0.45)
    assert "9.8 s" in shown[-1] or "10.0 s" in shown[-1], "one frame at most has passed"


def kept_and_killed(directory, style: str = "") -> None:
    """Leaves the files of a process that kept one more episode and was killed in the next."""
    before = directory.with_name("before")
    if directory.exists():
        directory.rename(before)
    with record(before, 0, style=style) as recording:
        game = Game("scout", None, 0, (16, 30), skipped=recording.seeds)
        game.obey({"play"})
        while not game.ended:
            game.advance(0.1, game._env.action_space.sample)
        recording.keep(game.played())
        shutil.copytree(before, directory)  # the disk at this moment
        game.close()
    shutil.rmtree(before)


def test_a_killed_recording_resumes_with_its_episodes_and_other_seeds(session, tmp_path):
    for number in range(2):
        kept_and_killed(tmp_path / "d", style=f"style {number}")
        assert not is_finished(tmp_path / "d")
    shown = session(tmp_path / "d", [*episode("return"), *episode("return")], style="wild")
    assert "2 kept, style wild" in next(text for text in shown if "Keep and continue" in text)
    kept = rows(tmp_path / "d")
    assert kept["seed"].tolist() == [seed_of(number) for number in range(4)]
    assert kept["style"].tolist() == ["style 0", "style 1", "wild", "wild"]
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_session_that_keeps_nothing_finishes_what_the_last_one_kept(session, tmp_path):
    kept_and_killed(tmp_path / "d")
    session(tmp_path / "d", [None, "escape"])
    assert rows(tmp_path / "d")["seed"].tolist() == [seed_of(0)]


def test_after_an_error_the_kept_episodes_can_be_resumed(session, tmp_path):
    kept_and_killed(tmp_path / "d")
    with pytest.raises(ZeroDivisionError), record(tmp_path / "d", 0):
        raise ZeroDivisionError
    with pytest.raises(ValueError, match="seed 0 there, 1 requested"), record(tmp_path / "d", 1):
        pass
    with record(tmp_path / "d", 0) as recording:
        assert recording.seeds == {seed_of(0)}


def test_an_error_before_the_first_episode_leaves_no_files(tmp_path):
    with pytest.raises(ValueError, match="seed -1"), record(tmp_path / "d", -1):
        Game("rider", None, -1, (16, 30))
    assert not list(tmp_path.iterdir())


def test_an_existing_dataset_is_not_touched(session, tmp_path):
    session(tmp_path / "d", episode("escape"))
    with pytest.raises(ValueError, match=r"exists; record into another directory.*agents\.dataset merge"):
        session(tmp_path / "d", episode("escape"))
    assert [path.name for path in tmp_path.iterdir()] == ["d"] and len(rows(tmp_path / "d")) == 1


@pytest.mark.parametrize("style", ["s" * 25, "a\nb", "\udcff"])
def test_an_invalid_style_is_rejected(tmp_path, style):
    with pytest.raises(ValueError, match="at most 24 printable"), record(tmp_path / "d", 0, style=style):
        pass
    assert not list(tmp_path.iterdir())


def command(*arguments: str, keys: str = "", limit: int | None = None) -> subprocess.CompletedProcess:
    """Runs the command with a key at each frame, in simulated time of a quarter of a second per frame."""
    program = (
        "import itertools, sys, pygame, jumppad_env.play as play\n"
        f"names = iter({keys!r}.split())\n"
        "def show(self, frame, panels):\n"
        "    name = next(names, None)\n"
        "    key = name and pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(name))\n"
        "    pygame.event.post(key or pygame.event.Event(pygame.QUIT))\n"
        "play.Window.show = show\n"
        "ticks = itertools.count()\n"
        f"play.run_game.__defaults__ = (lambda: next(ticks) * {FRAME_SECONDS}, *play.run_game.__defaults__[1:])\n"
        f"sys.argv = ['play', '--size', '16', '30', *{arguments!r}]\n"
        "play.main()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SDL_VIDEODRIVER": "dummy", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None,
    )


PLAYED = ["w"] * EPISODE_FRAMES


@pytest.mark.slow
def test_the_command_records(pygame, tmp_path):
    keys = " ".join([*PLAYED, "return", *PLAYED, "escape"])
    done = command("--record", str(tmp_path / "runs" / "d"), "--style", "fast", keys=keys)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"{tmp_path / 'runs' / 'd'}: 2 episodes"
    assert rows(tmp_path / "runs" / "d")["style"].tolist() == ["fast", "fast"]


@pytest.mark.slow
def test_the_command_says_that_nothing_was_kept(pygame, tmp_path):
    done = command("--record", str(tmp_path / "d"), keys="w w escape")
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "no episode was kept")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--style", "fast"), "--style needs --record"),
        (("--record", "there"), "there exists and is no unfinished dataset"),
        (("--record", "there/file/d"), "there/file"),
        (("--record", "new", "--style", "x" * 25), "at most 24 printable"),
    ],
)
def test_invalid_recordings_are_rejected_before_the_window_opens(pygame, tmp_path, monkeypatch, arguments, told):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    monkeypatch.chdir(tmp_path)
    done = command(*arguments, keys=" ".join([*PLAYED, "escape"]))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ") and told in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "there"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_full_disk_ends_in_one_line_and_what_was_kept_stays(pygame, tmp_path):
    """A limit on the file size, which fails in the middle of a write, like a full disk."""
    keys = " ".join([*PLAYED, "return"] * 4)
    done = command("--record", str(tmp_path / "d"), keys=keys, limit=40_000)  # an episode is 17,600 bytes of states
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: no space left while writing {tmp_path / 'd'}; free some space")
    assert not is_finished(tmp_path / "d")
    done = command("--record", str(tmp_path / "d"), keys=" ".join([*PLAYED, "escape"]))
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(tmp_path / "d")["seed"].tolist() == [seed_of(number) for number in range(3)]
