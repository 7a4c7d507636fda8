"""What works beside a server and gives way to it: threads that learn from answers, and commands, one at a time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


class Learner(ABC):
    """Learns from the answers in a thread, which goes to work after each of them and uses `beside` for commands."""

    def __init__(self) -> None:
        self.beside = Beside()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name=type(self).__name__, daemon=True)

    def start(self) -> None:
        """Begins to learn from the answers that there are."""
        self._thread.start()

    def answered(self) -> None:
        """Says that there are other answers."""
        self._wake.set()

    def close(self) -> None:
        """Ends what is under way."""
        self.beside.stop()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    @abstractmethod
    def learn(self) -> bool:
        """Learns from the answers so far; returns whether there is more to do before the next one."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """Says that something went wrong. People go on, and `learn` is called again after the next answer."""

    def status(self) -> str:
        """Says what it is doing, in a sentence or two, as it stands above the pair."""
        return ""

    def told(self) -> dict[str, Any]:
        """Returns what the panel shows of it, by name."""
        return {}

    def _work(self) -> None:
        while not self.beside.stopped:
            try:
                if self.learn():
                    continue
            except Exception as error:  # whatever it is, people go on and their answers are kept
                if not isinstance(error, OSError | ValueError):
                    traceback.print_exc()
                self.fail(error)
            self._wake.wait()
            self._wake.clear()


def _reason(module: str, code: int, said: str) -> str:
    """Returns why a command ended with a code that is not 0, in a line."""
    if code < 0:
        return f"{module} was killed by signal {-code}, perhaps for want of memory"
    lines = said.strip().splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors else " ".join([*lines[-1:], f"({module} ended with {code})"])
