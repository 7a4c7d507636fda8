"""Online alignment to people: they compare fresh episodes of the agent, which is aligned to what they said, and so on.

    OUT/answers.sqlite             answers about the episodes of all rounds, numbered on from round to round
    OUT/round-001/rollouts         episodes of the agent that the rounds begin with
    OUT/round-001/preferences      all answers up to now, as comparisons
    OUT/round-001/reward_model     learned from them, from the agent of this round
    OUT/round-001/agent            aligned with it: the agent of the next round
    OUT/rounds.jsonl               a line for each round that is over

While a round learns, people go on with its episodes; the next reward model learns from what they say too. What takes
long is done by the project's commands, so a server that was killed goes on where it was.

Source: Christiano et al. (arXiv 1706.03741), section 2.2, in rounds.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.dataset import Dataset
from baselines.preferences.people.beside import Learner
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.export import TooFew, write_comparisons
from baselines.preferences.people.judge import accuracy_of
from baselines.preferences.people.pairs import FEWEST, Questions
from baselines.preferences.people.store import AnswerStore
from jumppad_env.dataset.reading import read_manifest
from jumppad_env.files import content_digest, is_finished, write_atomically

LOG = "rounds.jsonl"
METRICS = "metrics.jsonl"
"""Of a training: a line for each update."""


@dataclass(frozen=True)
class RoundConfig:
    """What a round is, where no episodes but an agent is given."""

    answers: int = 20
    """Answers about a round's episodes after which the agent is aligned. Who cannot tell, or skips, says nothing, and
    repeats and golden pairs do not count either."""
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


class Rounds(Learner):
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
        super().__init__()
        self._store, self._agent, self._place, self._config, self._seed = store, agent, place, config, seed
        self.episodes = Episodes(known)
        """Those of all rounds so far."""
        self.number = 0
        """Of the round, from 0."""
        self.result: dict[str, Any] = {"waits": f"it is trained after {config.answers} answers to this round"}
        """Of the last reward model, as that of `baselines.preferences.people.judge.BackgroundReward`."""
        self._doing: tuple[str, Path | None] | None = None  # in words, and the training; None while answers are missing
        self._questions: Questions | None = None

    def begin(self) -> None:
        """Finds the rounds that there are, and plays the first episodes if there are none.

        Raises:
            ValueError: episodes are not those that people answered about, or a round was begun with other options.
            OSError: the agent cannot play.
        """
        self._play(0, shown=True)
        self._add(0)
        while is_finished(self._folder(self.number + 1) / "rollouts"):
            self.number += 1
            self._add(self.number)
        self._log()
        if is_finished(self._folder(self.number) / "preferences"):
            self._keep_options()
        for number in range(max(0, self.number - 1), self.number + 1):
            if is_finished(self._folder(number) / "reward_model"):
                self.result = self._accuracy(number)

    def follow(self, questions: Questions) -> None:
        """Has people asked about the episodes of the round, and begins to learn from what they say."""
        self._questions = questions
        questions.ask_about(self.episodes.latest, self.episodes.truth)
        self.start()

    def close(self) -> None:
        """Ends what is under way and names the newest agent, if people were asked about it."""
        super().close()
        if self._questions is not None and self.number:
            print(f"the newest agent, of round {self.number}: {self.agent}", flush=True)

    def told(self) -> dict[str, Any]:
        """Returns `reward`, the last reward model, and `reached`, the target in the episodes of each round."""
        return {"reward": self.result, "reached": self.episodes.reached()}

    def status(self) -> str:
        """Says how far the round is."""
        answers, wanted, doing = self._answers(), self._config.answers, self._doing
        said = f"Round {self.number + 1}: {answers} answers{f' of {wanted}' if answers < wanted else ', enough'}."
        return said if doing is None else f"{said} {doing[0]}{self._updates(doing[1])}."

    @property
    def rollouts(self) -> Path:
        """The newest episodes."""
        return self._folder(self.number) / "rollouts"

    @property
    def agent(self) -> Path:
        """The newest agent."""
        return self._agent_of(self.number)

    def _agent_of(self, number: int) -> Path:
        return self._agent if number == 0 else self._folder(number - 1) / "agent"

    def _folder(self, number: int) -> Path:
        return self._place / f"round-{number + 1:03d}"

    def _answers(self) -> int:
        return self._store.count_told(self.episodes.latest.start)

    def _accuracy(self, number: int) -> dict[str, Any]:
        return accuracy_of(self._folder(number) / "reward_model", self._folder(number) / "preferences")

    def _updates(self, training: Path | None) -> str:
        """Says how far a training is."""
        if training is None:
            return ""
        try:
            with (training / METRICS).open("rb") as lines:
                return f" (update {sum(1 for _ in lines)} of {self._config.updates})"
        except OSError:
            return ""

    def learn(self) -> bool:
        """Aligns the agent once there are enough answers, and has people asked about what it plays then."""
        assert self._questions is not None
        begun = is_finished(self._folder(self.number) / "preferences")  # perhaps before an answer was undone
        if not (begun or self._answers() >= self._config.answers) or not self._next_round():
            return False
        self.number += 1
        self._questions.ask_about(self.episodes.latest, self.episodes.truth)
        self._doing = None
        self._log()
        print(f"round {self.number} is over; its agent is {self.agent}", flush=True)
        return True

    def fail(self, error: Exception) -> None:
        """Has people read what the round waits for, or what went wrong."""
        if isinstance(error, TooFew):
            self._doing = f"But the reward model waits: {error}", None
        else:
            self._doing = f"It cannot learn from them: {error}. It tries again after the next answer", None
            print(f"round {self.number + 1}: {error}", file=sys.stderr, flush=True)

    def _next_round(self) -> bool:
        """Makes the agent of the next round and plays its episodes; returns whether it did, False if it was stopped."""
        folder, seed = self._folder(self.number), self._seed + self.number
        pairs, model, aligned = folder / "preferences", folder / "reward_model", folder / "agent"
        others = "Go on meanwhile: the next one learns from what you say too"
        self._doing = f"The reward model learns from all answers so far. {others}", None
        if not is_finished(model):
            rollouts = self._merged(folder)
            if rollouts is None:
                return False
            if not is_finished(pairs):
                shutil.rmtree(pairs, ignore_errors=True)  # begun, from fewer answers
                write_comparisons(str(self._store.about["question"]), self._store.given(), rollouts, pairs)
            self._keep_options()
            inputs = {"agent": self.agent, "rollouts": rollouts, "preferences": pairs}
            asked = {"out": model, "seed": seed, "config.token": self._config.token}
            if not self.beside.run("baselines.reward", {**inputs, **asked}):
                return False
        shutil.rmtree(folder / "episodes", ignore_errors=True)  # copies, which can be made again
        self.result = self._accuracy(self.number)
        self._doing = f"The agent is being aligned. {others}", aligned
        warmup = min(6, self._config.updates - 1)
        schedule = {"config.optimizer.updates": self._config.updates, "config.optimizer.warmup-updates": warmup}
        inputs = {"agent": self.agent, "reward-model": model, "out": aligned, "seed": seed}
        if not self.beside.run("baselines.align", {**inputs, **schedule}):
            return False
        self._doing = f"The agent plays new runs. {others}", None
        if not self._play(self.number + 1):
            return False
        self._add(self.number + 1)
        return True

    def _keep_options(self) -> None:
        """Refuses other options than those with which the round began to learn."""
        asked = {"updates": self._config.updates, "token": self._config.token}
        remedy = "give --round.updates and --round.token as before until this round is over"
        self._store.pin(f"options of round {self.number + 1}", asked, remedy)

    def _merged(self, folder: Path) -> Path | None:
        """Returns a dataset of the episodes of all rounds so far, None if it was stopped."""
        parts = [self._folder(number) / "rollouts" for number in range(self.number + 1)]
        if len(parts) == 1:
            return parts[0]
        out = folder / "episodes"
        return out if is_finished(out) or self.beside.run("agents.dataset", {}, ("merge", out, *parts)) else None

    def _play(self, number: int, *, shown: bool = False) -> bool:
        out = self._folder(number) / "rollouts"
        if is_finished(out):
            return True
        out.parent.mkdir(parents=True, exist_ok=True)
        asked = {"agent": self._agent_of(number), "out": out, "episodes": self._config.episodes}
        return self.beside.run("baselines.rollouts", {**asked, "seed": self._seed + number}, shown=shown)

    def _add(self, number: int) -> None:
        """Adds the episodes of a round, if they are those that people have answered about."""
        rollouts = self._folder(number) / "rollouts"
        remedy = f"put those back that lay in {rollouts}, or choose another --out"
        self._store.pin(f"rollouts of round {number + 1}", content_digest(read_manifest(rollouts)), remedy)
        self.episodes.add(Dataset(rollouts))

    def _log(self) -> None:
        """Writes a line for each round that is over and has none. Without it, nothing else is lost."""
        path, reached = self._place / LOG, self.episodes.reached()
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            for number in range(len(lines), self.number):
                after = {"reached_after": reached[number + 1]} if reached else {}
                lines.append(json.dumps({"round": number + 1, **self._accuracy(number), **after}))
            if self.number:
                write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
        except (OSError, ValueError) as error:
            print(f"{path} lacks a line: {error}", file=sys.stderr, flush=True)
