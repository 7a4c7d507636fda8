import dataclasses

import pytest

from agents.collect import CollectConfig, collect
from agents.population import CURATED, POPULATIONS
from agents.population.ways import lane
from jumppad_env.island import load_island

CONFIG = CollectConfig(episodes=3, population="curated", image_size=None)


def choosing(monkeypatch, **shares):
    monkeypatch.setitem(POPULATIONS, "curated", dataclasses.replace(CURATED, shares=shares))


def test_a_pad_that_is_hardly_ever_chosen_ends_in_an_error(tmp_path, monkeypatch):
    choosing(monkeypatch, direct_left=1 - 2e-12, direct_middle=1e-12, direct_right=1e-12)
    with pytest.raises(ValueError, match="1060 runs .* still missing: .*1 of direct_middle, 1 of direct_right"):
        collect(CONFIG, tmp_path / "d", workers=1)


@pytest.mark.parametrize(
    "shares",
    [
        {"direct_left": 1.0},
        {"direct_left": 0.25, "direct_middle": 0.25, "direct_right": 0.25, "wander": 0.25},
    ],
)
def test_a_population_that_never_does_what_is_asked_ends_in_an_error_at_once(tmp_path, monkeypatch, shares):
    choosing(monkeypatch, **shares)
    with pytest.raises(
        ValueError, match=f"chooses {', '.join(shares)}, but direct_left, direct_middle, direct_right are"
    ):
        collect(CONFIG, tmp_path / "d", workers=1)


def test_a_pad_that_people_find_no_way_to_is_named():
    island = load_island()
    ways = {name: point for name, point in island.ways.items() if name != "neck_in"}
    with pytest.raises(ValueError, match=r"assets/island.xml needs a site way_neck_in"):
        lane(dataclasses.replace(island, ways=ways), 2, 0.0)
