"""Exchange of datasets of levels: what is observed there, and which world it was, come along."""

import json

import gymnasium
import numpy as np
import pytest

import jumppad_env  # noqa: F401 -- registers the environments
from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.exchange.lerobot import export_lerobot
from agents.dataset.exchange.minari import export_minari, import_minari
from agents.dataset.verification import verify
from agents.worlds import WorldConfig, world_of
from jumppad_env.levels.settings import ISLANDS
from jumppad_env.world import observe_levels

minari = pytest.importorskip("minari")
parquet = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("av")
CHAIN = WorldConfig(environment=ISLANDS, num_levels=7, start_level=40, distribution_mode="hard", islands=2, cue=True)
SIZE = (40, 48)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    directory = tmp_path_factory.mktemp("levels") / "chain"
    collect(CollectConfig(episodes=3, seed=3, image_size=SIZE, world=CHAIN), directory, workers=1)
    return Dataset(directory)


@pytest.fixture(scope="module")
def played(chain):
    """Observations of the environment itself, of all steps of each episode."""
    seen = []
    with gymnasium.make("JumppadIslandsState-v0", **CHAIN.keywords) as env:
        for index in range(len(chain)):
            trajectory = chain.trajectory(index)
            observation, _ = env.reset(seed=trajectory.seed, options={"character": trajectory.character})
            seen.append([observation])
            for action in trajectory.actions:
                seen[-1].append(env.step(action)[0])
    return [np.array(rows) for rows in seen]


def test_states_of_levels_are_observed_as_by_the_environment(chain, played):
    for index, rows in enumerate(played):
        assert np.array_equal(observe_levels(chain.trajectory(index).states, chain.settings), rows[:-1])
    together = observe_levels(chain.states, chain.settings)
    assert np.array_equal(together, np.concatenate([rows[:-1] for rows in played])), "of several levels at once"


@pytest.mark.parametrize("frames", [True, False])
def test_minari_keeps_levels_bit_for_bit(chain, played, tmp_path, frames):
    out = export_minari(chain, "chain-v0", root=tmp_path, observation="pixels" if frames else "state")
    stored = minari.MinariDataset(out / "data")
    assert stored.env_spec.id == ("JumppadIslands-v0" if frames else "JumppadIslandsState-v0")
    if not frames:
        for episode, rows in zip(stored.iterate_episodes(), played, strict=True):
            assert np.array_equal(episode.observations, rows)
    import_minari("chain-v0", tmp_path / "again", root=tmp_path)
    again = Dataset(tmp_path / "again")
    assert world_of(again.manifest["environment"]) == CHAIN and again.settings == chain.settings
    for name in ("actions", "states", "goals", "episodes"):
        assert np.array_equal(getattr(again, name), getattr(chain, name)), name
    assert (again.frames is None) == (not frames)
    assert again.frames is None or np.array_equal(again.frames, chain.frames)
    assert verify(tmp_path / "again", frames=5, threads=1)[0] == []


def test_lerobot_gets_levels_with_what_is_observed_there(chain, played, tmp_path):
    export_lerobot(chain, tmp_path / "d", observed_state=True)
    info = json.loads((tmp_path / "d/meta/info.json").read_text())
    feature = info["features"]["observation.state"]
    assert feature["shape"] == [played[0].shape[1]] == [len(set(feature["names"]))]
    assert {"island 1", "color of the flag 0", "pad touched 2"} <= set(feature["names"])
    (file,) = (tmp_path / "d/data").rglob("*.parquet")
    table = parquet.read_table(file)
    rows = np.array(table["observation.state"].to_pylist(), np.float32)
    assert np.array_equal(rows, np.concatenate([rows[:-1] for rows in played]))
    assert np.array_equal(np.array(table["states"].to_pylist()), chain.states)
    assert table["next.reward"].to_numpy().sum() == sum(chain.trajectory(i).pad >= 0 for i in range(3))
