"""Files that anybody may have written are read, or refused in a line that names them."""

import hashlib
import json
import os
from typing import Any, TypedDict

import pytest

from jumppad_env.files import read_bytes, read_json, read_json_lines, read_sealed, seal, sha256
from jumppad_env.files.reading import DEEPEST_JSON, LARGEST_JSON
from jumppad_env.files.shapes import Count


class Line(TypedDict):
    update: Count


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.json"


READERS = {
    "sha256": sha256,
    "bytes": lambda path: read_bytes(path, "make it again"),
    "json": lambda path: read_json(path, "make it again"),
    "lines": lambda path: read_json_lines(path, "make it again", Line),
    "sealed": lambda path: read_sealed(path, "make it again"),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_is_no_file_is_refused_at_once_and_what_is_missing_is_told_apart(read, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("folder", "pipe", "loop", "dangling", "device"):
        with pytest.raises(ValueError, match=f"{name} is not a file; remove it"):
            read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="nothing is missing"):
        read(tmp_path / "nothing")


@pytest.mark.parametrize("read", [READERS["bytes"], READERS["json"], READERS["sealed"]])
def test_a_huge_file_is_not_read(read, path):
    with path.open("wb") as file:
        file.truncate(LARGEST_JSON + 1)
    with pytest.raises(ValueError, match=r"is damaged \(it has 16777217 bytes, more than 16777216\); make it again"):
        read(path)


def test_a_file_that_is_a_link_to_one_is_read(path, tmp_path):
    path.write_text('{"a": 1}')
    (tmp_path / "link").symlink_to(path)
    assert read_json(tmp_path / "link", "") == {"a": 1}
    assert sha256(tmp_path / "link") == hashlib.sha256(b'{"a": 1}').hexdigest()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e400}', b"[" * 100_000, b"1" * 5000],
)
def test_what_is_no_json_is_refused_with_the_remedy(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        read_json(path, "make it again")
    assert str(error.value) == f"{path} is damaged; make it again"


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_nesting_is_taken_up_to_a_depth_that_can_be_written_again(path, opened):
    closed = "]" if opened == "[" else "}"
    for depth, taken in ((DEEPEST_JSON, True), (DEEPEST_JSON + 1, False), (900, False)):
        path.write_text(depth * opened + "1" + depth * closed)
        if taken:
            assert seal({"a": read_json(path, "", Any)})
        else:
            with pytest.raises(ValueError, match="is damaged; make it again"):
                read_json(path, "make it again", Any)
    path.write_text("[" + ",".join(["{}"] * 1000) + "]")
    assert len(read_json(path, "", list[Any])) == 1000


def test_a_value_of_another_shape_is_refused_with_its_place(path):
    path.write_text('{"update": -1}')
    with pytest.raises(ValueError, match=r"is damaged \(update is -1, not an integer from 0 to .*\); make it again"):
        read_json(path, "make it again", Line)
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"is damaged \(it is a list, not an object\); make it again"):
        read_json(path, "make it again")


def test_lines_are_read_and_a_damaged_one_is_named(path):
    path.write_text('{"update": 0}\n{"update": 1, "loss": 2.5}\n')
    assert read_json_lines(path, "", Line) == [{"update": 0}, {"update": 1, "loss": 2.5}]
    path.write_text("")
    assert read_json_lines(path, "", Line) == []
    for damage, said in (("", "no JSON"), ("{", "no JSON"), ("[" * 100_000, "no JSON"), ("5", "it is 5"), ("{}", "up")):
        path.write_text(f'{{"update": 0}}\n{damage}\n{{"update": 1}}\n')
        with pytest.raises(ValueError, match=rf"is damaged in line 2 \({said}.*\); make it again"):
            read_json_lines(path, "make it again", Line, cut_off=True)


def test_only_where_it_is_expected_a_last_line_may_be_cut_off(path):
    path.write_text('{"update": 0}\n{"upd')
    assert read_json_lines(path, "", Line, cut_off=True) == [{"update": 0}]
    with pytest.raises(ValueError, match="in line 2"):
        read_json_lines(path, "", Line)
    path.write_text('{"update": 0}\n{"update": 1}')
    assert read_json_lines(path, "", Line) == [{"update": 0}, {"update": 1}]
    path.write_text('{"update": 0}\n{"upd\n')
    with pytest.raises(ValueError, match="in line 2"):
        read_json_lines(path, "", Line, cut_off=True)


VALUES = {"format": 2, "numbers": [0.1, -0.0, 1e-300, 2**60], "text": "ä\ud800\n", "inner": {"b": None, "a": True}}


def test_what_is_sealed_is_read_again_and_its_checksum_can_be_found_by_hand(path):
    text = seal(VALUES)
    path.write_text(text)
    found = read_sealed(path, "")
    assert {key: value for key, value in found.items() if key != "sha256"} == VALUES and list(found)[-1] == "sha256"
    rest = text[: text.index(',\n  "sha256"')] + "\n}"
    assert found["sha256"] == hashlib.sha256(rest.encode()).hexdigest() and json.loads(rest) == VALUES


def test_every_change_of_what_is_sealed_is_noticed(path):
    text = seal({"format": 2, "share": 0.25}).encode()
    for place in range(len(text)):
        for changed in (text[:place], text[:place] + b" " + text[place:], text[:place] + b"1" + text[place + 1 :]):
            path.write_bytes(changed)
            if changed != text:
                with pytest.raises(ValueError, match=r"file\.json (is damaged|was changed after .* make it again)"):
                    read_sealed(path, "make it again")
    path.write_text('{"format": 2}')
    with pytest.raises(ValueError, match="was changed after it was written"):
        read_sealed(path, "make it again")
