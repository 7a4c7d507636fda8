"""The card of a dataset takes nothing in a manifest to be what it should be."""

import json
from pathlib import Path

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.statistics.card import LONGEST, card, text
from agents.dataset.statistics.counts import count_dataset


@pytest.fixture
def directory(tmp_path) -> Path:
    collect(CollectConfig(episodes=3, image_size=None), tmp_path / "d")
    return tmp_path / "d"


def rewrite(directory: Path, **changes) -> Dataset:
    """Changes a manifest; None removes."""
    path = directory / "manifest.json"
    manifest = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}))
    return Dataset(directory)


@pytest.mark.parametrize("value", [None, 3, "text", [1], {"a": None}, 10**400], ids=lambda value: str(value)[:9])
def test_a_manifest_of_other_types_still_gets_a_card(directory, value):
    names = ("population", "seed", "license", "shares", "versions", "sources", "renderer")
    dataset = rewrite(directory, environment={"id": value, "variety": value}, **dict.fromkeys(names, value))
    written = card(dataset, count_dataset(dataset))
    assert "nothing is known of who played" in written
    dataset = rewrite(directory, shares={"idle": value, "wander": float("inf")})
    assert "wander" in card(dataset, count_dataset(dataset))


def test_a_license_that_is_named_counts(directory):
    dataset = rewrite(directory, license="CC BY 4.0")
    written = card(dataset, count_dataset(dataset))
    assert "<dt>License</dt><dd>CC BY 4.0</dd>" in written


def test_what_was_made_of_others_names_them_and_no_command(directory):
    dataset = rewrite(directory, made_by="merge", sources=[{"name": "one"}, {"name": "two"}])
    written = card(dataset, count_dataset(dataset))
    assert "merge, from one, two" in written and "agents.collect" not in written


def test_text_is_escaped_and_cut():
    assert text("<b>") == "&lt;b&gt;" and text({"a": "<"}) == "{&quot;a&quot;: &quot;&lt;&quot;}"
    assert text("x" * (LONGEST + 1)) == "x" * LONGEST + " ..." and text("x" * LONGEST) == "x" * LONGEST
