"""Datasets: round trips, reproducibility, faults."""

import json
import os
import shutil
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.demonstrator import Crowd
from agents.population import HUMAN
from agents.rollout import make_envs, rollout
from jumppad_env.drawing import Painter
from jumppad_env.env import JumppadEnv

SIZE = (16, 16)


def played(count: int, parallel: int = 8, image_size=SIZE) -> list:
    envs = make_envs(parallel, image_size)
    try:
        return list(rollout(envs, Crowd(HUMAN, parallel), range(100, 100 + count)))
    finally:
        envs.close()


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "demonstrations"
    collect(CollectConfig(episodes=10, image_size=SIZE, seed=3), directory)
    return directory


def test_episodes_do_not_depend_on_how_many_are_played_at_a_time():
    for one, many in zip(played(7, parallel=1), played(7, parallel=5), strict=True):
        assert np.array_equal(one.states, many.states) and np.array_equal(one.frames, many.frames)
        assert (one.pad, one.mode, one.fell, one.seed) == (many.pad, many.mode, many.fell, many.seed)


def test_what_is_written_is_read(tmp_path):
    trajectories = played(5)
    write_dataset(tmp_path / "d", trajectories, seed=0, description={})
    dataset = Dataset(tmp_path / "d")
    assert len(dataset) == 5
    for index, trajectory in enumerate(trajectories):
        read = dataset.trajectory(index)
        for name in ("actions", "states", "frames"):
            assert np.array_equal(getattr(read, name), getattr(trajectory, name))
        assert (read.seed, read.mode, read.pad, read.fell) == (
            trajectory.seed,
            trajectory.mode,
            trajectory.pad,
            trajectory.fell,
        )


def test_the_same_seed_collects_the_same_bytes(collected, tmp_path):
    collect(CollectConfig(episodes=10, image_size=SIZE, seed=3), tmp_path / "again")
    names = sorted(path.name for path in collected.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    for name in names:
        assert (collected / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    collect(CollectConfig(episodes=10, image_size=SIZE, seed=4), tmp_path / "other")
    assert (collected / "actions.npy").read_bytes() != (tmp_path / "other" / "actions.npy").read_bytes()


def test_variety_changes_the_frames_and_nothing_else(collected, tmp_path):
    collect(CollectConfig(episodes=10, image_size=SIZE, seed=3, variety="high"), tmp_path / "varied")
    plain, varied = Dataset(collected), Dataset(tmp_path / "varied")
    assert np.array_equal(plain.actions, varied.actions) and np.array_equal(plain.states, varied.states)
    assert plain.frames is not None and varied.frames is not None
    assert (plain.frames != varied.frames).any(axis=(1, 2, 3)).all()
    assert json.loads((tmp_path / "varied" / "manifest.json").read_text())["environment"]["variety"] == "high"
    painter = Painter(*SIZE, variety="high")
    for row in range(0, len(varied.states), 97):  # a stored state is drawn under its look again
        assert np.array_equal(painter.draw_one(plain.states[row], "rider"), varied.frames[row])
    painter.close()


def test_stored_episodes_replay_in_the_single_environment(collected):
    dataset = Dataset(collected)
    env = gymnasium.make("Jumppad-v0", image_size=SIZE)
    assert isinstance(env.unwrapped, JumppadEnv)
    for index in range(3):
        trajectory = dataset.trajectory(index)
        assert trajectory.frames is not None
        observation, _ = env.reset(seed=trajectory.seed)
        for step, action in enumerate(trajectory.actions):
            assert np.array_equal(env.unwrapped.get_state(), trajectory.states[step])
            assert np.array_equal(observation, trajectory.frames[step])
            observation, _, terminated, truncated, info = env.step(action)
        assert (terminated or truncated) and info["pad"] == trajectory.pad
    env.close()


def test_a_state_dataset_has_no_frames(tmp_path):
    collect(CollectConfig(episodes=3, image_size=None), tmp_path / "d")
    dataset = Dataset(tmp_path / "d")
    assert dataset.frames is None and dataset.trajectory(0).frames is None


def test_the_curated_set_has_equal_numbers_of_direct_runs(tmp_path):
    collect(CollectConfig(episodes=12, population="curated", image_size=None), tmp_path / "d")
    modes = Dataset(tmp_path / "d").episodes["mode"].tolist()
    assert sorted(modes) == sorted(["direct_left", "direct_middle", "direct_right"] * 4)


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path, collected):
    with pytest.raises(ValueError, match="exists"):
        collect(CollectConfig(episodes=3, image_size=None), collected)

    def broken():
        yield from played(2, image_size=None)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_dataset(tmp_path / "d", broken(), seed=0, description={})
    assert list(tmp_path.iterdir()) == []


def damage(directory, name, change):
    path = directory / name
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("frames.npy", lambda b: b[: len(b) // 2], "truncated"),
        ("actions.npy", lambda b: b[:50], "truncated"),
        ("episodes.npy", lambda b: b"\x80\x04not numpy", "truncated"),
        ("manifest.json", lambda b: b[: len(b) // 2], "damaged"),
        ("manifest.json", lambda b: b.replace(b'"format": 1', b'"format": 9'), "version 9"),
        ("manifest.json", lambda b: b.replace(b'"dataset"', b'"policy"'), "not a dataset"),
        ("manifest.json", lambda b: json.dumps({**json.loads(b), "steps": 5}).encode(), "expected"),
    ],
)
def test_damage_gets_one_clear_error(collected, tmp_path, name, change, message):
    copy = tmp_path / "copy"
    shutil.copytree(collected, copy)
    damage(copy, name, change)
    with pytest.raises(ValueError, match=message):
        Dataset(copy)


def test_a_missing_file_or_dataset_is_named(collected, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"agents\.collect"):
        Dataset(tmp_path / "nothing")
    shutil.copytree(collected, tmp_path / "copy")
    (tmp_path / "copy" / "states.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"states\.npy"):
        Dataset(tmp_path / "copy")


def test_pickles_are_never_loaded(collected, tmp_path):
    shutil.copytree(collected, tmp_path / "copy")
    np.save(tmp_path / "copy" / "episodes.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="episodes"):
        Dataset(tmp_path / "copy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--population", "martians"], "unknown"),
        (["--episodes", "0"], "at least 1"),
        (["--population", "curated", "--episodes", "10"], "multiple of 3"),
        (["--character", "ghost"], "unknown"),
    ],
)
def test_wrong_options_end_in_one_line_and_exit_code_2(tmp_path, arguments, message):
    command = [sys.executable, "-m", "agents.collect", str(tmp_path / "d"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"})
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "d").exists()
