"""States are stored as they are, further columns too, and what is no episode is refused by name."""

import dataclasses
import json

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.dataset import Dataset, Trajectory, write_dataset
from jumppad_env.dataset.states import columns_of, describe
from jumppad_env.dataset.writing import EpisodeLog, Unfinished
from jumppad_env.files import seal, sha256
from jumppad_env.world import STATE
from jumppad_env.world.state import LOOK, STEPS

WIDER = (*STATE, "level", "island")


def episode(seed: int, length: int = 7, columns: int = len(STATE)) -> Trajectory:
    """An episode of random numbers, as a world might have that is not ours."""
    states = np.random.default_rng(seed).normal(size=(length, columns))
    states[:, STEPS], states[:, LOOK] = np.arange(length), 2**32 - 1 - seed
    actions = np.tile(gamepad.NEUTRAL, (length, 1))
    return Trajectory(seed, "rider", "", -1, False, actions, states, None)


def reseal(directory, **changes) -> None:
    """Gives a dataset a manifest that fits its files again, so that only what they hold is wrong."""
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest.pop("sha256")
    manifest |= changes | {"files": {name: sha256(directory / name) for name in manifest["files"]}}
    (directory / "manifest.json").write_text(seal(manifest))


def test_states_are_stored_bit_for_bit_whatever_the_world(tmp_path):
    episodes = [episode(seed) for seed in range(3)]
    write_dataset(tmp_path / "d", episodes, seed=0, description={})
    stored = np.load(tmp_path / "d" / "states.npy")
    assert stored.tobytes() == np.concatenate([each.states for each in episodes]).tobytes()
    assert Dataset(tmp_path / "d").states.tobytes() == stored.tobytes()


def test_further_columns_are_kept_and_named(tmp_path):
    episodes = [episode(seed, columns=len(WIDER)) for seed in range(3)]
    write_dataset(tmp_path / "d", episodes, seed=0, description={"states": describe(WIDER)})
    dataset = Dataset(tmp_path / "d")
    assert dataset.state_columns == WIDER and dataset.manifest["states"] == {"columns": list(WIDER)}
    assert all(np.array_equal(dataset.trajectory(index).states, each.states) for index, each in enumerate(episodes))


def test_the_manifest_names_the_columns_that_were_written(tmp_path):
    with Unfinished(tmp_path / "d", {"seed": 0, "environment": {}}) as work, EpisodeLog(work.path, (), WIDER) as log:
        log.append(episode(0, columns=len(WIDER)))
        work.finish(log.finish())
    assert Dataset(tmp_path / "d").state_columns == WIDER


def test_what_was_begun_with_other_columns_is_refused(tmp_path):
    with Unfinished(tmp_path / "d", {"seed": 0, "states": describe(WIDER)}):
        pass
    with pytest.raises(ValueError, match="with other options: states"):
        with Unfinished(tmp_path / "d", {"seed": 0}):
            pass


def test_an_interrupted_dataset_goes_on_with_its_columns(tmp_path):
    asked = {"seed": 0, "environment": {}, "states": describe(WIDER)}
    for directory, stops in (("cut", True), ("whole", False)):
        with Unfinished(tmp_path / directory, asked) as work, EpisodeLog(work.path, (), WIDER) as log:
            log.append(episode(0, columns=len(WIDER)))
            if not stops:
                log.append(episode(1, columns=len(WIDER)))
                work.finish(log.finish())
    with Unfinished(tmp_path / "cut", asked) as work, EpisodeLog(work.path, (), WIDER) as log:
        assert log.seeds == [0]
        log.append(episode(1, columns=len(WIDER)))
        work.finish(log.finish())
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert all((tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes() for name in names)
    with pytest.raises(ValueError, match="with other options: states"):
        with Unfinished(tmp_path / "cut", {**asked, "states": describe(STATE)}):
            pass


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (3, "x", np.nan, "^state 3 has x nan, expected a finite number; store whole episodes"),
        (0, "pad", np.inf, "^state 0 has pad inf, expected a finite number"),
        (0, "look", np.nan, "^state 0 has look nan, expected a finite number"),
        (3, "steps", 7.0, r"^state 3 has steps 7\.0, which cannot occur in an episode \(expected 3\.0\); store whole"),
        (3, "look", 1.0, r"^state 3 has look 1\.0, which cannot occur in an episode \(expected 4294967295\.0\)"),
        (slice(None), "look", 0.5, r"^state 0 has look 0\.5, .*\(expected 0\.0\)"),
        (slice(None), "look", -1.0, r"^state 0 has look -1\.0, .*\(expected 0\.0\)"),
        (slice(None), "look", 2.0**32, r"^state 0 has look 4294967296\.0, .*\(expected 4294967295\.0\)"),
    ],
)
def test_what_is_no_episode_is_refused_by_name(tmp_path, row, column, value, message):
    wrong = episode(0)
    wrong.states[row, STATE.index(column)] = value
    with pytest.raises(ValueError, match=message):
        write_dataset(tmp_path / "d", [wrong], seed=0, description={})
    assert not (tmp_path / "d").exists()


def test_half_an_episode_is_refused(tmp_path):
    whole = episode(0)
    half = dataclasses.replace(whole, actions=whole.actions[3:], states=whole.states[3:])
    with pytest.raises(ValueError, match=r"state 0 has steps 3\.0.*store whole episodes"):
        write_dataset(tmp_path / "d", [half], seed=0, description={})


def test_states_of_other_types_and_widths_are_refused(tmp_path):
    single = dataclasses.replace(episode(0), states=episode(0).states.astype(np.float32))
    for wrong in (single, episode(0, columns=len(WIDER))):
        with pytest.raises(ValueError, match=r"^states must be float64 \(T, 22\); got float"):
            write_dataset(tmp_path / "d", [wrong], seed=0, description={})
    for states in (episode(0).states[:, :-1], episode(0).states[:-1], episode(0).states[0]):
        with pytest.raises(ValueError, match=r"states must be \(7, 22 or more\)"):
            dataclasses.replace(episode(0), states=states)


@pytest.mark.parametrize("columns", [STATE[:-1], ("level", *STATE), (*STATE, "x"), (*STATE, "level", "level"), ()])
def test_columns_begin_with_those_of_a_state_and_have_names_of_their_own(tmp_path, columns):
    with pytest.raises(ValueError, match="columns of states must be x, y, z, yaw"):
        EpisodeLog(tmp_path, (), columns)
    assert columns_of({"states": {"columns": list(columns)}}) is None


@pytest.mark.parametrize("entry", [None, 5, [], "x", {}, {"columns": 5}, {"columns": [*STATE, 5]}, {"columns": [[]]}])
def test_a_manifest_that_names_no_columns_is_read_as_one(entry):
    assert columns_of({"states": entry}) is None and columns_of({}) is None


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("column", "value", "message"), [("z", np.nan, "z nan"), ("steps", 9.0, "steps 9.0"), ("look", 9.0, "look 9.0")]
)
def test_forged_states_are_named_on_opening(tmp_path, monkeypatch, big, column, value, message):
    if not big:
        monkeypatch.setattr("jumppad_env.dataset.reading.CHECKED_AT_ONCE", 4)
    write_dataset(tmp_path / "d", [episode(0), episode(1)], seed=0, description={})
    np.load(tmp_path / "d" / "states.npy", mmap_mode="r+")[7 + 5, STATE.index(column)] = value
    reseal(tmp_path / "d")
    with pytest.raises(ValueError, match=f"states.npy: episode 1, step 5 has {message}.*collect the dataset again"):
        Dataset(tmp_path / "d")


def test_looks_of_episodes_that_are_not_those_of_their_states_are_named_on_opening(tmp_path):
    write_dataset(tmp_path / "d", [episode(0), episode(1)], seed=0, description={})
    np.load(tmp_path / "d" / "episodes.npy", mmap_mode="r+")["look"][1] = 5
    reseal(tmp_path / "d")
    with pytest.raises(
        ValueError, match=r"states\.npy: episode 1, step 0 has look 4294967294\.0, .* \(expected 5\.0\)"
    ):
        Dataset(tmp_path / "d")


def test_what_an_earlier_version_made_is_refused_with_the_remedy(tmp_path):
    write_dataset(tmp_path / "d", [episode(0)], seed=0, description={})
    reseal(tmp_path / "d", format=2, states={"columns": ["x", "digits"]})
    message = (
        r"manifest\.json has format version 2, this code reads 3: it is older; make it again elsewhere by the same"
    )
    with pytest.raises(ValueError, match=message):
        Dataset(tmp_path / "d")
    with pytest.raises(ValueError, match=message):  # the same command must not say that all is done
        write_dataset(tmp_path / "d", [episode(0)], seed=0, description={})


def test_what_an_earlier_version_began_is_refused_with_the_remedy(tmp_path):
    with Unfinished(tmp_path / "d", {"seed": 0}):
        pass
    path = tmp_path / "d" / "begun.json"
    begun = json.loads(path.read_text())
    path.write_text(json.dumps({**begun, "asked": {**begun["asked"], "format": 2}}))
    with pytest.raises(ValueError, match=r"begun\.json has format version 2.*make it again elsewhere"):
        with Unfinished(tmp_path / "d", {"seed": 0}):
            pass
