"""Measures the page for labeling under many simulated people: how long an answer takes, and whether memory grows.

python -m tools.labeling runs/quick/rollouts --people 50 --answers 10000
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import tyro

from agents.progress import Progress
from jumppad_env.command_line import command_line

MEGABYTE = 1024


@dataclass(frozen=True)
class Arguments:
    """Have simulated people answer as fast as they can."""

    rollouts: tyro.conf.Positional[Path]
    """Dataset of the episodes."""
    people: int = 50
    """Number of people."""
    answers: int = 10_000
    """Answers of all of them."""
    threads: int = 8
    """Requests at a time."""


class Person:
    """A person who always says left."""

    def __init__(self, address: str, name: str) -> None:
        parts = urlsplit(address)
        self._host, self._name = parts.netloc, name
        self._connection = http.client.HTTPConnection(parts.netloc)
        self._connection.request("GET", f"/?{parts.query}")
        response = self._connection.getresponse()
        response.read()
        cookie = (response.getheader("set-cookie") or "").partition(";")[0]
        self._headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        self._told = self._ask("/api/next", {"annotator": name})

    def _ask(self, path: str, body: dict) -> dict:
        self._connection.request("POST", path, json.dumps(body), self._headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise OSError(f"{path}: {response.status} {content[:200]!r}")
        return json.loads(content)

    def answer(self) -> float:
        """Answers a question and returns the seconds until the next one."""
        show = self._told["shows"][0]["id"]
        body = {"annotator": self._name, "show": show, "answer": "left", "seconds": 1.0, "plays": 1}
        began = time.perf_counter()
        self._told = self._ask("/api/answer", body)
        return time.perf_counter() - began


def memory(process: int) -> float:
    """Returns the memory of a process that is not of files, MB (Linux)."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return float(found[1]) / MEGABYTE if found else float("nan")


def measure(arguments: Arguments, address: str, process: int) -> str:
    """Returns the measured numbers as text."""
    people = [Person(address, f"person {index}") for index in range(arguments.people)]
    times: list[float] = []
    failed: list[BaseException] = []
    lock, bar = threading.Lock(), Progress(total=arguments.answers, description="answers", unit="answer")
    each = max(1, arguments.answers // arguments.people)
    sizes = []

    def work(some: list[Person]) -> None:
        try:
            for _ in range(each):
                took = [person.answer() for person in some]
                with lock:
                    times.extend(took)
                    bar.update(len(took))
                    sizes.append(memory(process))
        except BaseException as error:
            failed.append(error)

    began = time.perf_counter()
    threads = [threading.Thread(target=work, args=(people[i :: arguments.threads],)) for i in range(arguments.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bar.close()
    if failed:
        raise failed[0]
    seconds, half = 1000 * np.array(times), len(sizes) // 2
    took = f"median {np.median(seconds):.1f} ms, 95% {np.percentile(seconds, 95):.1f} ms"
    return (
        f"{len(times)} answers of {len(people)} people in {time.perf_counter() - began:.0f} s, "
        f"{arguments.threads} at a time: {took}; of the last thousand {np.median(seconds[-1000:]):.1f} ms\n"
        f"memory {sizes[half]:.0f} MB half way, {sizes[-1]:.0f} MB at the end"
    )


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments, prog="python -m tools.labeling", description=__doc__)
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, "-m", "baselines.label", str(arguments.rollouts), "--out", out]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                assert server.stdout is not None
                said = iter(server.stdout)
                address = next((found[0] for line in said if (found := re.search(r"http://\S+", line))), None)
                if address is None:
                    raise OSError("baselines.label did not start")
                try:
                    print(measure(arguments, address, server.pid))
                finally:
                    server.terminate()


if __name__ == "__main__":
    main()
