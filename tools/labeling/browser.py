"""A scripted person at the page, in Chromium: how long the page takes, and what an agent learns from the answers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from agents.dataset import Dataset
from agents.progress import Progress
from baselines.preferences.people.episodes import Episodes
from tools.labeling.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
"""Where Chromium is, None if there is none."""
PATIENCE = 600_000
"""ms that the page may take on a busy machine."""
SHOWN = 4.0
"""s after which the panel shows what is new."""
SHOWN_PAIR = """() => {
    const episode = (side) => Number(document.getElementById(side).dataset.episode);
    return [document.body.dataset.show, episode("left"), episode("right")];
}"""
"""Returns the number of what is shown, and of its two episodes."""


def browser(
    rollouts: Annotated[Path | None, tyro.conf.Positional] = None,
    *,
    out: Path,
    target: str = "left",
    answers: int = 60,
    every: float = 1.6,
    settle: float = 0.0,
    agent: Path | None = None,
    rounds: int = 2,
) -> str:
    """Have a scripted person answer in Chromium, by keys.

    Args:
        rollouts: Dataset of the episodes. Without one: rounds of an agent.
        out: Where the answers are kept.
        target: What the person wants; two runs that both reach it, or both do not, are equal.
        answers: Number of answers; in rounds the person gives as many as these wait for.
        every: Seconds between an answer and the one before, unless the page takes longer.
        settle: Seconds to wait at the end, in which a last reward model is trained; at least `SHOWN`.
        agent: Policy that plays in rounds.
        rounds: Number of rounds.
    """
    if (rollouts is None) == (agent is None):
        raise ValueError("give either rollouts, or --agent for rounds")
    if CHROMIUM is None:
        raise FileNotFoundError("there is no chromium on PATH; make setup installs it where it may")
    what = ["--agent", agent, "--known", target] if rollouts is None else [rollouts, "--goal", answers]
    words = [*map(str, what), "--out", out, "--question", f"Which run goes to the {target} pad?"]
    with chromium() as page:
        began = time.perf_counter()
        with served(words) as (address, _):
            _enter(page, address)
            found = [f"the first pair {time.perf_counter() - began:.1f} s after the command"]
            person = ScriptedPerson(page, Episodes(target), every)
            if rollouts is None:
                found += [_go_through(person, out, number) for number in range(rounds)]
            else:
                person.episodes.add(Dataset(rollouts))
                for _ in Progress(range(answers), "answers", unit="answer"):
                    person.answer()
            time.sleep(max(settle, SHOWN))
            told = page.inner_text("#trust").replace("\n\n", "; ").replace("\n", ": ")
    return "\n".join([*found, person.times(), told])


def _go_through(person: ScriptedPerson, out: Path, number: int) -> str:
    """Answers what a round waits for, until it is over."""
    began, answers = time.perf_counter(), 0
    person.episodes.add(Dataset(out / f"round-{number + 1:03d}" / "rollouts"))
    while (said := person.page.inner_text("#round")).startswith(f"Round {number + 1}:"):
        if "enough" not in said or "waits" in said or "next answer" in said:
            person.answer()
            answers += 1
        else:
            time.sleep(1)
    return f"round {number + 1}: {answers} answers, {time.perf_counter() - began:.0f} s"


@contextmanager
def chromium() -> Iterator[Page]:
    """Opens a browser with an empty page."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  for development only

    with sync_playwright() as started:
        own = started.chromium.launch(executable_path=CHROMIUM)
        page = own.new_page(viewport={"width": 1000, "height": 900})
        page.set_default_timeout(PATIENCE)
        yield page
        own.close()


def _enter(page: Page, address: str) -> None:
    """Opens the page, gives a name, opens the panel and waits for the first pair."""
    page.goto(address)
    page.fill("#name", "Ada")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-show]")
    page.click("summary")


class ScriptedPerson:
    """Knows where the runs end, and answers by keys.

    Args:
        page: the page, with a pair.
        episodes: those that the page asks about, with their target.
        every: s from one answer to the next.
    """

    def __init__(self, page: Page, episodes: Episodes, every: float) -> None:
        self.page, self.episodes, self._every = page, episodes, every
        self._waits: list[float] = []
        self._began = self._ended = self._next = time.perf_counter()

    def answer(self) -> None:
        """Answers a pair and waits for the next one."""
        time.sleep(max(0.0, self._next - time.perf_counter()))
        began = time.perf_counter()
        self._next = began + self._every
        show, left, right = self.page.evaluate(SHOWN_PAIR)
        assert self.episodes.truth is not None
        better = int(self.episodes.truth[left]) - int(self.episodes.truth[right])
        self.page.keyboard.press({1: "ArrowLeft", 0: "ArrowDown", -1: "ArrowRight"}[better])
        self.page.wait_for_function("show => document.body.dataset.show !== show", arg=show)
        self._ended = time.perf_counter()
        self._waits.append(self._ended - began)

    def times(self) -> str:
        """Returns how long the page took, as text."""
        if not self._waits:
            return "no answers"
        waits = np.array(self._waits)
        took = f"median {np.median(waits):.2f} s, 95% {np.percentile(waits, 95):.2f} s, at most {waits.max():.2f} s"
        return f"{len(waits)} answers in {self._ended - self._began:.0f} s; next pair after {took}"
