"""How every command ends: one clear line for what a user can put right, never a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def command_line(stopped: str = "stopped; run the same command again to go on") -> Iterator[None]:
    """Turn the errors a user can put right into one line on stderr; use it around `main()` or as its decorator.

    ValueError and OSError (with FileNotFoundError) exit with code 2, Ctrl-C with 130. Anything else is a bug of ours
    and keeps its traceback, and so does everything under `python -X dev`.

    Args:
        stopped: What to say after Ctrl-C.

    Raises:
        SystemExit: In place of the errors named above.
    """
    try:
        yield
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader went away, as in `... | head`: nothing is wrong, and stdout is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except (ValueError, OSError) as error:
        if sys.flags.dev_mode:
            raise
        print(f"error: {_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None
