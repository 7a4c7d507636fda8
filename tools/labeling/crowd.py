"""Many simulated people at the page: how long an answer takes, and whether memory grows."""

from __future__ import annotations

import http.client
import json
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import numpy as np
import tyro

from agents.progress import Progress
from tools.labeling.served import served

MEGABYTE = 1024


class Person:
    """A person who always says left, without a browser."""

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


def crowd(
    rollouts: Annotated[Path, tyro.conf.Positional], people: int = 50, answers: int = 10_000, threads: int = 8
) -> str:
    """Have simulated people answer as fast as they can.

    Args:
        rollouts: Dataset of the episodes.
        people: Number of people.
        answers: Answers of all of them.
        threads: Requests at a time.
    """
    with tempfile.TemporaryDirectory() as out, served([rollouts, "--out", out]) as (address, process):
        return _measure([Person(address, f"person {index}") for index in range(people)], answers, threads, process)


def _measure(people: list[Person], answers: int, threads: int, process: int) -> str:
    """Returns the measured numbers as text."""
    times: list[float] = []
    failed: list[BaseException] = []
    lock, bar = threading.Lock(), Progress(total=answers, description="answers", unit="answer")
    each = max(1, answers // len(people))
    sizes = []

    def work(some: list[Person]) -> None:
        try:
            for _ in range(each):
                took = [person.answer() for person in some]
                with lock:
                    times.extend(took)
                    bar.update(len(took))
                    sizes.append(_memory(process))
        except BaseException as error:
            failed.append(error)

    began = time.perf_counter()
    workers = [threading.Thread(target=work, args=(people[i::threads],)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    bar.close()
    if failed:
        raise failed[0]
    seconds, half = 1000 * np.array(times), len(sizes) // 2
    took = f"median {np.median(seconds):.1f} ms, 95% {np.percentile(seconds, 95):.1f} ms"
    return (
        f"{len(times)} answers of {len(people)} people in {time.perf_counter() - began:.0f} s, "
        f"{threads} at a time: {took}; of the last thousand {np.median(seconds[-1000:]):.1f} ms\n"
        f"memory {sizes[half]:.0f} MB half way, {sizes[-1]:.0f} MB at the end"
    )


def _memory(process: int) -> float:
    """Returns the memory of a process that is not of files, MB (Linux)."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return float(found[1]) / MEGABYTE if found else float("nan")
