"""What a machine has run out of is one line and code 2; the limits of processes are real ones."""

import errno
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import mujoco
import pytest

from jumppad_env.command_line import command_line
from jumppad_env.machine.scarcity import FILES, GPU_MEMORY, KILLED, MEMORY, THREADS, what_ran_out

ROOT = Path(__file__).parents[3]
limited = pytest.mark.skipif(sys.platform != "linux", reason="limits are others elsewhere")


class OutOfMemoryError(RuntimeError):
    """As PyTorch's, which only a GPU raises."""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), MEMORY),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: can't allocate memory: ..."),
            MEMORY,
        ),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."), MEMORY),
        (mujoco.FatalError("mj_makeData: could not allocate mjData"), MEMORY),
        (mujoco.FatalError("Could not allocate memory"), MEMORY),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), MEMORY),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), GPU_MEMORY),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), GPU_MEMORY),
        (RuntimeError("can't start new thread"), THREADS),
        (BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)), THREADS),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "a/b"), FILES),
        (OSError(errno.ENFILE, os.strerror(errno.ENFILE)), FILES),
        (BrokenProcessPool("A process in the process pool was terminated abruptly while ..."), KILLED),
    ],
    ids=lambda thing: str(thing)[:40] if isinstance(thing, BaseException) else "",
)
def test_what_ran_out_is_one_line_and_code_2(error, line, capsys):
    with pytest.raises(SystemExit) as ended, command_line():
        raise error
    assert (ended.value.code, capsys.readouterr().err) == (2, f"error: {line}\n")


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EDQUOT, "the disk quota is exceeded; free some"), (errno.EROFS, "choose another place")],
)
def test_a_place_that_takes_nothing_is_named(number, words):
    line = what_ran_out(OSError(number, os.strerror(number), "runs/mine"))
    assert line and line.startswith("runs/mine: ") and words in line
    line = what_ran_out(OSError(number, os.strerror(number)))
    assert line and words in line and "None" not in line
    assert what_ran_out(OSError(number, "explained before")) is None


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        mujoco.FatalError("Could not allocate offscreen framebuffer"),
        KeyError("can't start new thread"),
        BlockingIOError(errno.EAGAIN, "write could not complete without blocking", 0),
        OSError(errno.ENOENT, os.strerror(errno.ENOENT)),
    ],
    ids=str,
)
def test_other_errors_are_not_explained(error):
    assert what_ran_out(error) is None


PROGRAM = """
import resource, torch
from jumppad_env.command_line import command_line
with command_line():
    {}
"""


def run(body):
    return subprocess.run([sys.executable, "-c", PROGRAM.format(body)], capture_output=True, text=True, cwd=ROOT)


@limited
@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)); kept = [open('/dev/null') for _ in range(30)]", FILES),
        ("resource.setrlimit(resource.RLIMIT_AS, (2**36, 2**36)); torch.empty(2**37, dtype=torch.uint8)", MEMORY),
        ("resource.setrlimit(resource.RLIMIT_AS, (2**36, 2**36)); import numpy; numpy.empty(2**37, 'u1')", MEMORY),
        ("resource.setrlimit(resource.RLIMIT_AS, (2**36, 2**36)); bytearray(2**37)", MEMORY),
    ],
    ids=["files", "torch", "numpy", "bytes"],
)
def test_real_limits_end_in_one_line(body, line):
    done = run(body)
    assert (done.returncode, done.stderr) == (2, f"error: {line}\n")


@limited
@pytest.mark.slow
@pytest.mark.parametrize("body", ["threading.Thread(target=print).start()", "subprocess.run(['/bin/true'])"])
def test_no_more_processes_is_one_line(body):
    nobody = "os.geteuid() or os.setuid(65534)"  # root may start any number
    done = run(f"import os, subprocess, threading; {nobody}; resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)); {body}")
    assert (done.returncode, done.stderr) == (2, f"error: {THREADS}\n")
