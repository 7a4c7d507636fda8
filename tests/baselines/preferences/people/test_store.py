"""Answers on disk: append-only, each kept at once, taken back as often as wanted."""

import sqlite3
from contextlib import closing

import pytest

from baselines.preferences.people.store import FILE, AnswerStore, read_answers

ABOUT = {"question": "Which?", "rollouts": "abc", "seed": 0}


@pytest.fixture
def store(tmp_path):
    with closing(AnswerStore(tmp_path, ABOUT)) as made:
        yield made


def show(store, annotator, pair=(3, 5), swapped=False, purpose="train", **more):
    """Shows a new pair and returns it."""
    with store.transaction() as rows:
        number = store.add_pair(rows, *pair, purpose, more.pop("known", None), "random")
        store.add_show(rows, number, annotator, swapped, 1.0, **more)
    return store.open_shows(annotator)[-1]


def test_sides_are_turned_back_to_the_order_of_the_pair(store):
    for swapped, answer, value in (
        (False, "left", 1.0),
        (False, "right", 0.0),
        (True, "left", 0.0),
        (True, "right", 1.0),
        (True, "equal", 0.5),
        (False, "unsure", None),
        (True, "skip", None),
    ):
        seen = show(store, "Ada", swapped=swapped)
        assert (seen.left, seen.right) == ((5, 3) if swapped else (3, 5))
        assert store.answer(seen.id, "Ada", answer, 1.5, 2, 10.0)
        last = store.given()[-1]
        assert last.value == value and (last.first, last.second, last.seconds) == (3, 5, 1.5)


def test_the_same_answer_again_changes_nothing_and_another_is_refused(store):
    seen = show(store, "Ada")
    assert store.answer(seen.id, "Ada", "left", 1.0, 1, 1.0)
    assert not store.answer(seen.id, "Ada", "left", 1.0, 1, 2.0), "a request that was sent twice"
    with pytest.raises(ValueError, match=r"has been answered \(left\); undo it first"):
        store.answer(seen.id, "Ada", "right", 1.0, 1, 2.0)
    with pytest.raises(KeyError):
        store.answer(seen.id, "Bob", "left", 1.0, 1, 2.0)
    assert store.count() == store.count("Ada") == 1 and store.count("Bob") == 0


def test_undo_goes_back_as_often_as_wanted_and_asks_again_in_that_order(store):
    pairs = [(0, 1), (2, 3), (4, 5)]
    for index, pair in enumerate(pairs):
        store.answer(show(store, "Ada", pair, swapped=index == 1).id, "Ada", "left", 1.0, 1, 1.0)
    waiting = show(store, "Ada", (6, 7))
    other = show(store, "Bob", (0, 9))
    store.answer(other.id, "Bob", "left", 1.0, 1, 1.0)
    assert all(store.undo("Ada", 2.0) for _ in pairs) and not store.undo("Ada", 2.0)
    again = store.open_shows("Ada")
    assert [(one.left, one.right) for one in again] == [(0, 1), (3, 2), (4, 5), (6, 7)], (
        "the same sides, first things first"
    )
    assert again[-1].id == waiting.id and store.count("Ada") == 0 and store.count("Bob") == 1
    store.answer(again[0].id, "Ada", "right", 1.0, 1, 3.0)
    assert [one.value for one in store.given() if one.annotator == "Ada"] == [0.0]
    with closing(sqlite3.connect(store.path)) as rows:
        assert rows.execute("SELECT count(*) FROM answers").fetchone() == (5,), "nothing was deleted"


def test_what_is_there_is_gone_on_with(tmp_path):
    with closing(AnswerStore(tmp_path, ABOUT)) as store:
        store.answer(show(store, "Ada").id, "Ada", "left", 1.0, 1, 1.0)
        left_open = show(store, "Ada", (7, 8))
    with closing(AnswerStore(tmp_path, ABOUT)) as store:
        assert store.count() == 1 and store.open_shows("Ada") == [left_open]
    about, given, undone = read_answers(tmp_path)
    assert about.items() >= ABOUT.items() and len(given) == 1 and undone == []


def test_answers_to_something_else_are_refused(tmp_path):
    AnswerStore(tmp_path, ABOUT).close()
    with pytest.raises(ValueError, match="another question: 'Which\\?', not 'Who\\?'; choose another --out"):
        AnswerStore(tmp_path, {**ABOUT, "question": "Who?"})


def test_other_versions_damage_and_absence_are_one_clear_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no answers \(answers.sqlite is missing\)"):
        read_answers(tmp_path)
    AnswerStore(tmp_path / "new", ABOUT).close()
    with closing(sqlite3.connect(tmp_path / "new" / FILE)) as rows:
        rows.execute("UPDATE about SET value = '99' WHERE key = 'format'")
        rows.commit()
    with pytest.raises(ValueError, match="has format version 99, this code reads 1"):
        AnswerStore(tmp_path / "new", ABOUT)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE).write_bytes(b"no database, but long enough to be read as one" * 100)
    with pytest.raises(ValueError, match="answers.sqlite is damaged"):
        AnswerStore(tmp_path / "bad", ABOUT)


def test_sql_in_names_is_text(store):
    name = "Robert'); DROP TABLE answers;--"
    store.answer(show(store, name).id, name, "left", 1.0, 1, 1.0)
    assert store.given()[0].annotator == name and store.count(name) == 1


def test_merging_takes_each_answer_once(tmp_path):
    with closing(AnswerStore(tmp_path / "a", ABOUT)) as one, closing(AnswerStore(tmp_path / "b", ABOUT)) as other:
        one.answer(show(one, "Ada").id, "Ada", "left", 1.0, 1, 1.0)
        other.answer(show(other, "Bob", swapped=True).id, "Bob", "left", 2.0, 1, 1.0)
        other.answer(show(other, "Bob", (1, 2), purpose="held_out").id, "Bob", "equal", 2.0, 1, 1.0)
        assert one.take_in(other.given(), [], 5.0) == 2 and one.take_in(other.given(), [], 6.0) == 0
        assert other.take_in(one.given(), [], 7.0) == 1, "not its own, which come back"
        found = {(g.annotator, g.first, g.second, g.purpose, g.value) for g in one.given()}
        assert found == {("Ada", 3, 5, "train", 1.0), ("Bob", 3, 5, "train", 0.0), ("Bob", 1, 2, "held_out", 0.5)}
        assert len({g.pair for g in one.given()}) == 2, "the same pair of both is one"
        assert other.undo("Bob", 8.0) and not one.undo("Bob", 8.0), "only what was given here"
        other.answer(other.open_shows("Bob")[0].id, "Bob", "left", 1.0, 1, 9.0)
        assert one.take_in(other.given(), other.undone(), 10.0) == 1 and one.count("Bob") == 2, "taken back here too"
