"""The card of a dataset takes nothing in a manifest to be what it should be."""

import json
from pathlib import Path

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.statistics import card as module
from agents.dataset.statistics.card import LONGEST, card, shown
from agents.dataset.statistics.counts import count_dataset
from agents.figures.page import render
from jumppad_env.files import seal


@pytest.fixture
def directory(tmp_path) -> Path:
    collect(CollectConfig(episodes=3, image_size=None), tmp_path / "d")
    return tmp_path / "d"


def rewrite(directory: Path, **changes) -> Dataset:
    """Changes a manifest; None removes."""
    path = directory / "manifest.json"
    manifest = {**json.loads(path.read_text()), **changes}
    path.write_text(seal({key: value for key, value in manifest.items() if value is not None}))
    return Dataset(directory)


def written(dataset: Dataset) -> str:
    """The section as HTML."""
    return render(Path(module.__file__).parent, "card.html", card=card(dataset, count_dataset(dataset)))


@pytest.mark.parametrize("value", [None, 3, "text", [1], {"a": None}, 10**400], ids=lambda value: str(value)[:9])
def test_a_manifest_of_other_types_still_gets_a_card(directory, value):
    names = ("population", "seed", "license", "shares", "versions", "sources", "renderer")
    dataset = rewrite(directory, environment={"id": value, "variety": value}, **dict.fromkeys(names, value))
    assert "nothing is known about who played" in written(dataset)
    dataset = rewrite(directory, shares={"idle": value, "wander": 1e300})
    assert "wander" in written(dataset)


def test_a_license_that_is_named_counts(directory):
    dataset = rewrite(directory, license="CC BY 4.0")
    assert "<dt>License</dt><dd>CC BY 4.0</dd>" in written(dataset)


def test_what_was_made_of_others_names_them_and_no_command(directory):
    dataset = rewrite(directory, made_by="merge", sources=[{"name": "one"}, {"name": "two"}])
    html = written(dataset)
    assert "merge, from one, two" in html and "agents.collect" not in html


def test_hostile_text_is_escaped(directory):
    evil = "<script>alert(1)</script>"
    dataset = rewrite(directory, license=evil, population=evil, made_by=evil, sources=[{"name": evil}])
    html = written(dataset)
    assert "<script" not in html and html.count("&lt;script&gt;alert(1)") >= 4


def test_any_value_becomes_text_and_is_cut():
    assert shown("<b>") == "<b>" and shown({"a": "<"}) == '{"a": "<"}'
    assert shown("x" * (LONGEST + 1)) == "x" * LONGEST + " ..." and shown("x" * LONGEST) == "x" * LONGEST
