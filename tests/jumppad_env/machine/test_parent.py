"""Workers end with the process that started them, at whatever moment it is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jumppad_env.machine import parent

ROOT = Path(__file__).parents[3]
SCRIPT = """
import os, sys, time
from pathlib import Path

OUT, KIND = Path(sys.argv[1]), sys.argv[2]
if __name__ != "__main__":
    (OUT / f"imports {os.getpid()}").touch()

from agents.workers import Processes
from agents.workers.graph import Job, run_graph
from agents.workers.playing import play as play_by

class Seats:
    def play(self, seeds):
        (OUT / f"works {os.getpid()}").touch()
        time.sleep(3600)

def seat(episodes, threads):
    return Seats()

def work():
    Seats().play([0])

def play():
    list(play_by(seat, range(10_000), Processes(2)))

if __name__ == "__main__":
    if KIND == "players":
        play()
    else:
        works = {"jobs": [work, work], "players of a job": [play]}[KIND]
        run_graph([Job(str(number), each) for number, each in enumerate(works)], Processes(2))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize(
    ("kind", "processes", "moment"),
    [("jobs", 2, "works"), ("players", 2, "imports"), ("players of a job", 3, "works")],
)
def test_workers_end_when_their_parent_is_killed(tmp_path, kind, processes, moment):
    (script := tmp_path / "script.py").write_text(SCRIPT)
    (out := tmp_path / "out").mkdir()
    command = [sys.executable, str(script), str(out), kind]
    started = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    waited_for = processes if moment == "imports" else 2  # a worker that only waits for its players does not work
    assert soon(lambda: len(list(out.glob(f"{moment} *"))) == waited_for)
    workers = [int(path.name.split()[1]) for path in out.glob("imports *")]
    assert len(workers) == processes and all(map(alive, workers))
    started.kill()
    started.wait()
    assert soon(lambda: not any(map(alive, workers)))


def test_who_is_told_no_parent_or_a_living_one_goes_on(monkeypatch):
    program = "import os, jumppad_env; print(os.getppid(), 'JUMPPAD_PARENT' in os.environ)"
    for told in (None, "this"):
        with parent.tell_children() if told else monkeypatch.context():
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stdout.split() == [str(os.getpid()), "False"], "grandchildren are told nothing"
    assert parent.TOLD not in os.environ


def test_whose_parent_has_gone_before_it_imports_ends_at_once(monkeypatch):
    monkeypatch.setenv(parent.TOLD, "1")
    program = "import jumppad_env; print('goes on')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is the command itself")
def test_a_program_gets_its_arguments_and_ends_with_its_parent():
    echo = [sys.executable, "-c", "import sys; print(sys.argv[1:])", "-c", "a b", ""]
    done = subprocess.run(parent.ending_with_parent(echo), capture_output=True, text=True, check=True)
    assert done.stdout == "['-c', 'a b', '']\n"
    program = (
        "import subprocess, sys, time\n"
        "from jumppad_env.machine.parent import ending_with_parent\n"
        "sleeper = [sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(3600)']\n"
        "child = subprocess.Popen(ending_with_parent(sleeper), stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(3600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert alive(child)
        process.send_signal(signal.SIGKILL)
    assert soon(lambda: not alive(child))


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended, but is not waited for by its parent, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def soon(holds) -> bool:
    end = time.monotonic() + 600
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()
