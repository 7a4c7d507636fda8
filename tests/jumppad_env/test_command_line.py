import os
import shlex
import subprocess
import sys

import pytest

PROGRAM = "from jumppad_env.command_line import command_line\n@command_line()\ndef main():\n    {}\nmain()"


def run(body, *flags):
    program = PROGRAM.format(body)
    return subprocess.run([sys.executable, *flags, "-c", program], capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("raise ValueError('width 3\\nmust be even')", "error: width 3 must be even"),
        ("raise FileNotFoundError('no policy in x')", "error: no policy in x"),
        ("open('nowhere.txt')", "error: nowhere.txt: No such file or directory"),
        ("raise OSError(28, 'no space left; make room')", "error: no space left; make room"),
    ],
)
def test_an_error_of_the_user_is_one_line_and_code_2(body, line):
    result = run(body)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", line + "\n")


def test_a_bug_keeps_its_traceback():
    result = run("raise KeyError('ours')")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_developers_see_every_traceback():
    assert "Traceback" in run("raise ValueError('mine')", "-X", "dev").stderr


def test_an_interrupted_command_says_how_to_resume():
    # A job in the background of a script is started with Ctrl-C ignored: listen to it again.
    listen = "import os, signal, time; signal.signal(signal.SIGINT, signal.default_int_handler)"
    result = run(f"{listen}; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
    assert result.returncode == 130
    assert result.stderr == "\nstopped; run the same command again to resume\n"


@pytest.mark.skipif(sys.platform == "win32", reason="processes end otherwise there")
def test_sigterm_ends_as_ctrl_c_does_after_cleaning_up():
    result = run("import signal\n    try: signal.raise_signal(signal.SIGTERM)\n    finally: print('clean')")
    assert (result.returncode, result.stdout) == (143, "clean\n")
    assert result.stderr == "\nstopped by SIGTERM; run the same command again to resume\n"


def test_what_the_machine_lacks_is_one_line_as_well():
    result = run("from jumppad_env.machine.notices import notice; notice('no locks here'); notice('no locks here')")
    assert (result.returncode, result.stderr) == (0, "warning: no locks here\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_a_console_cannot_show_is_replaced(encoding, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    result = run(r"print('C:/Users/\u042e\u0440\u0438\u0439: 2 episodes \udcff')")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("C:/Users/\\u042e") and "2 episodes" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ("{} | true", 0, ""),
        ("{} >&-", 0, ""),
        ("{} >/dev/full", 2, "error: the output cannot be written: No space left on device\n"),
    ],
)
def test_what_is_printed_after_the_work_does_not_undo_it(shell, code, said):
    program = PROGRAM.format("import time; time.sleep(0.5); print('done')")
    line = "set -o pipefail; " + shell.format(shlex.join([sys.executable, "-c", program]))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (code, said)


def test_success_is_silent():
    result = run("pass")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_closed_pipe_is_no_error():
    program = PROGRAM.format("[print('line') for _ in range(100_000)]")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141
