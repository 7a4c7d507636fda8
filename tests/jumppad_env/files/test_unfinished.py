"""Directories that are made step by step: free, begun or finished, and never somebody else's."""

import json
import os

import pytest

from jumppad_env.files import BEGUN, MANIFEST, PARTIAL, check_file, clear, content_digest, digests, is_finished, occupy


def finish(directory, **manifest):
    with occupy(directory, "thing") as place:
        place.begin({"seed": 0})
        (directory / "data").write_text("data")
        place.finish({"seed": 0, "files": digests(directory, ["data"]), **manifest})
    return directory


def test_begun_first_and_finished_last(tmp_path):
    with occupy(tmp_path / "a" / "b", "thing") as place:
        assert (place.begun, place.manifest) == (None, None)
        place.begin({"seed": 0})
        assert [path.name for path in place.directory.iterdir()] == [BEGUN]
    with occupy(tmp_path / "a" / "b", "thing") as place:
        assert (place.begun, place.manifest) == ({"seed": 0}, None)
        place.finish({"seed": 0})
    assert [path.name for path in place.directory.iterdir()] == [MANIFEST]
    with occupy(tmp_path / "a" / "b", "thing") as place:
        assert place.begun is None and place.manifest is not None and place.manifest["seed"] == 0


@pytest.mark.parametrize("error", [None, KeyError])
def test_where_nothing_was_begun_no_folder_stays(tmp_path, error):
    try:
        with occupy(tmp_path / "a" / "b", "thing"):
            if error:
                raise error
    except KeyError:
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["thesis.txt", f"thesis.txt{PARTIAL}", "begun.json.partial", "a.npy"])
def test_a_directory_of_somebody_else_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("years of work")
    with pytest.raises(ValueError, match="exists and is no unfinished thing"), occupy(tmp_path, "thing"):
        pass
    assert (tmp_path / name).read_text() == "years of work"


def test_the_first_file_may_be_cut_off(tmp_path):
    (tmp_path / (BEGUN + PARTIAL)).write_text('{"se')
    with occupy(tmp_path, "thing") as place:
        assert place.begun is None
        place.begin({})
    assert [path.name for path in tmp_path.iterdir()] == [BEGUN]


@pytest.mark.parametrize("make", [lambda p: p.write_text(""), lambda p: p.symlink_to("nowhere"), os.mkfifo])
def test_what_is_no_directory_is_refused(tmp_path, make):
    make(tmp_path / "place")
    with (
        pytest.raises(ValueError, match="place exists and is no unfinished thing"),
        occupy(tmp_path / "place", "thing"),
    ):
        pass


@pytest.mark.parametrize("text", ["{", "[]", "null", "[" * 100_000])
def test_a_damaged_beginning_is_named(tmp_path, text):
    (tmp_path / BEGUN).write_text(text)
    with pytest.raises(ValueError, match=r"begun\.json is damaged.*delete"), occupy(tmp_path, "thing"):
        pass


def test_scaffolding_goes_and_everything_else_stays(tmp_path):
    for name in ("drawn", "data", "x.partial", f"data{PARTIAL}", BEGUN, MANIFEST):
        (tmp_path / name).write_text("")
    (tmp_path / "state" / "deep").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / f"y{PARTIAL}").write_text("")
    clear(tmp_path, ("drawn", "state", "nothing"))
    assert {path.name for path in tmp_path.rglob("*")} == {"data", "x.partial", MANIFEST, "kept"}


def test_a_link_among_the_scaffolding_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "thesis.txt").write_text("years of work")
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "state").symlink_to(tmp_path / "elsewhere")
    clear(tmp_path / "place", ("state",))
    assert (tmp_path / "elsewhere" / "thesis.txt").exists() and not os.path.lexists(tmp_path / "place" / "state")


def test_what_was_made_again_has_the_same_content(tmp_path):
    first = json.loads((finish(tmp_path / "a", seconds=1.5, versions={"a": "1"}) / MANIFEST).read_text())
    again = json.loads((finish(tmp_path / "b", seconds=9.0, versions={"a": "2"}) / MANIFEST).read_text())
    other = json.loads((finish(tmp_path / "c", config=1) / MANIFEST).read_text())
    assert first != again and content_digest(first) == content_digest(again) != content_digest(other)
    assert content_digest(dict(reversed(list(first.items())))) == content_digest(first)


def test_a_file_is_the_one_that_its_manifest_tells_of(tmp_path):
    path = finish(tmp_path / "a") / "data"
    check_file(path, "make it again")
    check_file(tmp_path / "a" / "others", "make it again")  # the manifest does not tell of it
    path.write_text("dat4")
    with pytest.raises(ValueError, match=r"data is damaged .its checksum differs from manifest\.json.; make it again"):
        check_file(path, "make it again")
    manifest = tmp_path / "a" / MANIFEST
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(ValueError, match=r"manifest\.json was changed after it was written"):
        check_file(path, "make it again")
    assert is_finished(tmp_path / "a")
