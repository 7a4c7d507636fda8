"""Two machines that share no folder make the same bytes, and nothing is left of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import two_machines

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

HELD = """
import signal, sys, time
from tools.two_machines import ROOT, Machine
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where a shell runs tests in the background
with Machine("one", "10.0.0.1", ROOT) as machine:
    machine.start("sleep", "1000")
    print(machine.pid, flush=True)
    time.sleep(1000)
"""


def test_without_a_shared_folder_all_bytes_are_those_of_one_process():
    command = [sys.executable, "-m", two_machines.__name__]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 2:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert "all bytes are the same" in done.stdout


@pytest.mark.skipif(bool(two_machines.missing()), reason=two_machines.missing())
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_machine_ends_with_who_made_it(number):
    holder = subprocess.Popen([sys.executable, "-c", HELD], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    line = holder.stdout.readline()
    if not line:
        pytest.skip("this machine does not let anybody make namespaces")
    space = os.readlink(f"/proc/{int(line)}/ns/net")
    assert len(living(space)) >= 2, "its first process, and unshare, which waits for it"
    holder.send_signal(number)
    holder.wait()
    while living(space):
        time.sleep(0.05)


def living(space: str) -> list[str]:
    """Returns the processes in a network namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "ns" / "net") == space:
                found.append(path.name)
        except OSError:  # it has ended
            continue
    return found


def test_who_may_not_gets_one_line(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert two_machines.missing().startswith("only root")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    assert "no unshare and no nsenter and no ip and no mount here" in two_machines.missing()
