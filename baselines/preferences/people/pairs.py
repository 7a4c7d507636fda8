"""Which pair a person is asked next: one that was taken back, one that others answered too, a repeat, or a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from baselines.preferences.people.store import AnswerStore, Purpose, Show
from jumppad_env.streams import stream

Selection = Literal["random", "disagreement", "information"]
"""How new training pairs are chosen."""
CANDIDATES = 100
"""Random pairs from which the best is chosen, where the selection is not random."""
LEASE = 600.0
"""s for which a pair that somebody was shown, but has not answered, counts as being answered."""
FEWEST = 8
"""Episodes, of which a quarter is held out."""
FIRST_REPEAT = 8
"""Answers that a person gives before the first repeat."""

Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From episodes (C,), (C,) to each of M models' probability (M, C) that the first is preferred."""


@dataclass(frozen=True)
class Asking:
    """What is asked."""

    selection: Selection = "random"
    """How training pairs are chosen: at random; where models that were trained on the answers so far disagree most; or
    where an answer tells most about which of them is right. Held-out pairs are always random."""
    labels_per_pair: int = 1
    """People who answer each pair."""
    held_out: float = 0.25
    """Share of new pairs that are kept as held-out, for the accuracy of the reward model."""
    golden: float = 0.05
    """Share of new pairs whose answer is known, if there are such."""
    repeats: float = 0.05
    """Share of questions that repeat an earlier one with the sides exchanged."""

    def __post_init__(self) -> None:
        if self.labels_per_pair < 1:
            raise ValueError(f"labels_per_pair must be at least 1, got {self.labels_per_pair}")
        for name in ("held_out", "golden", "repeats"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise ValueError(f"{name} is a share of the questions, 0 to 0.5, got {getattr(self, name):g}")


class Questions:
    """Draws what is asked, from a number of episodes at first.

    No episode is in training and held-out pairs alike.

    Args:
        store: answers so far.
        asking: what is asked.
        episodes: number of episodes.
        seed: for all draws; the number of what was shown so far goes on with them after an interruption.
        truth: (episodes,) value of each, of which pairs that differ can be golden; None for no golden ones.
    """

    def __init__(
        self, store: AnswerStore, asking: Asking, episodes: int, seed: int, truth: np.ndarray | None = None
    ) -> None:
        self.store, self.asking, self._seed, self.truth = store, asking, seed, truth
        self._since = 0  # pairs before this number need no answer
        self.ask_about(range(episodes), truth)
        self.judge: Judge | None = None
        """Models of the answers so far, once there are any."""

    def ask_about(self, episodes: range, truth: np.ndarray | None = None) -> None:
        """Asks about these episodes alone from now on, but for pairs that somebody sees already.

        Args:
            episodes: Numbers of the episodes.
            truth: (episodes.stop,) value of all; None for no golden pairs.
        """
        if len(episodes) < FEWEST:
            raise ValueError(f"people compare at least {FEWEST} episodes, got {len(episodes)}; play more rollouts")
        name = "people" if episodes.start == 0 else f"people from {episodes.start}"
        order = episodes.start + stream(self._seed, name).permutation(len(episodes))
        self.truth, self._first = truth, episodes.start
        self.train, self.held_out = order[: len(order) * 3 // 4], order[len(order) * 3 // 4 :]

    def next(self, annotator: str, count: int, now: float) -> list[Show]:
        """Returns what a person is to answer next, the first `count` pairs, and notes that they are shown."""
        shows = self.store.open_shows(annotator)
        if len(shows) < count:
            with self.store.transaction() as rows:
                for _ in range(count - len(shows)):
                    self._ask(rows, annotator, now)
            shows = self.store.open_shows(annotator)
        return shows[:count]

    def _ask(self, rows: sqlite3.Connection, annotator: str, now: float) -> None:
        number = rows.execute("SELECT coalesce(max(id), 0) FROM shows").fetchone()[0]
        generator = stream(self._seed, f"show {self.store.about['nonce']}", number)  # not the same on every machine
        side = bool(generator.random() < 0.5)
        if generator.random() < self.asking.repeats and (repeated := _to_repeat(rows, annotator, generator)):
            pair, swapped = repeated
            self.store.add_show(rows, pair, annotator, not swapped, now, repeat=True)
            return
        wanted = self.asking.labels_per_pair
        self._since = _first_wanting(rows, wanted, self._since, self._first)
        pair = _shared(rows, annotator, wanted, now, self._since, self._first)
        if pair is None:
            pair = self._new(rows, generator)
        self.store.add_show(rows, pair, annotator, side, now)

    def _new(self, rows: sqlite3.Connection, generator: np.random.Generator) -> int:
        draw = generator.random()
        if self.truth is not None and draw < self.asking.golden:
            first, second = self._golden(generator)
            if self.truth[first] != self.truth[second]:
                known = float(self.truth[first] > self.truth[second])
                return self.store.add_pair(rows, first, second, "golden", known, "random")
        purpose: Purpose = "held_out" if generator.random() < self.asking.held_out else "train"
        episodes = self.held_out if purpose == "held_out" else self.train
        drawn = (generator.choice(episodes, 2, replace=False) for _ in range(CANDIDATES))
        fresh = (pair for pair in drawn if not _is_there(rows, *map(int, pair)))
        if purpose == "held_out" or self.asking.selection == "random" or self.judge is None:
            pair = next(fresh, None)
            first, second = map(int, generator.choice(episodes, 2, replace=False) if pair is None else pair)
            return self.store.add_pair(rows, first, second, purpose, None, "random")
        pairs = np.array(list(fresh) or [generator.choice(episodes, 2, replace=False)])
        best = int(np.argmax(worth(self.judge(pairs[:, 0], pairs[:, 1]), self.asking.selection)))
        first, second = map(int, pairs[best])
        return self.store.add_pair(rows, first, second, purpose, None, self.asking.selection)

    def _golden(self, generator: np.random.Generator) -> tuple[int, int]:
        """Returns two episodes of different value, if chance finds any."""
        assert self.truth is not None
        pairs = np.array([generator.choice(self.train, 2, replace=False) for _ in range(CANDIDATES)])
        differ = self.truth[pairs[:, 0]] != self.truth[pairs[:, 1]]
        first, second = pairs[int(np.argmax(differ))]
        return int(first), int(second)


def worth(probabilities: np.ndarray, selection: Selection) -> np.ndarray:
    """Returns what an answer to each pair (C,) would be worth.

    Args:
        probabilities: (M, C), of each model that the first episode is preferred.
        selection: `disagreement`: their variance; `information`: what the answer tells about the model, in nats, the
            entropy of the mean minus the mean entropy.

    Source: Christiano et al. (arXiv 1706.03741), section 2.2.4; Houlsby et al. (arXiv 1112.5745).
    """
    if selection == "disagreement":
        return probabilities.var(axis=0)
    return _entropy(probabilities.mean(axis=0)) - _entropy(probabilities).mean(axis=0)


def _entropy(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -(p * np.log(p) + (1 - p) * np.log(1 - p))


def _is_there(rows: sqlite3.Connection, first: int, second: int) -> bool:
    """Returns whether two episodes are a pair already."""
    found = rows.execute(
        "SELECT 1 FROM pairs WHERE first = ? AND second = ? OR first = ? AND second = ?", (first, second, second, first)
    )
    return found.fetchone() is not None


def _to_repeat(rows: sqlite3.Connection, annotator: str, generator: np.random.Generator) -> tuple[int, bool] | None:
    """Returns a pair that a person has answered once, and on which side it was."""
    found = rows.execute(
        "SELECT pair, max(swapped) FROM valid WHERE annotator = ? AND answer IN ('left', 'right', 'equal') "
        "AND pair NOT IN (SELECT pair FROM shows WHERE annotator = ? AND repeat = 1) GROUP BY pair ORDER BY pair",
        (annotator, annotator),
    ).fetchall()
    if len(found) < FIRST_REPEAT:
        return None
    pair, swapped = found[int(generator.integers(len(found) - 2))]  # not one of the last two, which are remembered
    return int(pair), bool(swapped)


def _shared(rows: sqlite3.Connection, annotator: str, wanted: int, now: float, since: int, first: int) -> int | None:
    """Returns a pair that was asked, but not this person, and that needs an answer still, counting those under way.

    Pairs before `since` are known to need none, and those of episodes before `first` are out of date.
    """
    found = rows.execute(
        "SELECT pairs.id FROM pairs LEFT JOIN ("
        "    SELECT DISTINCT pair, annotator FROM shows LEFT JOIN answers ON answers.show = shows.id"
        "    WHERE pair >= ? AND repeat = 0 AND (shown > ? OR answers.id NOT NULL AND"
        "        NOT EXISTS (SELECT 1 FROM undos WHERE undos.answer = answers.id))"
        ") AS busy ON busy.pair = pairs.id "
        "WHERE pairs.id >= ? AND first >= ? "
        "AND NOT EXISTS (SELECT 1 FROM shows WHERE shows.pair = pairs.id AND annotator = ?) "
        "GROUP BY pairs.id HAVING count(busy.annotator) < ? ORDER BY pairs.id LIMIT 1",
        (since, now - LEASE, since, first, annotator, wanted),
    ).fetchone()
    return None if found is None else int(found[0])


def _first_wanting(rows: sqlite3.Connection, wanted: int, since: int, first: int) -> int:
    """Returns the first pair from `since` on that fewer people than wanted have answered, or the one to come.

    Pairs of episodes before `first` do not count.
    """
    found = rows.execute(
        "SELECT pairs.id FROM pairs LEFT JOIN ("
        "    SELECT DISTINCT pair, annotator FROM shows JOIN answers ON answers.show = shows.id"
        "    WHERE pair >= ? AND repeat = 0 AND NOT EXISTS (SELECT 1 FROM undos WHERE undos.answer = answers.id)"
        ") AS answered ON answered.pair = pairs.id "
        "WHERE pairs.id >= ? AND first >= ? "
        "GROUP BY pairs.id HAVING count(answered.annotator) < ? ORDER BY pairs.id LIMIT 1",
        (since, since, first, wanted),
    ).fetchone()
    return int(found[0]) if found else rows.execute("SELECT coalesce(max(id), 0) + 1 FROM pairs").fetchone()[0]
