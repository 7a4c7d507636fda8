"""The digest changes with what play depends on, and with nothing else."""

import re
import shutil
import warnings
from importlib import resources
from pathlib import Path

import pytest

from jumppad_env.island import digest
from jumppad_env.island.digest import rules_digest, warn_of_other_rules
from jumppad_env.rules import CHARACTERS, RULES


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """A copy of the assets that the digest is taken of."""
    source = Path(str(resources.files("jumppad_env.assets")))
    shutil.copytree(source, tmp_path / "assets")
    monkeypatch.setattr(digest.resources, "files", lambda package: tmp_path / "assets")
    return tmp_path / "assets"


def of():
    """The digest as it would be in another process."""
    return rules_digest.__wrapped__()


def edit(path, old, new):
    text = path.read_text()
    assert re.search(old, text), old
    path.write_text(re.sub(old, new, text, count=1))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("island.xml", r'gravity="0 0 -20"', 'gravity="0 0 -19"'),
        ("island.xml", r'name="flight_seconds" data="2.2"', 'name="flight_seconds" data="2.3"'),
        ("island.xml", r'(name="landing_left" pos=")', r"\g<1>1"),
        ("controls.xml", r'kv="5"', 'kv="6"'),
        ("character.xml", r'size="', 'size="1'),
    ],
)
def test_geometry_and_physics_count(assets, name, old, new):
    before = of()
    edit(assets / name, old, new)
    assert of() != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("island.xml", r'rgba="0.99 0.78 0.10 1"', 'rgba="0.1 0.2 0.9 1"'),
        ("island.xml", r"<!-- The island", "<!-- This island"),
        ("scenery.xml", r'pos="', 'pos="1'),
        ("rider.xml", r'rgba="', 'rgba="0'),
        ("island.xml", r'shadowsize="0"', 'shadowsize="64"'),
    ],
)
def test_looks_do_not(assets, name, old, new):
    before = of()
    edit(assets / name, old, new)
    assert of() == before


def test_speeds_and_constants_count(monkeypatch):
    before = of()
    monkeypatch.setattr(digest, "RULES", RULES._replace(jump_height=1.4))
    assert of() != before
    monkeypatch.undo()
    monkeypatch.setattr(digest, "CHARACTERS", {**CHARACTERS, "rider": CHARACTERS["scout"]})
    assert of() != before
    monkeypatch.undo()
    monkeypatch.setattr(digest, "PADS", ("left", "middle", "right", "plaza"))
    assert of() != before


def test_only_another_game_is_warned_of():
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        warn_of_other_rules("here", rules_digest())
        warn_of_other_rules("here", None)
    assert given == []
    with pytest.warns(UserWarning, match="here was made by other rules .*digest 12345678 there"):
        warn_of_other_rules("here", "123456789")
