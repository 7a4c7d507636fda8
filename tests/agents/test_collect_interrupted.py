"""Collecting that is cut off: whenever and however, it goes on and ends in the same bytes."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from agents import collect as collecting
from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.rerendering import rerender
from agents.population.cast import People
from agents.workers import open_workers
from agents.workers.playing import BLOCK, play
from jumppad_env.files import is_finished
from jumppad_env.streams import stream

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SIZE = (16, 16)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def start(module: str, out: Path, *options: object, before: str = "") -> subprocess.Popen:
    """Starts a command, whose errors go to a file beside what it makes; `before` is done before its main()."""
    run = ["-c", f"import {module}; {before}; {module}.main()"] if before else ["-m", module]
    with (out.parent / "errors").open("w") as errors:
        command = [sys.executable, *run, str(out), *map(str, options)]
        return subprocess.Popen(command, cwd=ROOT, stderr=errors, stdout=errors)


def kill_when(process: subprocess.Popen, ready, patience: float = 60.0) -> bool:
    """Kills the process as soon as `ready()`; returns whether it was alive until then."""
    deadline = time.monotonic() + patience
    while not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return alive


def larger_than(path: Path, size: int):
    return lambda: path.exists() and path.stat().st_size > size


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("population", ["human", "curated"])
def test_killed_in_each_stage_it_goes_on_and_ends_in_the_same_bytes(tmp_path, population, workers):
    options = ["--episodes", 900, "--population", population, "--image-size", *SIZE, "--workers", workers]
    config = CollectConfig(episodes=900, population=population, image_size=SIZE)
    out = tmp_path / "cut"
    for name, size in (("begun.json", 0), ("episodes.npy", 2000), ("frames.npy", 2**20), ("drawn", 0)):
        # What was drawn is noted often, so that it is before all is drawn on any machine.
        often = "from agents.dataset import drawing; drawing.SYNC_SECONDS = 0.0; drawing.CHUNK_BYTES = 2**18"
        process = start("agents.collect", out, *options, before=often)
        assert kill_when(process, larger_than(out / name, size)), name
        assert not is_finished(out)
    kept = (out / "episodes.npy").stat().st_size
    collect(config, out, workers)
    assert kept > 100_000
    collect(config, tmp_path / "whole", 1)
    assert contents(out) == contents(tmp_path / "whole")


def test_killed_twenty_times_at_random_it_ends_in_the_same_bytes(tmp_path):
    options = ["--episodes", 600, "--image-size", *SIZE, "--workers", 2]
    generator, kills = stream(0, "kill"), 0
    out = tmp_path / "cut"
    began = time.monotonic()
    assert start("agents.collect", tmp_path / "whole", *options).wait() == 0
    whole = time.monotonic() - began
    while kills < 20:
        process = start("agents.collect", out, *options)
        moment = time.monotonic() + generator.uniform(0.1, 0.8 * whole)
        killed = kill_when(process, lambda moment=moment: time.monotonic() > moment)
        assert killed or process.returncode == 0, (tmp_path / "errors").read_text()
        if not is_finished(out):
            kills += 1
        else:  # it was done before, even if the process had not quite ended; begin anew
            assert contents(out) == contents(tmp_path / "whole")
            for path in out.iterdir():
                path.unlink()
            out.rmdir()
    assert start("agents.collect", out, *options).wait() == 0
    assert contents(out) == contents(tmp_path / "whole")


def test_killed_while_it_plays_nothing_that_is_finished_is_lost(tmp_path):
    options = ["--episodes", 4000, "--image-size", "None", "--workers", 1]
    log = tmp_path / "cut" / "episodes.npy"
    assert kill_when(start("agents.collect", tmp_path / "cut", *options), larger_than(log, 2000))
    before = log.read_bytes()
    with pytest.raises(ValueError, match=r"episodes 4000 there, 7 requested; use those to resume it, or delete"):
        collect(CollectConfig(episodes=7, image_size=None), tmp_path / "cut")
    assert log.read_bytes() == before
    assert kill_when(start("agents.collect", tmp_path / "cut", *options), larger_than(log, len(before)))
    assert log.read_bytes()[200 : len(before)] == before[200:]


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_ends_it_in_one_line(tmp_path, workers):
    options = ["--episodes", 4000, "--image-size", "None", "--workers", workers]
    process = start("agents.collect", tmp_path / "cut", *options)
    while not any(path.stat().st_size > 2000 for path in tmp_path.rglob("episodes.npy")):
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    assert process.wait() == 143
    said = (tmp_path / "errors").read_text()
    assert said.endswith("\nstopped by SIGTERM; run the same command again to resume\n") and "Traceback" not in said
    assert not list(tmp_path.rglob("manifest.json"))


def test_ctrl_c_in_the_middle_of_drawing_and_again_is_gone_on_with(tmp_path, monkeypatch):
    import agents.dataset.drawing as drawing

    config = CollectConfig(episodes=8, image_size=SIZE, seed=5, variety="high")
    collect(config, tmp_path / "whole")
    draw, calls = drawing.Painter.draw, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) % 3 == 0:
            raise KeyboardInterrupt
        draw(*arguments)

    monkeypatch.setattr(drawing, "CHUNK_BYTES", 2**15)
    monkeypatch.setattr(drawing, "SYNC_SECONDS", 0.0)
    monkeypatch.setattr(drawing.Painter, "draw", interrupted)
    attempts = 0
    while not is_finished(tmp_path / "cut"):
        attempts += 1
        try:
            collect(config, tmp_path / "cut")
        except KeyboardInterrupt:
            continue
    assert attempts > 3 and contents(tmp_path / "whole") == contents(tmp_path / "cut")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
@pytest.mark.parametrize("limit", [60_000, 1_000_000])
def test_a_full_disk_ends_in_one_line_and_what_was_collected_stays(tmp_path, limit):
    """The limit on the size of a file, which acts in the middle of a write, as a full disk does."""
    out = tmp_path / "d"
    command = [sys.executable, "-m", "agents.collect", str(out), "--episodes", "40", "--image-size", "32", "32"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2 and last.startswith("error: no space left while writing") and str(out) in last
    assert "Traceback" not in done.stderr and not is_finished(out)
    if limit == 1_000_000:  # all states were there, and some of the frames
        assert (out / "frames.npy").stat().st_size <= limit
        assert np.load(out / "episodes.npy").size == 40
    config = CollectConfig(episodes=40, image_size=(32, 32))
    collect(config, out)
    collect(config, tmp_path / "whole")
    assert contents(out) == contents(tmp_path / "whole")


def test_an_interrupted_rerender_goes_on(tmp_path, monkeypatch):
    import agents.dataset.drawing as drawing

    collect(CollectConfig(episodes=5, image_size=None), tmp_path / "states")
    arguments = ((24, 16), "paper", None, 2)
    rerender(tmp_path / "states", tmp_path / "whole", *arguments)
    draw, calls = drawing.Painter.draw, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        draw(*arguments)

    monkeypatch.setattr(drawing, "CHUNK_BYTES", 2**15)
    monkeypatch.setattr(drawing, "SYNC_SECONDS", 0.0)
    monkeypatch.setattr(drawing.Painter, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rerender(tmp_path / "states", tmp_path / "cut", *arguments)
    assert not is_finished(tmp_path / "cut")
    with pytest.raises(ValueError, match="other options"):
        rerender(tmp_path / "states", tmp_path / "cut", (16, 16), "paper", None, 2)
    already = int((tmp_path / "cut" / "drawn").read_text())
    calls.clear()
    monkeypatch.setattr(drawing.Painter, "draw", lambda *arguments: (calls.append(arguments), draw(*arguments)))
    rerender(tmp_path / "states", tmp_path / "cut", *arguments)
    assert already and sum(len(call[1]) for call in calls) == Dataset(tmp_path / "cut").manifest["steps"] - already
    assert contents(tmp_path / "whole") == contents(tmp_path / "cut")


def test_resumed_curated_runs_are_those_of_one_go(tmp_path, monkeypatch):
    config = CollectConfig(episodes=60, population="curated", image_size=None, seed=2)
    collect(config, tmp_path / "whole")
    progress, stops = collecting._progress, [0, 1, 7, 31, 59]

    def stopping(played, config, done):
        for number, trajectory in enumerate(progress(played, config, done)):
            if stops and done + number == stops[0]:
                stops.pop(0)
                raise KeyboardInterrupt
            yield trajectory

    monkeypatch.setattr(collecting, "_progress", stopping)
    while stops:
        with pytest.raises(KeyboardInterrupt):
            collect(config, tmp_path / "cut")
    collect(config, tmp_path / "cut")
    assert contents(tmp_path / "whole") == contents(tmp_path / "cut")


def test_a_player_that_dies_is_named_and_one_without_an_employer_leaves(tmp_path):
    before = set(multiprocessing.active_children())
    with open_workers(2) as workers:
        played = play(People("human", "rider"), range(4 * BLOCK), workers)
        next(played)
        (set(multiprocessing.active_children()) - before).pop().kill()
        with pytest.raises(ChildProcessError, match="ended abruptly.*--workers"):
            list(played)
    code = (
        "import multiprocessing, os, signal\n"
        "from agents.population.cast import People\n"
        "from agents.workers import Processes\n"
        "from agents.workers.playing import play\n"
        "if __name__ == '__main__':\n"
        "    next(play(People('human', 'rider'), range(10_000), Processes(2)))\n"
        "    print(*(process.pid for process in multiprocessing.active_children()), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    script = tmp_path / "orphans.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment)
    workers = [int(number) for number in done.stdout.split()]
    assert len(workers) == 2
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "a player outlives who asked it to play"
        time.sleep(0.1)
