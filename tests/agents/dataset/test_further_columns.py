"""Columns of states beyond those of this version's world go through every command and come out as they were."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.dataset.exchange.lerobot import export_lerobot
from agents.dataset.exchange.minari import export_minari, import_minari
from agents.dataset.rerendering import rerender
from agents.dataset.selection import Wanted, keep, merge, split
from agents.dataset.statistics.page import write_page
from agents.dataset.verification import verify
from agents.population.modes import GOALS
from jumppad_env.dataset.states import describe
from jumppad_env.world import STATE, observe

COLUMNS = (*STATE, "level", "island")
SIZE = (16, 16)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Holds a dataset of our world, the same with further columns, and that with frames."""
    root = tmp_path_factory.mktemp("further")
    collect(CollectConfig(episodes=8, image_size=None, seed=5), root / "plain")
    plain = Dataset(root / "plain")

    def wider(index: int):
        trajectory = plain.trajectory(index)
        further = np.random.default_rng(index).normal(size=(len(trajectory), 2))
        return dataclasses.replace(trajectory, states=np.hstack([trajectory.states, further]))

    description = {"goals": GOALS, "states": describe(COLUMNS)}
    write_dataset(root / "wider", map(wider, range(len(plain))), seed=5, description=description)
    rerender(root / "wider", root / "drawn", SIZE, "none", None, 2)
    rerender(root / "plain", root / "drawn_plain", SIZE, "none", None, 2)
    return root


def test_frames_are_those_of_our_world_and_states_stay(made):
    wider, drawn = Dataset(made / "wider"), Dataset(made / "drawn")
    assert drawn.state_columns == wider.state_columns == COLUMNS
    assert drawn.states.tobytes() == wider.states.tobytes()
    frames, expected = drawn.frames, Dataset(made / "drawn_plain").frames
    assert frames is not None and expected is not None and np.array_equal(frames, expected)


def test_verify_replays_our_columns_and_says_which_it_does_not(made):
    faults, right = verify(made / "drawn", frames=50, threads=1)
    assert not faults and "replayed bit for bit (without level, island, which this version does not play)" in right[1]
    assert verify(made / "plain", frames=0, threads=1)[1][-1].endswith("replayed bit for bit")


def test_selections_keep_them(made, tmp_path):
    wider = Dataset(made / "drawn")
    keep(made / "drawn", tmp_path / "kept", Wanted(min_length=int(np.median(wider.episodes["length"])) + 1))
    split(made / "drawn", [0.5, 0.5], [tmp_path / "a", tmp_path / "b"], 0)
    merge(tmp_path / "merged", [tmp_path / "b", tmp_path / "a"])
    known = {int(row["seed"]): wider.states[wider.rows(index)] for index, row in enumerate(wider.episodes)}
    for name in ("kept", "a", "b", "merged"):
        part = Dataset(tmp_path / name)
        assert part.state_columns == COLUMNS and part.manifest["states"] == describe(COLUMNS)
        for index, row in enumerate(part.episodes):
            assert np.array_equal(part.trajectory(index).states, known[int(row["seed"])])
    assert 0 < len(Dataset(tmp_path / "kept")) < len(Dataset(tmp_path / "merged")) == len(wider)
    with pytest.raises(ValueError, match="wider and .*plain have different columns"):
        merge(tmp_path / "both", [made / "wider", made / "plain"])
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize("observation", ["pixels", "state"])
def test_minari_brings_them_back(made, tmp_path, observation):
    drawn = Dataset(made / "drawn")
    export_minari(drawn, "jumppad/further-v0", tmp_path, observation=observation)
    import_minari("jumppad/further-v0", tmp_path / "again", tmp_path)
    again = Dataset(tmp_path / "again")
    assert again.state_columns == COLUMNS and np.array_equal(again.states, drawn.states)


def test_minari_exports_of_packed_states_come_back(made, tmp_path):
    """Until format 3 the manifest named the columns of states.npy; what was exported were whole states."""
    plain = Dataset(made / "plain")
    plain.manifest |= {"format": 2, "states": {"columns": [*STATE[:8], "camera_yaw", "camera_tilt", "digits"]}}
    export_minari(plain, "jumppad/packed-v0", tmp_path, observation="state")
    import_minari("jumppad/packed-v0", tmp_path / "again", tmp_path)
    again = Dataset(tmp_path / "again")
    assert again.state_columns == STATE and np.array_equal(again.states, plain.states)


def test_lerobot_and_the_page_show_them(made, tmp_path):
    drawn = Dataset(made / "drawn")
    export_lerobot(drawn, tmp_path / "lerobot", observed_state=True)
    features = json.loads((tmp_path / "lerobot" / "meta" / "info.json").read_text())["features"]
    assert features["states"]["names"] == list(COLUMNS) and features["states"]["shape"] == [len(COLUMNS)]
    seen = [observe(Dataset(made / "plain").trajectory(index).states) for index in range(len(drawn))]
    exported = pyarrow.parquet.read_table(next((tmp_path / "lerobot" / "data").rglob("*.parquet")))
    assert np.array_equal(exported["observation.state"].to_pylist(), np.concatenate(seen))
    assert np.array_equal(exported["states"].to_pylist(), drawn.states)
    write_page(drawn, tmp_path / "page.html")
