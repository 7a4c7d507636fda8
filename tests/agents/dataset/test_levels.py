"""Datasets of levels: they say which world they were made in, and are checked, drawn and merged in it."""

import json

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset.rerendering import rerender
from agents.dataset.selection import Wanted, keep, merge, split
from agents.dataset.statistics.page import write_page
from agents.dataset.verification import verify
from agents.worlds import CLASSIC, WorldConfig, world_of
from jumppad_env.dataset import Dataset
from jumppad_env.levels import make_level
from jumppad_env.levels.settings import ISLANDS
from jumppad_env.world.state import CUE, LEVEL, LEVEL_STATE, STATE, TAKEN, taken_pads

CHAIN = WorldConfig(environment=ISLANDS, num_levels=7, start_level=40, distribution_mode="hard", islands=2, cue=True)
SIZE = (16, 24)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A dataset of a chain of hard islands, with frames."""
    directory = tmp_path_factory.mktemp("levels") / "chain"
    collect(CollectConfig(episodes=24, seed=3, image_size=SIZE, variety="high", world=CHAIN), directory, workers=1)
    return Dataset(directory)


def test_a_dataset_says_in_which_world_it_was_made(chain):
    assert world_of(chain.manifest["environment"]) == CHAIN
    assert chain.state_columns == (*STATE, *LEVEL_STATE)
    levels = chain.states[chain.episodes["start"], LEVEL].astype(int)
    assert set(levels.tolist()) <= set(range(40, 47)) and len(set(levels.tolist())) > 3
    assert np.isin(chain.states[:, CUE], [0, 1, 2]).all()


def test_spawns_are_those_of_the_level(chain):
    for episode in chain.episodes:
        first = chain.states[episode["start"]]
        spawns = make_level(int(first[LEVEL]), CHAIN.settings).islands[0].spawns
        assert np.allclose(spawns[episode["spawn"]], first[:3])


def test_people_choose_a_mode_on_each_island(chain):
    for index, mode in enumerate(chain.episodes["mode"].tolist()):
        taken = taken_pads(chain.trajectory(index).states[-1, TAKEN], 2)
        assert len(mode.split(", ")) == 1 + (taken[0] >= 0)


def test_it_is_sound_and_a_wrong_level_is_found(chain, tmp_path):
    assert verify(chain.directory, 100, 1)[0] == []
    states = np.array(chain.states)
    states[chain.rows(5), LEVEL] = 41 + (states[chain.rows(5), LEVEL][0] == 41)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in (*chain.manifest["files"], "manifest.json"):
        (copy / name).write_bytes((chain.directory / name).read_bytes())
    np.save(copy / "states.npy", states)
    faults, _ = verify(copy, 100, 1)
    assert faults and "states.npy" in faults[0]


def test_it_is_drawn_again_exactly(chain, tmp_path):
    rerender(chain.directory, tmp_path / "again", SIZE, "high", None, 2)
    assert np.array_equal(np.array(Dataset(tmp_path / "again").frames), chain.frames)


def test_two_processes_collect_the_same_bytes(chain, tmp_path):
    config = CollectConfig(episodes=300, seed=3, image_size=None, world=WorldConfig(environment=ISLANDS))
    for name, workers in (("one", 1), ("two", 2)):
        collect(config, tmp_path / name, workers=workers)
    one, two = (json.loads((tmp_path / name / "manifest.json").read_text())["files"] for name in ("one", "two"))
    assert one == two


def test_curated_runs_take_the_pads_they_are_meant_to(tmp_path):
    world = WorldConfig(environment=ISLANDS, islands=2)
    collect(CollectConfig(episodes=12, population="curated", image_size=None, world=world), tmp_path / "c", workers=1)
    dataset = Dataset(tmp_path / "c")
    first = []
    for index, mode in enumerate(dataset.episodes["mode"].tolist()):
        meant = [("left", "middle", "right").index(part.removeprefix("direct_")) for part in mode.split(", ")]
        assert taken_pads(dataset.trajectory(index).states[-1, TAKEN], 2).tolist() == meant
        first.append(meant[0])
    assert np.bincount(first).tolist() == [4, 4, 4]


def test_datasets_of_different_worlds_stay_apart(chain, tmp_path):
    other = tmp_path / "other"
    collect(CollectConfig(episodes=3, image_size=SIZE, variety="high"), other, workers=1)
    with pytest.raises(ValueError, match="datasets of different worlds stay apart"):
        merge(tmp_path / "both", [chain.directory, other])
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"environment": "Jumpad-v0"}, "environment 'Jumpad-v0' is unknown; choose Jumppad-v0 or JumppadIslands-v0"),
        ({"pads": 4, "cue": True}, "has no levels, but pads, cue is given; use --environment JumppadIslands-v0"),
        ({"environment": ISLANDS, "pads": 6}, "pads=6 must be an integer from 2 to 5"),
        ({"environment": ISLANDS, "start_level": -1}, "start_level=-1 must be an integer of at least 0"),
    ],
)
def test_a_wrong_world_is_one_clear_error(keywords, message):
    with pytest.raises(ValueError, match=message):
        WorldConfig(**keywords)


def test_manifests_without_a_world_are_of_the_classic_island():
    assert world_of({"observation": "state"}) == WorldConfig(environment=CLASSIC)
    with pytest.raises(ValueError, match="is unknown"):
        world_of({"id": "JumppadIslands-v1"})


def test_inner_pads_are_the_middle_wherever_pads_are_counted(tmp_path):
    world = WorldConfig(environment=ISLANDS, pads=5, num_levels=3)
    collect(
        CollectConfig(episodes=40, population="human", image_size=None, world=world, seed=1), tmp_path / "d", workers=1
    )
    dataset = Dataset(tmp_path / "d")
    pads, places = dataset.episodes["pad"], dataset.places
    assert set(pads[places == 1].tolist()) == {1, 2, 3} and set(pads[places == 2].tolist()) == {4}
    sizes = split(tmp_path / "d", (0.5, 0.5), (tmp_path / "a", tmp_path / "b"), 0)
    assert sum(sizes) == 40, "no pad is forgotten"
    middle = keep(tmp_path / "d", tmp_path / "m", Wanted(pad=("middle",)))
    assert middle == (places == 1).sum()
    write_page(dataset, tmp_path / "page.html")
    assert "all those on level" in (tmp_path / "page.html").read_text()
