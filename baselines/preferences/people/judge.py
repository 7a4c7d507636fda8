"""What can be learned from the answers so far, in the background: a reward model, and where models disagree.

The reward model is that of `baselines.reward`, trained by this very command in a process of low priority. For choosing
pairs an ensemble of linear models on what the agent's network sees is cheap enough to be fitted after every answer.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.dataset import Dataset
from agents.outcomes import wilson_interval
from baselines.artifact import load_manifest
from baselines.models.batches import make_batch
from baselines.models.policy import Policy
from baselines.models.precision import autocast, choose_device
from baselines.preferences.people.beside import Learner
from baselines.preferences.people.export import TooFew, write_comparisons
from baselines.preferences.people.pairs import Judge, Questions
from baselines.preferences.people.store import AnswerStore, Given
from jumppad_env.streams import stream

MODELS = 8
"""Of the ensemble."""
DECAY = 1e-2
"""Weight decay of the ensemble's logistic regressions."""
STEPS = 60
"""Of their training."""
REST = 0.2
"""s between two of them, so that many people's answers do not keep a core busy."""
NEW = 10
"""Answers after which a reward model is trained anew."""
REWARD = "reward_model"
PREFIX = ".reward_model-"
"""Begins the names of directories in which reward models are trained."""


class BackgroundReward(Learner):
    """Trains reward models on the answers so far, one at a time, in a process beside the server.

    Args:
        store: the answers.
        rollouts: dataset of the episodes.
        agent: policy whose network the reward model starts from.
        place: directory of the answers, in which what is trained lies while it is trained.
    """

    def __init__(self, store: AnswerStore, rollouts: Path, agent: Path, place: Path) -> None:
        super().__init__()
        self._store, self._rollouts, self._agent, self._place = store, rollouts, agent, place
        self.result: dict[str, Any] | None = None
        """Of the last reward model: `accuracy` on held-out comparisons, its `ci95`, and the numbers of `train` and
        `held_out` comparisons; or `waits`, what is still needed."""
        self._used = -NEW
        for left in place.glob(f"{PREFIX}*"):  # of a server that was killed
            shutil.rmtree(left, ignore_errors=True)

    def learn(self) -> bool:
        """Trains a reward model if there are enough new answers."""
        given = self._store.given()
        if abs(len(given) - self._used) >= NEW:
            self._used = len(given)
            self._train(given)
        return False

    def fail(self, error: Exception) -> None:
        """Has the panel say why there is no reward model. The next try is after `NEW` answers."""
        self.result = {"waits": str(error)}
        if isinstance(error, TooFew):
            self._used = -NEW  # or after one, which may do

    def told(self) -> dict[str, Any]:
        """Returns `reward`, the last reward model."""
        return {"reward": self.result}

    def _train(self, given: Sequence[Given]) -> None:
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=self._place) as folder:
            pairs, model = Path(folder) / "preferences", Path(folder) / REWARD
            write_comparisons(str(self._store.about.get("question", "")), given, self._rollouts, pairs)
            inputs = {"agent": self._agent, "rollouts": self._rollouts, "preferences": pairs}
            if self.beside.run("baselines.reward", {**inputs, "out": model, "device": "cpu"}):
                self.result = accuracy_of(model, pairs)


def accuracy_of(model: Path, pairs: Path) -> dict[str, Any]:
    """Returns the `accuracy` of a reward model on held-out comparisons, its `ci95`, and how many of either kind it had.

    Args:
        model: Directory of the reward model.
        pairs: Directory of the comparisons that it learned from.
    """
    metrics = load_manifest(model, "reward_model")["metrics"]
    held_out = load_manifest(pairs, "preferences")["metrics"]["held_out"]
    decided = held_out["comparisons"] - held_out["ties"]
    interval = wilson_interval(round(metrics["accuracy"] * decided), decided)
    told = {"accuracy": metrics["accuracy"], "ci95": list(interval), "held_out": decided}
    return {**told, "train": metrics["comparisons"]}


class Ensemble(Learner):
    """Fits models after every answer and has the next pairs chosen by where they disagree.

    Args:
        questions: whose `judge` is set.
        dataset: the episodes.
        agent: policy whose network sees them.
        seed: of the models.
    """

    def __init__(self, questions: Questions, dataset: Dataset, agent: Path, seed: int) -> None:
        super().__init__()
        self._questions, self._dataset, self._agent, self._seed = questions, dataset, agent, seed

    @cached_property
    def _features(self) -> np.ndarray:
        return features_of(self._agent, self._dataset, lambda: self.beside.stopped)

    def learn(self) -> bool:
        """Fits the models anew."""
        features = self._features
        if self.beside.stopped:
            return False
        self._questions.judge = fit_ensemble(features, self._questions.store.given(), self._seed)
        time.sleep(REST)
        return False

    def fail(self, error: Exception) -> None:
        """Has pairs drawn at random instead, and says so on the terminal."""
        self._questions.judge = None
        print(f"pairs are drawn at random, as the models that choose them fail: {error}", file=sys.stderr, flush=True)


def features_of(agent: Path, dataset: Dataset, stopped: Callable[[], bool] = lambda: False) -> np.ndarray:
    """Returns what an agent's network sees of episodes: its last hidden state and the mean of all, (E, 2 * width).

    Each column has mean 0 and standard deviation 1.

    Args:
        agent: policy.
        dataset: the episodes.
        stopped: whether nobody needs them any more; then what is returned means nothing.
    """
    place = choose_device()
    trunk = Policy.from_pretrained(agent, place).network.trunk.eval()
    rows = np.zeros((len(dataset), 2 * trunk.config.width), np.float32)
    order = np.argsort(dataset.episodes["length"], kind="stable")
    for start in range(0, len(order), 16):
        if stopped():
            break
        some = order[start : start + 16]
        batch = make_batch([dataset.trajectory(int(index)) for index in some], place)
        with torch.inference_mode(), autocast(place):
            hidden = trunk(batch.frames).float()
        last = hidden[torch.arange(len(some)), batch.lengths - 1]
        mask = batch.mask[..., None]
        mean = (hidden * mask).sum(1) / mask.sum(1)
        rows[some] = torch.cat([last, mean], dim=1).cpu().numpy()
    return (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-6)


def fit_ensemble(features: np.ndarray, given: Sequence[Given], seed: int) -> Judge | None:
    """Returns models of the training answers: logistic regressions, each on a bootstrap sample of them.

    Args:
        features: (E, F), of all episodes.
        given: valid answers; only those for training are read.
        seed: for the samples.

    Returns:
        The models, None without an answer.
    """
    told = [one for one in given if one.purpose == "train" and one.value is not None and not one.repeat]
    if not told:
        return None
    x = features[[one.first for one in told]] - features[[one.second for one in told]]
    y = np.array([one.value for one in told], np.float32)
    weights = np.stack([_logistic(x, y, sample) for sample in _samples(len(told), seed)], axis=1)  # (F, M)
    return lambda first, second: 1 / (1 + np.exp(-((features[first] - features[second]) @ weights).T))


def _samples(count: int, seed: int) -> list[np.ndarray]:
    generator = stream(seed, "ensemble", count)
    return [np.bincount(generator.integers(count, size=count), minlength=count) for _ in range(MODELS)]


def _logistic(x: np.ndarray, y: np.ndarray, often: np.ndarray) -> np.ndarray:
    """Returns weights (F,) that make y (N,) likely given x (N, F), by accelerated gradient descent."""
    smooth = 0.25 * float((often[:, None] * x**2).sum()) / len(y) + DECAY
    weights, ahead = np.zeros(x.shape[1], np.float32), np.zeros(x.shape[1], np.float32)
    for step in range(STEPS):
        p = 1 / (1 + np.exp(-(x @ ahead)))
        gradient = x.T @ (often * (p - y)) / len(y) + DECAY * ahead
        before, weights = weights, (ahead - gradient / smooth).astype(np.float32)
        ahead = weights + step / (step + 3) * (weights - before)
    return weights
