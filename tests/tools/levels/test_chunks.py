"""Work in chunks: finished chunks are not done again, and tables are aligned."""

import json

import pytest

from tools.levels.chunks import chunks_of, finish, percent, table


def test_chunks_cover_everything_once():
    chunks = chunks_of(45, 20, mode="easy")
    assert [(chunk["first"], chunk["count"]) for chunk in chunks] == [(0, 20), (20, 20), (40, 5)]
    assert {chunk["mode"] for chunk in chunks} == {"easy"}


def test_what_a_file_holds_is_not_done_again_and_a_torn_line_is(tmp_path):
    out, done = tmp_path / "new" / "work.jsonl", []

    def work(chunk: dict) -> int:
        done.append(chunk["first"])
        if len(done) == 3:
            raise KeyboardInterrupt
        return 10 * chunk["first"]

    with pytest.raises(KeyboardInterrupt):
        finish(chunks_of(5, 1), work, out, "things")
    assert done == [0, 1, 2] and len(out.read_text().splitlines()) == 2
    with out.open("a") as file:
        file.write('{"chunk": {"fir')
    assert finish(chunks_of(5, 1), work, out, "things") == [0, 10, 20, 30, 40]
    assert done == [0, 1, 2, 2, 3, 4]
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["result"] for line in lines] == [0, 10, 20, 30, 40]
    assert finish(chunks_of(5, 1, other=1)[:1], work, out, "things") == [0] and done[-1] == 0, "another kind of work"


def test_without_a_file_nothing_is_kept():
    assert finish(chunks_of(2, 1), lambda chunk: chunk["count"], None, "things") == [1, 1]


def test_columns_are_aligned():
    lines = table(("name", "share"), [("a", percent(0.5)), ("longer", percent(1.0, 0))]).splitlines()
    assert lines == ["| name   | share  |", "|--------|--------|", "| a      | 50.00% |", "| longer | 100%   |"]
