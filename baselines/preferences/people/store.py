"""Answers on disk: a SQLite file to which rows are only added, each in its own transaction.

A pair of episodes is shown to a person on some side (`shows`), who answers (`answers`) or takes an answer back
(`undos`). What is valid follows from the rows; nothing is ever changed or deleted.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

FILE = "answers.sqlite"
FORMAT = 1
Answer = Literal["left", "right", "equal", "unsure", "skip"]
"""What a person may say of two episodes: `unsure` cannot tell, `skip` does not want to."""
ANSWERS: tuple[Answer, ...] = get_args(Answer)
Purpose = Literal["train", "held_out", "golden"]
"""What a pair is for; a golden one has an answer that is known."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE pairs (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, second INTEGER NOT NULL, purpose TEXT NOT NULL,
    known REAL,  -- of golden pairs: 1 if the first is better, 0 if the second
    chosen_by TEXT NOT NULL
) STRICT;
CREATE TABLE shows (
    id INTEGER PRIMARY KEY, pair INTEGER NOT NULL REFERENCES pairs, annotator TEXT NOT NULL,
    swapped INTEGER NOT NULL,  -- 1: the pair's first episode is on the right
    repeat INTEGER NOT NULL, again INTEGER NOT NULL,  -- 1: asked a second time to compare; because it was taken back
    shown REAL NOT NULL  -- s since 1970
) STRICT;
CREATE TABLE answers (
    id INTEGER PRIMARY KEY, show INTEGER NOT NULL UNIQUE REFERENCES shows, answer TEXT NOT NULL,
    seconds REAL NOT NULL, plays INTEGER NOT NULL, answered REAL NOT NULL, key TEXT NOT NULL UNIQUE,
    elsewhere INTEGER NOT NULL DEFAULT 0  -- 1: given on another machine
) STRICT;
CREATE TABLE undos (
    id INTEGER PRIMARY KEY, answer INTEGER NOT NULL UNIQUE REFERENCES answers, undone REAL NOT NULL
) STRICT;
CREATE INDEX pairs_of ON pairs (first, second);
CREATE INDEX shows_to ON shows (annotator);
CREATE INDEX shows_of ON shows (pair);
CREATE VIEW valid AS
    SELECT answers.id, show, pair, annotator, swapped, repeat, first, second, purpose, known, answer, seconds, plays,
        answered, key, elsewhere
    FROM answers JOIN shows ON shows.id = show JOIN pairs ON pairs.id = pair
    WHERE NOT EXISTS (SELECT 1 FROM undos WHERE undos.answer = answers.id);
"""


@dataclass(frozen=True)
class Show:
    """A pair as a person sees it."""

    id: int
    pair: int
    left: int
    """Index of the episode on the left."""
    right: int
    repeat: bool


@dataclass(frozen=True)
class Given:
    """A valid answer, turned back to the order of its pair."""

    pair: int
    annotator: str
    first: int
    """Index of an episode."""
    second: int
    purpose: Purpose
    known: float | None
    """Of golden pairs: the answer that is known, as `value`."""
    answer: Answer
    swapped: bool
    repeat: bool
    seconds: float
    answered: float
    """Seconds since 1970."""
    key: str
    """Names the answer among all of everybody."""

    @property
    def value(self) -> float | None:
        """1 if the first episode is better, 0 if the second, 0.5 if they are equal, None if nobody can tell."""
        if self.answer in ("unsure", "skip"):
            return None
        if self.answer == "equal":
            return 0.5
        return float((self.answer == "left") != self.swapped)


class AnswerStore:
    """The answers of a directory of labels. Threads may share it.

    Args:
        directory: created if needed.
        about: what the answers are about, which an existing file must be about too; JSON.

    Raises:
        ValueError: the file is damaged, of another version, or about something else.
    """

    def __init__(self, directory: Path, about: dict[str, Any]) -> None:
        self.path = directory / FILE
        self._lock = threading.RLock()
        directory.mkdir(parents=True, exist_ok=True)
        self._connection = _open(self.path)
        try:
            with self.transaction() as rows:
                if not rows.execute("SELECT name FROM sqlite_master WHERE name = 'about'").fetchone():
                    for statement in SCHEMA.split(";\n"):
                        rows.execute(statement)
                    told = {"format": FORMAT, "nonce": secrets.token_hex(8), **about}
                    rows.executemany("INSERT INTO about VALUES (?, ?)", [(k, json.dumps(v)) for k, v in told.items()])
            self.about = self._read_about()
            self._counts = Counter(dict(self._connection.execute("SELECT annotator, count(*) FROM valid GROUP BY 1")))
            self._answered: dict[str, int] = {}  # by person: what was shown before this number has been answered
            """What the answers are about."""
            for key, value in about.items():
                if self.about.get(key) != value:
                    raise ValueError(
                        f"{self.path} has another {key}: {self.about.get(key)!r}, not {value!r}; choose another --out"
                    )
        except BaseException:
            self._connection.close()
            raise

    def _read_about(self) -> dict[str, Any]:
        try:
            rows = self._connection.execute("SELECT key, value FROM about").fetchall()
            there = {key: json.loads(value) for key, value in rows}
        except (sqlite3.DatabaseError, ValueError) as error:
            raise ValueError(f"{self.path} is damaged ({error}); choose another --out") from None
        if (found := there.pop("format", None)) != FORMAT:
            raise ValueError(f"{self.path} has format version {found}, this code reads {FORMAT}; choose another --out")
        return there

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Gives the connection within a transaction: all that is done there is kept, or nothing.

        Raises:
            OSError: the disk is full or fails.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                raise OSError(f"{self.path} cannot be written ({error}); all answers before are kept") from error
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.IntegrityError):
                    raise
                raise ValueError(f"{self.path} is damaged ({error}); choose another --out") from error

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    # What is there. ----------------------------------------------------------------------------------------------

    def open_shows(self, annotator: str) -> list[Show]:
        """Returns what a person was shown and did not answer, in the order in which to answer."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT shows.id, pair, first, second, swapped, repeat FROM shows JOIN pairs ON pairs.id = pair "
                "LEFT JOIN answers ON answers.show = shows.id "
                "WHERE annotator = ? AND shows.id >= ? AND answers.id IS NULL "
                "ORDER BY again DESC, CASE again WHEN 1 THEN -shows.id ELSE shows.id END",
                (annotator, self._answered.get(annotator, 0)),
            ).fetchall()
            if rows:
                self._answered[annotator] = min(row[0] for row in rows)
        return [
            Show(id, pair, *((second, first) if swapped else (first, second)), bool(repeat))
            for id, pair, first, second, swapped, repeat in rows
        ]

    def given(self, since: int = 0) -> list[Given]:
        """Returns all valid answers, in the order in which they were given."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT pair, annotator, first, second, purpose, known, answer, swapped, repeat, seconds, answered, "
                "key FROM valid WHERE id > ? ORDER BY id",
                (since,),
            ).fetchall()
        return [
            Given(*row[:7], swapped=bool(row[7]), repeat=bool(row[8]), seconds=row[9], answered=row[10], key=row[11])
            for row in rows
        ]

    def count(self, annotator: str | None = None) -> int:
        """Returns how many valid answers there are, of a person or of everybody."""
        with self._lock:
            return self._counts.total() if annotator is None else self._counts[annotator]

    def count_told(self, since: int) -> int:
        """Returns how many valid answers say something about training or held-out pairs of episodes from `since` on."""
        with self._lock:
            (count,) = self._connection.execute(
                "SELECT count(*) FROM valid WHERE first >= ? AND repeat = 0 AND purpose != 'golden' "
                "AND answer IN ('left', 'right', 'equal')",
                (since,),
            ).fetchone()
        return count

    # What is added. ----------------------------------------------------------------------------------------------

    def add_pair(
        self, rows: sqlite3.Connection, first: int, second: int, purpose: Purpose, known: float | None, chosen_by: str
    ) -> int:
        """Adds a pair within a transaction; returns its number."""
        added = rows.execute(
            "INSERT INTO pairs (first, second, purpose, known, chosen_by) VALUES (?, ?, ?, ?, ?)",
            (first, second, purpose, known, chosen_by),
        )
        assert added.lastrowid is not None
        return added.lastrowid

    def add_show(
        self,
        rows: sqlite3.Connection,
        pair: int,
        annotator: str,
        swapped: bool,
        now: float,
        *,
        repeat: bool = False,
        again: bool = False,
    ) -> None:
        """Notes within a transaction that a person is shown a pair."""
        rows.execute(
            "INSERT INTO shows (pair, annotator, swapped, repeat, again, shown) VALUES (?, ?, ?, ?, ?, ?)",
            (pair, annotator, int(swapped), int(repeat), int(again), now),
        )

    def pin(self, what: str, value: Any, remedy: str) -> None:
        """Notes what the answers depend on; later it must be the same.

        Args:
            what: Names it.
            value: JSON.
            remedy: What to do if it is another one.

        Raises:
            ValueError: it is another one than before.
        """
        with self.transaction() as rows:
            rows.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (what, json.dumps(value)))
            there = json.loads(rows.execute("SELECT value FROM about WHERE key = ?", (what,)).fetchone()[0])
        if there != value:
            raise ValueError(f"{self.path} is about other {what}: {there!r}, not {value!r}; {remedy}")

    def answer(self, show: int, annotator: str, answer: Answer, seconds: float, plays: int, now: float) -> bool:
        """Keeps an answer; the same one once more changes nothing.

        Returns:
            Whether it is new.

        Raises:
            KeyError: this person was not shown that.
            ValueError: there is another answer to it.
        """
        with self.transaction() as rows:
            if not rows.execute("SELECT 1 FROM shows WHERE id = ? AND annotator = ?", (show, annotator)).fetchone():
                raise KeyError(show)
            there = rows.execute("SELECT answer FROM answers WHERE show = ?", (show,)).fetchone()
            if there is not None:
                if there[0] != answer:
                    raise ValueError(f"this pair has been answered ({there[0]}); undo it first")
                return False
            rows.execute(
                "INSERT INTO answers (show, answer, seconds, plays, answered, key) VALUES (?, ?, ?, ?, ?, ?)",
                (show, answer, seconds, plays, now, uuid.uuid4().hex),
            )
        with self._lock:
            self._counts[annotator] += 1
        return True

    def undo(self, annotator: str, now: float) -> bool:
        """Takes a person's last valid answer back, and shows the pair again as it was, before all others.

        Returns:
            Whether there was one.
        """
        with self.transaction() as rows:
            last = rows.execute(
                "SELECT id, pair, swapped, repeat FROM valid WHERE annotator = ? AND elsewhere = 0 "
                "ORDER BY id DESC LIMIT 1",
                (annotator,),
            ).fetchone()
            if last is None:
                return False
            rows.execute("INSERT INTO undos (answer, undone) VALUES (?, ?)", (last[0], now))
            self.add_show(rows, last[1], annotator, bool(last[2]), now, repeat=bool(last[3]), again=True)
        with self._lock:
            self._counts[annotator] -= 1
        return True

    def undone(self) -> list[str]:
        """Returns the keys of all answers that were taken back."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key FROM answers JOIN undos ON undos.answer = answers.id"
            ).fetchall()
        return [key for (key,) in rows]

    def take_in(self, others: Iterable[Given], undone: Iterable[str], now: float) -> int:
        """Adds valid answers of another file, each once, and takes back what was taken back there.

        Args:
            others: Its valid answers.
            undone: Keys of those that were taken back.
            now: Seconds since 1970.

        Returns:
            How many were added.
        """
        added: Counter[str] = Counter()
        with self.transaction() as rows:
            pairs = {tuple(row[1:]): row[0] for row in rows.execute("SELECT id, first, second, purpose FROM pairs")}
            for one in others:
                if rows.execute("SELECT 1 FROM answers WHERE key = ?", (one.key,)).fetchone():
                    continue
                what = (one.first, one.second, one.purpose)
                if what not in pairs:
                    pairs[what] = self.add_pair(rows, *what, one.known, "merged")
                self.add_show(rows, pairs[what], one.annotator, one.swapped, now, repeat=one.repeat)
                show = rows.execute("SELECT last_insert_rowid()").fetchone()[0]
                rows.execute(
                    "INSERT INTO answers (show, answer, seconds, plays, answered, key, elsewhere) "
                    "VALUES (?, ?, ?, 1, ?, ?, 1)",
                    (show, one.answer, one.seconds, one.answered, one.key),
                )
                added[one.annotator] += 1
            gone: Counter[str] = Counter()
            for key in undone:
                for number, annotator in rows.execute(
                    "SELECT id, annotator FROM valid WHERE key = ?", (key,)
                ).fetchall():
                    rows.execute("INSERT INTO undos (answer, undone) VALUES (?, ?)", (number, now))
                    gone[annotator] += 1
        with self._lock:
            self._counts.update(added)
            self._counts.subtract(gone)
        return added.total()


def read_answers(directory: Path) -> tuple[dict[str, Any], list[Given], list[str]]:
    """Returns what the answers of a directory are about, the valid ones, and the keys of those that were taken back.

    Raises:
        FileNotFoundError: there are none.
        ValueError: the file is damaged or of another version.
    """
    if not (directory / FILE).is_file():
        raise FileNotFoundError(f"{directory} holds no answers ({FILE} is missing); make some with baselines.label")
    with closing(AnswerStore(directory, {})) as store:
        return store.about, store.given(), store.undone()


def _open(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an answer that was confirmed outlives a power cut
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.OperationalError as error:
        raise OSError(f"{path} cannot be opened ({error}); choose another --out") from error
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is damaged ({error}); choose another --out") from error
    return connection
