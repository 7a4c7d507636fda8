"""Minari: what we write its own reader reads, what comes back is the same, and faults get one clear line."""

import dataclasses
import json
import shutil
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest

import jumppad_env
from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.dataset.exchange.minari import export_minari, import_minari
from agents.dataset.exchange.transitions import Player
from agents.dataset.verification import verify
from agents.population.modes import GOALS
from jumppad_env import DiscreteGamepad

minari = pytest.importorskip("minari")
h5py = pytest.importorskip("h5py")
pytest.importorskip("pyarrow")
SIZE = (40, 48)  # Minari takes no picture below 32x32 for one, and would not make a JPEG of it
FORMATS = ("hdf5", "arrow")


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "demonstrations"
    collect(CollectConfig(episodes=5, image_size=SIZE, character="random", variety="high", seed=3), directory)
    return Dataset(directory)


@pytest.fixture(scope="module")
def root(demonstrations, tmp_path_factory):
    root = tmp_path_factory.mktemp("minari")
    for data_format in FORMATS:
        export_minari(demonstrations, f"jumppad/{data_format}-v0", root, data_format=data_format)
    return root


@pytest.fixture
def local(tmp_path, monkeypatch):
    """Where Minari looks for datasets."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "local"))
    return tmp_path / "local"


@pytest.mark.parametrize("data_format", FORMATS)
def test_minari_reads_what_was_exported(demonstrations, root, monkeypatch, data_format):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    assert f"jumppad/{data_format}-v0" in minari.list_local_datasets()
    loaded = minari.load_dataset(f"jumppad/{data_format}-v0")
    assert loaded.total_steps == len(demonstrations.actions) and len(loaded) == len(demonstrations)
    env = loaded.recover_environment()
    assert env.observation_space == loaded.observation_space and env.action_space == loaded.action_space
    assert env.unwrapped.options.variety == "high" and env.unwrapped.options.image_size == SIZE
    env.close()
    player = Player(demonstrations.manifest["environment"], SIZE)
    metadata = list(loaded.storage.get_episode_metadata(range(len(loaded))))
    for index, episode in enumerate(loaded.iterate_episodes()):
        trajectory = demonstrations.trajectory(index)
        steps = player.finish(trajectory)
        assert steps.frames is not None
        assert episode.observations.dtype == np.uint8 and np.array_equal(episode.observations, steps.frames)
        assert np.array_equal(episode.observations[:-1], trajectory.frames)
        assert np.array_equal(episode.actions, trajectory.actions)
        assert all(action in loaded.action_space for action in episode.actions)
        for name in ("rewards", "terminations", "truncations"):
            assert np.array_equal(getattr(episode, name), getattr(steps, name))
        assert np.array_equal(episode.infos["states"], steps.states)
        told = (metadata[index][name] for name in ("seed", "character", "mode", "pad", "fell"))
        assert tuple(told) == tuple(demonstrations.episodes[index][["seed", "character", "mode", "pad", "fell"]])
    player.close()


@pytest.mark.parametrize("data_format", FORMATS)
def test_an_export_comes_back_bit_for_bit(demonstrations, root, tmp_path, data_format):
    steps = import_minari(f"jumppad/{data_format}-v0", tmp_path / "again", root)
    again = Dataset(tmp_path / "again")
    assert steps == len(demonstrations.actions)
    for index in range(len(demonstrations)):
        before, after = demonstrations.trajectory(index), again.trajectory(index)
        for field in dataclasses.fields(before):
            one, other = getattr(before, field.name), getattr(after, field.name)
            assert type(one) is type(other), field.name
            assert np.array_equal(one, other, equal_nan=isinstance(one, float)), field.name
            assert not isinstance(one, np.ndarray) or one.dtype == other.dtype
    assert again.manifest["environment"] == demonstrations.manifest["environment"]
    assert again.manifest["seed"] == demonstrations.manifest["seed"] == 3
    assert again.manifest["imported"]["manifest"] == demonstrations.manifest


def test_namespaces_are_minaris(demonstrations, local):
    out = export_minari(demonstrations, "jumppad/people/human-v0")
    assert out == local / "jumppad/people/human-v0"
    assert {"jumppad", "jumppad/people"} <= set(minari.namespace.list_local_namespaces())


def test_an_agent_without_mode_comes_back(demonstrations, tmp_path):
    trajectory = dataclasses.replace(demonstrations.trajectory(0), mode="", seed=2**40)
    write_dataset(tmp_path / "d", [trajectory], seed=0, description={"goals": GOALS})
    export_minari(Dataset(tmp_path / "d"), "plain-v7", tmp_path / "root")
    import_minari("plain-v7", tmp_path / "again", tmp_path / "root")
    again = Dataset(tmp_path / "again").trajectory(0)
    assert again.mode == "" and again.seed == 2**40 and again.character == trajectory.character


def record(dataset_id, *, seeds=(5, 6), options=None, wrapper=None, jpeg=False, change=None, **keywords):
    """Records random play as others would, by Minari alone."""
    env: Any = gymnasium.make("Jumppad-v0", image_size=SIZE, max_episode_steps=12, **keywords)
    env = wrapper(env) if wrapper else env
    env.action_space.seed(0)
    buffers, states = [], []
    for seed in seeds:
        observation, _ = env.reset(seed=5 if seed in (None, -1) else seed, options=options)
        columns = {"observations": [observation], "actions": [], "rewards": [], "terminations": [], "truncations": []}
        over = False
        while not over:
            states.append(env.unwrapped.get_state())
            columns["actions"].append(env.action_space.sample())
            observation, reward, terminated, truncated, _ = env.step(columns["actions"][-1])
            columns["observations"].append(observation)
            columns["rewards"].append(reward)
            columns["terminations"].append(terminated)
            columns["truncations"].append(truncated)
            over = terminated or truncated
        if change:
            change(columns)
        buffers.append(minari.data_collector.EpisodeBuffer(seed=seed, options=options, **columns))
    with pytest.warns(UserWarning):  # Minari wants authors
        minari.create_dataset_from_buffers(dataset_id, buffers, env=env, jpeg_encoding=jpeg)
    env.close()
    return np.array(states)


@pytest.mark.parametrize("jpeg", [False, True])
def test_a_recording_of_others_is_played_again(local, tmp_path, jpeg):
    states = record("others/random-v0", jpeg=jpeg, variety="paper", character="scout")
    import_minari("others/random-v0", tmp_path / "d")
    dataset = Dataset(tmp_path / "d")
    assert np.array_equal(dataset.states, states) and dataset.episodes["seed"].tolist() == [5, 6]
    assert dataset.trajectory(0).character == "scout" and dataset.trajectory(0).mode == ""
    assert dataset.manifest["environment"]["variety"] == "paper"
    stored = next(minari.load_dataset("others/random-v0").iterate_episodes())
    assert np.array_equal(dataset.actions[:12], stored.actions)
    assert dataset.frames is not None
    assert jpeg != np.array_equal(dataset.frames[:12], stored.observations[:-1])  # drawn, not decoded


def test_reset_options_are_played_again_too(local, tmp_path):
    states = record("others/random-v0", options={"spawn": 2, "character": "mystic", "heading": 0.5})
    import_minari("others/random-v0", tmp_path / "d")
    dataset = Dataset(tmp_path / "d")
    assert np.array_equal(dataset.states, states) and dataset.episodes["seed"].tolist() == [-1, -1]
    assert dataset.episodes["character"].tolist() == ["mystic"] * 2


def test_seeds_of_any_size_are_played_again_and_kept_where_they_fit(local, tmp_path):
    states = record("others/random-v0", seeds=(2**63 - 1, 2**63, 2**64 - 1))
    import_minari("others/random-v0", tmp_path / "d")
    dataset = Dataset(tmp_path / "d")
    assert np.array_equal(dataset.states, states) and dataset.episodes["seed"].tolist() == [2**63 - 1, -1, -1]
    faults, _ = verify(tmp_path / "d", frames=10, threads=1)
    assert faults == []


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("frames", [True, False])
def test_states_are_exported_as_the_environment_observes_them(demonstrations, local, tmp_path, data_format, frames):
    bare = [dataclasses.replace(demonstrations.trajectory(index), frames=None) for index in range(5)]
    write_dataset(tmp_path / "bare", bare, seed=3, description={"goals": GOALS})
    source = demonstrations if frames else Dataset(tmp_path / "bare")
    export_minari(source, "jumppad/states-v0", observation="state", data_format=data_format)
    loaded = minari.load_dataset("jumppad/states-v0")
    env = loaded.recover_environment()
    assert env.spec.id == "JumppadState-v0" and env.observation_space == loaded.observation_space
    assert loaded.spec.env_spec.id == env.spec.id
    for bare_one, episode in zip(bare, loaded.iterate_episodes(), strict=True):
        env.reset(options={"character": bare_one.character})
        for state, observation in zip(episode.infos["states"], episode.observations, strict=True):
            assert np.array_equal(env.unwrapped.set_state(state)[0], observation)
    import_minari("jumppad/states-v0", tmp_path / "again")
    again = Dataset(tmp_path / "again")
    assert again.frames is None and np.array_equal(again.states, demonstrations.states)
    assert again.manifest["environment"]["observation"] == "state" and again.manifest["renderer"] is None
    assert again.manifest["environment"]["character"] == "random" and "image_size" not in again.manifest["environment"]


def test_an_export_says_who_made_it_and_what_it_needs(root, recwarn, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    loaded = minari.load_dataset("jumppad/hdf5-v0")
    metadata = loaded.storage.metadata
    assert metadata["author"] == {"The jumppad authors"} and "agents.dataset export" in metadata["code_permalink"]
    assert metadata["requirements"] == [f"jumppad=={jumppad_env.__version__}"]
    loaded.recover_environment().close()
    assert not [warning for warning in recwarn if "requirement" in str(warning.message)]


def brighter(columns):
    columns["observations"][3] = columns["observations"][3] ^ 1


def rewarded(columns):
    columns["rewards"][3] = 1.0


def other_actions(columns):
    columns["actions"] = columns["actions"][::-1]


def no_last_frame(columns):
    columns["observations"].pop()


def impossible_action(columns):
    columns["actions"][2] = np.full(16, 2)


def other_size(columns):
    columns["observations"] = [frame[1:] for frame in columns["observations"]]


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        ({"change": brighter}, "differs from the stored one"),
        ({"change": rewarded}, "differs from the stored one"),
        ({"change": other_actions}, "differs from the stored one"),
        ({"change": other_actions, "jpeg": True}, "differs from the stored one"),
        ({"change": no_last_frame}, r"12 actions, and observations, rewards, ends: \(12, 12, 12\)"),
        ({"change": impossible_action}, "out of range"),
        ({"change": other_size}, r"episode 0 has observations \(39, 48, 3\)"),
        ({"seeds": (5, -1)}, r"episode 1 has seed -1 and options None; record it again"),
        ({"seeds": (5, None)}, "episode 1 holds neither states nor a seed"),
        ({"wrapper": DiscreteGamepad}, r"actions Discrete\(10\), expected MultiDiscrete"),
        ({"observation": "state"}, r"observations Box.*24,.*expected Box\(0, 255, \(height, width, 3\), uint8\)"),
        ({"wrapper": gymnasium.wrappers.GrayscaleObservation}, "expected Box"),
    ],
)
def test_what_cannot_be_played_again_is_refused(local, tmp_path, recording, message):
    record("others/random-v0", **recording)
    with pytest.raises(ValueError, match=message) as caught:
        import_minari("others/random-v0", tmp_path / "d")
    assert "\n" not in str(caught.value) and not list(tmp_path.glob("*d*"))[1:]
    assert not (tmp_path / "d").exists()


def test_only_recordings_of_this_environment_are_played_again(local, tmp_path):
    record("others/random-v0")
    path = local / "others/random-v0/data/metadata.json"
    metadata = json.loads(path.read_text())
    metadata["env_spec"] = metadata["env_spec"].replace("Jumppad-v0", "Elsewhere-v3")
    path.write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="recorded in Elsewhere-v3"):
        import_minari("others/random-v0", tmp_path / "d")
    del metadata["env_spec"]
    path.write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="an unnamed environment"):
        import_minari("others/random-v0", tmp_path / "d")


def test_the_environment_that_a_file_names_is_never_made(local, tmp_path):
    record("others/random-v0")
    path = local / "others/random-v0/data/metadata.json"
    metadata = json.loads(path.read_text())
    metadata["env_spec"] = metadata["env_spec"].replace("jumppad_env.env:JumppadEnv", "builtins:exit")
    path.write_text(json.dumps(metadata))
    assert import_minari("others/random-v0", tmp_path / "d") == 24
    del metadata["action_space"]
    path.write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="lacks action_space"):
        import_minari("others/random-v0", tmp_path / "e")


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def other_buttons(data):
    with h5py.File(data / "main_data.hdf5", "a") as file:
        file["episode_0/actions"][0] = 200  # pyright: ignore[reportIndexIssue]


def first_arrow(data):
    return sorted(data.glob("2/*.arrow"))[0]


@pytest.mark.parametrize(
    ("data_format", "damage", "said"),
    [
        ("hdf5", lambda data: cut(data / "main_data.hdf5"), "truncated"),
        ("hdf5", lambda data: (data / "main_data.hdf5").write_bytes(b"no such format"), "signature"),
        ("hdf5", other_buttons, "out of range"),
        ("hdf5", lambda data: cut(data / "metadata.json"), "Unterminated|Expecting"),
        ("hdf5", lambda data: (data / "metadata.json").unlink(), "No such file"),
        ("arrow", lambda data: cut(first_arrow(data)), "Arrow|IPC"),
        ("arrow", lambda data: first_arrow(data).unlink(), "episode 2 is missing"),
        ("arrow", lambda data: (data / "3/metadata.json").unlink(), "No such file"),
        ("arrow", lambda data: (data / "3/metadata.json").write_text('{"seed": 3}'), "character"),
    ],
)
def test_damage_gets_one_clear_error_and_leaves_nothing(root, tmp_path, data_format, damage, said):
    shutil.copytree(root / "jumppad" / f"{data_format}-v0", tmp_path / "root" / "copy-v0")
    damage(tmp_path / "root" / "copy-v0" / "data")
    with pytest.raises(ValueError, match=f"damaged or cannot be read .*({said})") as caught:
        import_minari("copy-v0", tmp_path / "d", tmp_path / "root")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


@pytest.mark.parametrize("dataset_id", ["human", "jumppad/human", "human-v", "../human-v0", "", "a b-v0"])
def test_ids_that_minari_trips_over_are_refused(demonstrations, tmp_path, dataset_id):
    for exchange in (
        lambda: export_minari(demonstrations, dataset_id, tmp_path),
        lambda: import_minari(dataset_id, tmp_path / "d", tmp_path),
    ):
        with pytest.raises(ValueError, match=r"use \[namespace/\]name-vN"):
            exchange()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_what_is_missing_is_named(demonstrations, root, tmp_path):
    with pytest.raises(ValueError, match="hdf5-v0 exists"):
        export_minari(demonstrations, "jumppad/hdf5-v0", root)
    with pytest.raises(ValueError, match="exists"):
        import_minari("jumppad/hdf5-v0", tmp_path, root)
    with pytest.raises(ValueError, match="minari download jumppad/hdf5-v1"):
        import_minari("jumppad/hdf5-v1", tmp_path / "d", root)


def test_a_dataset_without_frames_is_refused(demonstrations, tmp_path):
    bare = dataclasses.replace(demonstrations.trajectory(0), frames=None)
    write_dataset(tmp_path / "bare", [bare], seed=0, description={"goals": GOALS})
    with pytest.raises(ValueError, match="needs frames"):
        export_minari(Dataset(tmp_path / "bare"), "bare-v0", tmp_path / "root")
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("name", ["minari", "h5py"])
def test_missing_packages_are_named(demonstrations, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=rf"needs {name}: pip install .*\[exchange\]"):
        export_minari(demonstrations, "human-v0", tmp_path)
    assert list(tmp_path.iterdir()) == []
