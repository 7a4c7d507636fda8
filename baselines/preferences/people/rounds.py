"""Online alignment to people: they compare fresh episodes of the agent, which is aligned to what they said, and so on.

    OUT/answers.sqlite             answers about the episodes of all rounds, numbered on from round to round
    OUT/round-000/rollouts         episodes of the agent that the rounds begin with
    OUT/round-000/preferences      all answers up to now, as comparisons
    OUT/round-000/reward_model     learned from them, from the agent of this round
    OUT/round-000/agent            aligned with it: the agent of the next round
    OUT/rounds.jsonl               a line for each round that is over

While a round learns, people go on with its episodes; what they say counts in the next one. All steps are commands of
the project, so a server that was killed goes on where it was.

Source: Christiano et al. (arXiv 1706.03741), section 2.2, in rounds.
"""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.dataset import Dataset
from agents.dataset.selection import merge
from baselines.preferences.people.beside import Beside
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.export import write_comparisons
from baselines.preferences.people.judge import accuracy_of
from baselines.preferences.people.pairs import FEWEST, Questions
from baselines.preferences.people.store import AnswerStore
from jumppad_env.files import is_finished, write_atomically

LOG = "rounds.jsonl"
METRICS = "metrics.jsonl"
"""Of a training: a line for each update."""


@dataclass(frozen=True)
class RoundConfig:
    """What a round is, where no episodes but an agent is given."""

    answers: int = 20
    """Answers about a round's episodes after which the agent is aligned. Who cannot tell, or skips, says nothing."""
    episodes: int = 100
    """Episodes that the agent plays for people in each round."""
    updates: int = 34
    """Updates of each alignment."""
    token: int | None = -1
    """Step whose hidden state the reward model reads, counted from the end; None reads the mean of all, for chains."""

    def __post_init__(self) -> None:
        if self.answers < 1 or self.updates < 1:
            raise ValueError(f"answers and updates of a round must be at least 1, got {self.answers}, {self.updates}")
        if self.episodes < FEWEST:
            raise ValueError(f"people compare at least {FEWEST} episodes a round, got {self.episodes}")


class Rounds:
    """Aligns an agent to the answers so far, round by round, in a thread and processes beside the server.

    Args:
        store: the answers.
        agent: policy to begin with.
        place: directory of the answers and the rounds.
        config: what a round is.
        seed: for episodes and trainings.
        known: target that the question means, if it means one.
    """

    def __init__(
        self, store: AnswerStore, agent: Path, place: Path, config: RoundConfig, seed: int, known: str | None
    ) -> None:
        self._store, self._agent, self._place, self._config, self._seed = store, agent, place, config, seed
        self.episodes = Episodes(known)
        """Those of all rounds so far."""
        self.number = 0
        """Of the round, from 0."""
        self.result: dict[str, Any] = {"waits": f"it is trained after {config.answers} answers to this round"}
        """Of the last reward model, as that of `baselines.preferences.people.judge.BackgroundReward`."""
        self._doing: str | None = None  # what is being learned, None while answers are missing
        self._training: Path | None = None
        self._wake, self._beside = threading.Event(), Beside()
        self._thread: threading.Thread | None = None

    def begin(self) -> bool:
        """Finds the rounds that there are, and plays the first episodes if there are none.

        Returns:
            Whether there are episodes; False if it was stopped.
        """
        if not self._play(0, shown=True):
            return False
        self.episodes.add(Dataset(self._folder(0) / "rollouts"))
        while is_finished(self._folder(self.number + 1) / "rollouts"):
            self._next()
        return True

    def follow(self, questions: Questions) -> None:
        """Has people asked about the episodes of the round, and begins to learn from what they say."""
        questions.ask_about(self.episodes.latest, self.episodes.truth)
        self._thread = threading.Thread(target=self._work, args=(questions,), name="rounds", daemon=True)
        self._thread.start()

    def answered(self) -> None:
        """Says that there are other answers."""
        self._wake.set()

    def close(self) -> None:
        """Ends what is under way."""
        self._beside.stop()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def status(self) -> str:
        """Says how far the round is, in a sentence or two."""
        said = f"Round {self.number + 1}: {self._answers()} of {self._config.answers} answers."
        if self._doing is None:
            return said
        return f"{said} {self._doing}{self._updates()}. Go on meanwhile: what you say counts in the next round."

    @property
    def rollouts(self) -> Path:
        """The newest episodes."""
        return self._folder(self.number) / "rollouts"

    @property
    def agent(self) -> Path:
        """The newest agent."""
        return self._agent if self.number == 0 else self._folder(self.number - 1) / "agent"

    def _folder(self, number: int) -> Path:
        return self._place / f"round-{number:03d}"

    def _answers(self) -> int:
        return self._store.count_told(self.episodes.latest.start)

    def _updates(self) -> str:
        """Says how far the training is."""
        try:
            assert self._training is not None
            with (self._training / METRICS).open("rb") as lines:
                return f" (update {sum(1 for _ in lines)} of {self._config.updates})"
        except (AssertionError, OSError):
            return ""

    def _work(self, questions: Questions) -> None:
        while not self._beside.stopped:
            if self._answers() >= self._config.answers:
                try:
                    if self._learn():
                        questions.ask_about(self.episodes.latest, self.episodes.truth)
                        self._doing = None
                        continue
                except (OSError, ValueError) as error:
                    self._doing = f"It cannot learn from them yet: {error}; it tries again after the next answer"
            self._wake.wait()
            self._wake.clear()

    def _learn(self) -> bool:
        """Makes the agent of the next round and plays its episodes; returns whether it did, False if it was stopped."""
        folder = self._folder(self.number)
        pairs, model, aligned = folder / "preferences", folder / "reward_model", folder / "agent"
        self._doing = "The reward model learns from all answers so far"
        if not is_finished(model):
            rollouts = self._merged(folder)
            if not is_finished(pairs):
                shutil.rmtree(pairs, ignore_errors=True)  # begun, from fewer answers
                write_comparisons(str(self._store.about["question"]), self._store.given(), rollouts, pairs)
            inputs = {"agent": self.agent, "rollouts": rollouts, "preferences": pairs}
            asked = {"out": model, "seed": self._seed + self.number, "config.token": self._config.token}
            if not self._beside.run("baselines.reward", {**inputs, **asked}):
                return False
        shutil.rmtree(folder / "episodes", ignore_errors=True)  # copies, which can be made again
        self.result = accuracy_of(model, pairs)
        self._doing, self._training = "The agent is being aligned", aligned
        warmup = min(6, self._config.updates // 4)
        schedule = {"config.optimizer.updates": self._config.updates, "config.optimizer.warmup-updates": warmup}
        inputs = {"agent": self.agent, "reward-model": model, "out": aligned, "seed": self._seed + self.number}
        if not self._beside.run("baselines.align", {**inputs, **schedule}):
            return False
        self._doing, self._training = "The agent plays new runs", None
        if not self._play(self.number + 1):
            return False
        self._next()
        return True

    def _merged(self, folder: Path) -> Path:
        """Returns a dataset of the episodes of all rounds so far."""
        parts = [self._folder(number) / "rollouts" for number in range(self.number + 1)]
        if len(parts) == 1:
            return parts[0]
        merge(folder / "episodes", parts)
        return folder / "episodes"

    def _play(self, number: int, *, shown: bool = False) -> bool:
        agent = self._agent if number == 0 else self._folder(number - 1) / "agent"
        asked = {"agent": agent, "out": self._folder(number) / "rollouts", "episodes": self._config.episodes}
        if is_finished(asked["out"]):
            return True
        asked["out"].parent.mkdir(parents=True, exist_ok=True)
        return self._beside.run("baselines.rollouts", {**asked, "seed": self._seed + number}, shown=shown)

    def _next(self) -> None:
        """Goes on to the next round, whose episodes are there."""
        folder = self._folder(self.number)
        self.result = accuracy_of(folder / "reward_model", folder / "preferences")
        self.episodes.add(Dataset(self._folder(self.number + 1) / "rollouts"))
        self.number += 1
        reached = self.episodes.reached()
        lines = []
        for number in range(self.number):
            folder = self._folder(number)
            found = accuracy_of(folder / "reward_model", folder / "preferences")
            after = {"reached_after": reached[number + 1]} if reached else {}
            lines.append(json.dumps({"round": number, **found, **after}))
        write_atomically(self._place / LOG, "".join(f"{line}\n" for line in lines).encode())
