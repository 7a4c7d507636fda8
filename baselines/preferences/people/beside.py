"""Commands of this project that run beside a server, one at a time, and give way to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from jumppad_env.machine.parent import ending_with_parent


class Beside:
    """Runs a command at a time in a process of low priority, which ends with the thread that asks for it."""

    def __init__(self) -> None:
        self._stop, self._starting = threading.Event(), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def stopped(self) -> bool:
        """Whether no more commands run."""
        return self._stop.is_set()

    def run(
        self,
        module: str,
        options: dict[str, str | int | Path | None],
        words: Sequence[str | Path] = (),
        *,
        shown: bool = False,
    ) -> bool:
        """Runs `python -m MODULE WORD ... --OPTION VALUE ...` and waits for its end.

        Args:
            module: Such as baselines.reward.
            options: Names without dashes, and values.
            words: What stands before them.
            shown: Whether its progress bar is.

        Returns:
            Whether it did its work; False if it was stopped.

        Raises:
            ChildProcessError: it failed; with what it said last.
        """
        named = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        nice = shutil.which("nice")
        line = [*([nice, "-n", "10"] if nice else []), sys.executable, "-m", module, *map(str, words), *named]
        with self._starting:
            if self._stop.is_set():
                return False
            errors = None if shown else subprocess.PIPE
            self._process = subprocess.Popen(ending_with_parent(line), stdout=subprocess.DEVNULL, stderr=errors)
        said = self._process.communicate()[1] or b""
        code = self._process.returncode
        if code != 0 and not self._stop.is_set():
            raise ChildProcessError(_reason(module, code, said.decode(errors="replace")))
        return code == 0

    def stop(self) -> None:
        """Ends the command under way; no other one begins. What it saved is gone on with by the next that is alike."""
        with self._starting:
            self._stop.set()
            if self._process is not None:
                self._process.kill()


def _reason(module: str, code: int, said: str) -> str:
    """Returns why a command ended with a code that is not 0, in a line."""
    if code < 0:
        return f"{module} was killed by signal {-code}, perhaps for want of memory"
    lines = said.strip().splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors else " ".join([*lines[-1:], f"({module} ended with {code})"])
