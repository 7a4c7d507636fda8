"""The page, served by its own command beside what measures it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served(words: Sequence[str | Path]) -> Iterator[tuple[str, int]]:
    """Serves the page while the context is open.

    Args:
        words: Of the command `python -m baselines.label`.

    Yields:
        The address to open, and the server's process.

    Raises:
        OSError: it did not start; it has said why.
    """
    command = [sys.executable, "-m", "baselines.label", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            found = (re.search(r"http://\S+", line) for line in server.stdout)
            address = next((one[0] for one in found if one), None)
            if address is None:
                raise OSError("baselines.label did not start")
            yield address, server.pid
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
            print(server.stdout.read(), end="")  # what it says at its end
