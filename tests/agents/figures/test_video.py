import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from agents.figures.palette import OUTCOME_COLORS, rgb
from agents.figures.video import (
    EPISODE_SIZE,
    GAP,
    GIF_BYTES,
    GIF_WIDTH,
    HOLD,
    caption,
    outcome_at,
    write_episode,
    write_gif,
    write_grid,
    write_mp4,
)
from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from agents.rollout import make_envs, rollout

ROOT = Path(__file__).parents[3]
PATTERN = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[:, None, None], (1, 80, 3))  # 60 x 80


def play(population):
    envs = make_envs(1, None)
    (trajectory,) = rollout(envs, Crowd(POPULATIONS[population], 1), [3])
    envs.close()
    return trajectory


def ending(trajectory, steps):
    """The last steps of an episode."""
    last = {name: getattr(trajectory, name)[-steps:] for name in ("actions", "states", "goals")}
    return dataclasses.replace(trajectory, **last)


@pytest.fixture(scope="module")
def left():
    trajectory = play("direct_left")
    assert trajectory.pad == 0
    return ending(trajectory, 10)  # four of them before the touch


@pytest.fixture(scope="module")
def idle():
    return ending(play("idle"), 5)


def read(path):
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return [np.frombuffer(frame, dtype=np.uint8).reshape(height, width, 3) for frame in reader]


def near(pixels, outcome, tolerance=30):
    return np.abs(np.mean(pixels, axis=(0, 1)) - rgb(OUTCOME_COLORS[outcome])).max() < tolerance


@pytest.mark.slow
def test_a_film_of_an_episode_decodes_as_it_was_made(left, tmp_path):
    path = tmp_path / "episode.mp4"
    write_episode(path, left, "tester", 0)
    reader = imageio_ffmpeg.read_frames(str(path))
    described = next(reader)
    assert described["codec"] == "h264" and described["pix_fmt"].startswith("yuv420p") and described["fps"] == 10
    assert described["size"] == EPISODE_SIZE[::-1]
    frames = read(path)
    assert len(frames) == len(left) + HOLD
    assert frames[-1].shape == (*EPISODE_SIZE, 3)
    top_border = (slice(1, 5), slice(40, -40))
    assert near(frames[-1][top_border], "left")
    assert not near(frames[0][top_border], "left")
    assert not list(tmp_path.glob("*.partial"))


def test_a_grid_holds_the_last_picture_of_each_episode(left, idle, tmp_path):
    write_grid(tmp_path / "grid.mp4", [left, idle], "tester")
    frames = read(tmp_path / "grid.mp4")
    assert len(frames) == len(left) + HOLD
    height, width = frames[0].shape[:2]
    second = (slice(height // 2, None), slice(width // 2 + GAP, None))
    spread = np.abs(frames[-1][second].astype(int) - frames[len(idle) + 1][second])
    assert spread.mean() < 2 < np.abs(frames[-1][second].astype(int) - frames[0][second]).mean()
    bottom = slice(height - GAP - 4, height - GAP)
    assert near(frames[-1][bottom, 40 : width // 2 - 40], "left", 40)
    assert near(frames[-1][bottom, width // 2 + 40 : -40], "none", 40)


def test_a_gif_is_small_and_as_long_as_the_film(left, tmp_path):
    write_mp4(tmp_path / "film.mp4", [np.roll(PATTERN, 7 * i, axis=1) + i for i in range(12)])
    write_gif(tmp_path / "film.gif", tmp_path / "film.mp4")
    assert (tmp_path / "film.gif").stat().st_size < GIF_BYTES
    with Image.open(tmp_path / "film.gif") as gif:
        assert gif.size == (GIF_WIDTH, 240)
        total = 0
        for index in range(getattr(gif, "n_frames", 1)):
            gif.seek(index)
            total += gif.info["duration"]
        assert total == 1200 and gif.info["loop"] == 0


def test_a_gif_keeps_the_colors_of_the_film(tmp_path):
    film = np.zeros((10, 64, 96, 3), dtype=np.uint8)
    for index, outcome in enumerate(OUTCOME_COLORS):
        film[:, :, 24 * index : 24 * (index + 1)] = rgb(OUTCOME_COLORS[outcome])
    write_mp4(tmp_path / "film.mp4", film)
    write_gif(tmp_path / "film.gif", tmp_path / "film.mp4")
    with Image.open(tmp_path / "film.gif") as gif:
        pixels = np.asarray(gif.convert("RGB"))
    for index, outcome in enumerate(OUTCOME_COLORS):
        assert near(pixels[50:150, 80 * index + 20 : 80 * index + 60], outcome, 12), outcome


@pytest.mark.parametrize("name", ["12:30", "-out", "http:", "100%d", " a 'quoted' one", "two\nlines", "é"])
def test_any_path_takes_a_film_and_a_gif(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("", "folder"):  # ffmpeg looks at the first part of a relative path only
        film = Path(name, folder, "film.mp4") if folder else Path(f"{name}.mp4")
        write_mp4(film, [PATTERN] * 2)
        write_gif(film.with_suffix(".gif"), film)
        assert film.stat().st_size > 100 and film.with_suffix(".gif").stat().st_size > 100


def test_no_gif_is_made_of_what_is_no_film(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"no film")
    with pytest.raises(OSError, match=r"^cannot convert .*film\.mp4 to a GIF: [^\n]+$"):
        write_gif(tmp_path / "film.gif", tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_the_outcome_is_known_from_the_touch_on(left, idle):
    known = [outcome_at(left, step) for step in range(len(left) + 2)]
    assert known[0] is None and known[-1] == "left"
    assert known == sorted(known, key=lambda outcome: outcome is not None)
    assert outcome_at(idle, len(idle) - 1) is None
    assert outcome_at(idle, len(idle)) == "none"


def test_captions_change_the_lower_edge_only_until_the_outcome_is_known():
    frame = np.full((180, 300, 3), 90, dtype=np.uint8)
    plain = caption(frame, "one", "", "", None)
    changed = np.flatnonzero((plain != frame).any(axis=(1, 2)))
    assert changed.min() >= 150 and changed.max() == 179
    assert (caption(frame, "two", "", "", None) != plain).any()
    assert (caption(frame, "one", "detail", "", None) != plain).any()
    assert (caption(frame, "one", "", "1.0 s", None) != plain).any()
    bordered = caption(frame, "one", "", "right", "right")
    assert tuple(bordered[0, 0]) == tuple(bordered[90, -1]) == rgb(OUTCOME_COLORS["right"])
    assert (frame == 90).all()


def test_a_film_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken.mp4").mkdir()
    with pytest.raises(OSError, match=r"taken\.mp4"):
        write_mp4(tmp_path / "taken.mp4", [PATTERN])
    assert [path.name for path in tmp_path.iterdir()] == ["taken.mp4"]


def test_a_film_whose_frames_fail_leaves_nothing_behind(tmp_path):
    def frames():
        yield PATTERN
        raise OSError("the camera broke")

    with pytest.raises(OSError, match="the camera broke"):
        write_mp4(tmp_path / "film.mp4", frames())
    assert not list(tmp_path.iterdir())


CODE = """
import hashlib, os, sys
import numpy as np
from agents.figures.video import write_mp4
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, set(map(int, sys.argv[2].split())))
moving = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8).repeat(2, 0).repeat(2, 1)
write_mp4(sys.argv[1], (np.roll(moving, (3 * step, 5 * step), (0, 1)) for step in range(40)))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen")
def test_the_bytes_of_a_film_do_not_depend_on_the_cores(tmp_path):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("there is one core")
    films = []
    for some in (cores[:1], cores[:2]):
        path = tmp_path / f"{len(some)}.mp4"
        subprocess.run([sys.executable, "-c", CODE, path, " ".join(map(str, some))], check=True, cwd=ROOT)
        films.append(path.read_bytes())
    assert films[0] == films[1]


KILLED = """
import os, sys, time
from pathlib import Path
import numpy as np
from agents.figures.video import write_mp4

def parent(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except OSError:  # it has ended meanwhile
        return None

def frames():
    for _ in range(20):
        yield np.zeros((60, 80, 3), np.uint8)
    (encoder,) = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if parent(pid) == str(os.getpid())]
    keeper = os.fork()  # keeps the encoder's pipe open, so that it sees no end of the film
    if keeper:
        print(encoder, keeper, flush=True)
    time.sleep(3600)

write_mp4(sys.argv[1], frames())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the encoder ends with its pipe")
def test_the_encoder_ends_with_the_process_that_films(tmp_path):
    command = [sys.executable, "-c", KILLED, tmp_path / "film.mp4"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        encoder, keeper = map(int, process.stdout.readline().split())
        assert Path(f"/proc/{encoder}/exe").resolve() == Path(imageio_ffmpeg.get_ffmpeg_exe()).resolve()
        process.kill()
        process.wait()
        end = time.monotonic() + 600
        while runs(encoder) and time.monotonic() < end:
            time.sleep(0.05)
        ended = not runs(encoder)
        os.kill(keeper, signal.SIGKILL)
    assert ended and not (tmp_path / "film.mp4").exists()


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
