"""Progress: a bar in a terminal, few lines in a log, and never the end of the work."""

import io
import os
import sys

import pytest

from agents import progress
from agents.progress import Progress


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """Seconds; a test sets them."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_ten_seconds_and_one_at_the_end(clock, capsys):
    with Progress(total=1000, description="train", unit="update") as bar:
        for update in range(1000):
            clock[0] += 0.1
            bar.set_postfix(loss=update)
            bar.update()
    said = capsys.readouterr().err
    lines = said.splitlines()
    assert 10 <= len(lines) <= 11 and "\r" not in said
    assert all(line.startswith("train: ") and len(line) < 100 for line in lines)
    assert lines[0].startswith("train: 100/1000 [") and lines[-1].startswith("train: 1000/1000 [")
    assert lines[-1].endswith("loss=999]")


def test_what_takes_no_time_is_one_line(capsys):
    assert list(Progress(iter("abc"), "copy", unit="file")) == list("abc")
    assert [line.split(" [")[0] for line in capsys.readouterr().err.splitlines()] == ["copy: 3/?"]


def test_none_is_shown_where_it_is_not_wanted(capsys):
    assert list(Progress("abc", "copy", disable=True)) == list("abc")
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals to open")
def test_a_terminal_gets_one_line_that_is_written_over(monkeypatch):
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with Progress(total=2, description="train", mininterval=0) as bar:
            bar.update()
            bar.update()
        os.set_blocking(ours, False)
        said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "\rtrain:  50%|" in said and "\rtrain: 100%|" in said and said.count("\n") == 1


class Gone(io.StringIO):
    """A terminal that was closed, or a pipe without a reader."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("stderr", [None, Gone()])
@pytest.mark.parametrize("terminal", [False, True])
def test_a_stderr_that_has_gone_does_not_fail_the_work(stderr, terminal, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(progress, "_is_terminal", lambda: terminal and stderr is not None)
    assert list(Progress("abc", "copy", mininterval=0)) == list("abc")
