"""How every command ends: errors that a user can fix are one line, not a traceback."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jumppad_env.machine.notices import MachineWarning
from jumppad_env.machine.scarcity import what_ran_out
from jumppad_env.machine.signals import Terminated, sigterm_raises


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _flush() -> None:
    """Writes what is left of the output, after all work is done.

    Raises:
        OSError: It cannot be written, as on a full disk; says so.
    """
    if sys.stdout is None:  # closed, as by `>&-`
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has read enough
        _drop_output()
    except OSError as error:
        _drop_output()
        raise OSError(error.errno, f"the output cannot be written: {error.strerror}") from None


def _drop_output() -> None:
    """Sends what Python would still write, as it exits, nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _format_warning(message: Any, category: type[Warning], *place: Any) -> str:
    if issubclass(category, MachineWarning):
        return f"warning: {message}\n"
    return _FORMAT_WARNING(message, category, *place)


_FORMAT_WARNING = warnings.formatwarning


@contextmanager
def command_line(stopped: str = "stopped; run the same command again to resume") -> Iterator[None]:
    """Print errors that a user can fix as one line on stderr; a context manager around `main()`, or its decorator.

    ValueError, OSError (including FileNotFoundError) and what the machine has run out of exit with code 2, Ctrl-C with
    130, SIGTERM with 143. Any other error is a bug of ours and keeps its traceback, as does every error under
    `python -X dev`.

    Args:
        stopped: Message after Ctrl-C; begins with "stopped", after which the message of SIGTERM says so.

    Raises:
        SystemExit: Instead of the errors above.
    """
    warnings.formatwarning = _format_warning
    for stream in (sys.stdout, sys.stderr):  # a path that a console cannot show does not fail the work
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with sigterm_raises():
            yield
            _flush()
    except Terminated:
        print(f"\n{stopped.replace('stopped', 'stopped by SIGTERM', 1)}", file=sys.stderr)
        raise SystemExit(143) from None
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader closed the pipe, as in `... | head`, which is no error
        _drop_output()
        raise SystemExit(141) from None
    except Exception as error:
        line = what_ran_out(error)
        if sys.flags.dev_mode or not (line or isinstance(error, (ValueError, OSError))):
            raise
        print(f"error: {line or _one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None
