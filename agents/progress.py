"""Progress on stderr: a bar in a terminal, else a line every ten seconds, as in the log of a batch job."""

import contextlib
import io
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

SECONDS = 10.0
"""Time between two lines where there is no terminal."""
LINE = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class Progress(tqdm):
    """A progress bar for an iterable, or for `update`; a context manager.

    A terminal that has gone, or a closed stderr, does not fail the work.

    Args:
        iterable: What to count, if anything.
        description: First word of the line.
        total: Number of units, the iterable's length by default.
        keywords: Those of tqdm: `unit`, `initial`, ...
    """

    def __init__(
        self,
        iterable: Iterable[Any] | None = None,
        description: str | None = None,
        total: int | None = None,
        **keywords: Any,
    ) -> None:
        self._told = time.monotonic()
        self._log = not _is_terminal()
        if os.environ.get("TQDM_DISABLE") == "1":  # tqdm itself reads it only when it is imported
            keywords["disable"] = True
        if self._log:  # tqdm's own writing goes nowhere
            keywords = {"bar_format": LINE, "file": io.StringIO(), **keywords}
        with contextlib.suppress(OSError):
            super().__init__(iterable, description, total, dynamic_ncols=not self._log, **keywords)

    def display(self, *arguments: Any, **keywords: Any) -> None:
        """Shows the progress if it is time."""
        if self._log:
            if time.monotonic() - self._told >= SECONDS:
                self._tell()
            return
        with contextlib.suppress(OSError):
            super().display(*arguments, **keywords)

    def close(self) -> None:
        """Ends the bar; a log gets its last line."""
        if self.disable:
            return
        if self._log:
            self._tell()
            self._told = float("inf")
        with contextlib.suppress(OSError):
            super().close()

    def _tell(self) -> None:
        self._told = time.monotonic()
        if sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):  # a pipe without a reader, a closed file
                print(self, file=sys.stderr, flush=True)


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (AttributeError, OSError, ValueError):  # there is no stderr, or it is closed
        return False
