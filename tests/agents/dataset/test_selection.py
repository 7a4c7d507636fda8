"""Datasets made of others keep what is known of their rules, and a split leaves all its parts or none."""

import json
import os

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.rerendering import rerender
from agents.dataset.selection import Wanted, keep, merge, split
from jumppad_env.files import seal


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Directories of datasets of today's rules, of others and of unknown ones."""
    root = tmp_path_factory.mktemp("data")
    for name, rules in (("today", 0), ("other", "0123456789"), ("old", None)):
        collect(CollectConfig(episodes=6, image_size=None, seed=4), root / name, workers=1)
        path = root / name / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest = {key: value for key, value in manifest.items() if key != "sha256"}
        manifest |= {"rules": rules} if rules else {}
        manifest = {key: value for key, value in manifest.items() if rules is not None or key != "rules"}
        path.write_text(seal(manifest))
    return root


@pytest.mark.filterwarnings("ignore:.*made by other rules")
@pytest.mark.parametrize("name", ["today", "other", "old"])
def test_parts_have_the_rules_of_the_whole(made, tmp_path, name):
    rules = Dataset(made / name).manifest.get("rules")
    keep(made / name, tmp_path / "kept", Wanted(min_length=2))
    split(made / name, (0.5, 0.5), (tmp_path / "a", tmp_path / "b"), 0)
    rerender(made / name, tmp_path / "drawn", (16, 16), "none", None, threads=1)
    merge(tmp_path / "both", [tmp_path / "a", tmp_path / "b"])
    for part in ("kept", "a", "b", "drawn", "both"):
        assert Dataset(tmp_path / part).manifest["rules"] == rules, part


@pytest.mark.filterwarnings("ignore:.*made by other rules")
def test_datasets_of_different_rules_are_not_merged(made, tmp_path):
    with pytest.raises(ValueError, match="/today and .*/other were made by different rules of the game"):
        merge(tmp_path / "d", [made / "today", made / "old", made / "other"])
    merge(tmp_path / "d", [made / "today", made / "old"])
    assert Dataset(tmp_path / "d").manifest["rules"] is None
    assert os.listdir(tmp_path) == ["d"]


def test_a_split_that_fails_leaves_no_part(made, tmp_path):
    (tmp_path / "place").write_text("a file, so that the second part cannot be made in it")
    with pytest.raises(OSError):
        split(made / "today", (0.5, 0.5), (tmp_path / "a", tmp_path / "place/b"), 0)
    assert os.listdir(tmp_path) == ["place"]
