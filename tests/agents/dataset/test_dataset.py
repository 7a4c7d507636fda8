"""Collecting and reading datasets: round trips, reproducibility, faults."""

import dataclasses
import json
import math
import os
import shutil
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.dataset.verification import verify
from agents.population import HUMAN
from agents.population.demonstrator import Crowd, Demonstrator
from agents.population.modes import GOALS
from agents.rollout import make_envs, rollout
from jumppad_env.drawing import Painter
from jumppad_env.env import JumppadEnv
from jumppad_env.files import seal
from jumppad_env.streams import integer_seed
from jumppad_env.world import STATE

SIZE = (16, 16)


def played(count: int, parallel: int = 8, image_size=SIZE, seed: int | None = 100) -> list:
    """Episodes of the seeds from `seed` on; None: those that `collected` holds."""
    seeds = [integer_seed(3, "collect human", index) if seed is None else seed + index for index in range(count)]
    envs = make_envs(parallel, image_size)
    try:
        return list(rollout(envs, Crowd(HUMAN, parallel), seeds))
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
    write_dataset(tmp_path / "d", trajectories, seed=0, description={"goals": GOALS})
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


def test_states_are_plain_rows_that_are_mapped_and_not_copied(collected):
    dataset = Dataset(collected)
    assert dataset.manifest["states"] == {"columns": list(STATE)} and dataset.state_columns == STATE
    assert isinstance(dataset.states, np.memmap) and np.array_equal(dataset.states, np.load(collected / "states.npy"))
    assert dataset.states.shape == (dataset.manifest["steps"], len(STATE)) and dataset.states.dtype == np.float64
    for index in range(len(dataset)):
        states = dataset.trajectory(index).states
        assert np.shares_memory(states, dataset.states) and not states.flags.writeable
        assert np.array_equal(states, dataset.states[dataset.rows(index)])


def test_ground_truth_is_written_and_read(tmp_path):
    told = {"person": 7, "skill": 0.25, "style": "careful"}
    known = [
        dataclasses.replace(trajectory, goals=np.arange(len(trajectory), dtype=np.uint8) % 3, **told)
        for trajectory in played(3, image_size=None)
    ]
    write_dataset(tmp_path / "d", known, seed=0, description={"goals": ["a", "b", "c"]})
    dataset = Dataset(tmp_path / "d")
    assert dataset.manifest["goals"] == ["a", "b", "c"] and dataset.goals is not None
    for index, trajectory in enumerate(known):
        read = dataset.trajectory(index)
        assert read.goals is not None and np.array_equal(read.goals, trajectory.goals)
        assert {name: getattr(read, name) for name in told} == told
    assert dataset.episodes["look"].tolist() == [trajectory.states[0, -1] for trajectory in known]


def test_collected_people_are_known(collected):
    dataset = Dataset(collected)
    played_again = played(10, seed=None)
    assert dataset.manifest["goals"] == list(GOALS)
    for index, trajectory in enumerate(played_again):
        read = dataset.trajectory(index)
        assert read.person == trajectory.person >= 0 and read.skill == trajectory.skill
        assert read.goals is not None and np.array_equal(read.goals, trajectory.goals)


def test_what_nobody_knows_is_not_there(tmp_path):
    unknown = [dataclasses.replace(each, person=-1, skill=math.nan, goals=None) for each in played(2, image_size=None)]
    write_dataset(tmp_path / "d", unknown, seed=0, description={"goals": GOALS})
    dataset = Dataset(tmp_path / "d")
    assert dataset.goals is None and "goals" not in dataset.manifest and not (tmp_path / "d" / "goals.npy").exists()
    read = dataset.trajectory(0)
    assert read.person == -1 and math.isnan(read.skill) and read.style == ""


def test_favorites_are_played_by_those_who_like_them(tmp_path):
    collect(CollectConfig(episodes=12, image_size=SIZE, seed=3, character="favorite"), tmp_path / "d")
    dataset = Dataset(tmp_path / "d")
    characters = dataset.episodes["character"].tolist()
    people = [Demonstrator(HUMAN, int(seed)).person for seed in dataset.episodes["seed"]]
    assert characters == [person.favorite for person in people] and len(set(characters)) > 1
    assert dataset.manifest["favorites"] and dataset.manifest["environment"]["character"] == "random"
    assert verify(tmp_path / "d", frames=20, threads=1)[0] == []


def test_a_step_takes_about_two_hundred_bytes(tmp_path):
    """So that 10,000 episodes of 85 steps take less than 170 MB."""
    steps = collect(CollectConfig(episodes=30, image_size=None), tmp_path / "d")
    size = sum(path.stat().st_size for path in (tmp_path / "d").iterdir()) - len(
        (tmp_path / "d" / "manifest.json").read_bytes()
    )
    assert 8 * len(STATE) < size / steps < 200


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path, collected):
    with pytest.raises(ValueError, match="exists"):
        collect(CollectConfig(episodes=3, image_size=None), collected)

    def broken():
        yield from played(2, image_size=None)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="no space left while writing"):
        write_dataset(tmp_path / "d", broken(), seed=0, description={"goals": GOALS})
    assert list(tmp_path.iterdir()) == []


def damage(directory, name, change):
    path = directory / name
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("frames.npy", lambda b: b[: len(b) // 2], "frames.npy is truncated"),
        ("states.npy", lambda b: b[:-1], "states.npy is truncated"),
        ("actions.npy", lambda b: b.replace(b"|u1", b"|i1"), "expected uint8"),
        ("states.npy", lambda b: b.replace(b"False", b"True "), "not a valid NumPy file"),
        (
            "episodes.npy",
            lambda b: b.replace(b"r\0\0\0i\0\0\0d\0\0\0", b"r\0\0\0i\0\0\0p\0\0\0"),
            "impossible character",
        ),
        ("actions.npy", lambda b: b[:50], "truncated"),
        ("episodes.npy", lambda b: b"\x80\x04not numpy", "truncated"),
        ("manifest.json", lambda b: b[: len(b) // 2], "damaged"),
        ("manifest.json", lambda b: b.replace(b'"format": 3', b'"format": 9'), "version 9.*it is newer; update"),
        ("manifest.json", lambda b: b.replace(b'"format": 3', b'"format": 2'), "version 2.*it is older; make it again"),
        (
            "manifest.json",
            lambda b: b.replace(b'"camera_tilt"', b'"camera_roll"'),
            "columns of its states do not begin",
        ),
        (
            "manifest.json",
            lambda b: seal({**json.loads(b), "states": {"columns": [*STATE, "level"]}}).encode(),
            r"states.npy is '<f8' \(\d+, 22\), expected float64 \(\d+, 23\)",
        ),
        ("manifest.json", lambda b: b.replace(b'"actions.npy"', b'"../actions.npy"'), "damaged"),
        ("manifest.json", lambda b: b.replace(b'"dataset"', b'"policy"'), "not a dataset"),
        ("manifest.json", lambda b: seal({**json.loads(b), "steps": 5}).encode(), "expected"),
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
        (["--variety", "pink"], "unknown"),
        (["--image-size", "4", "4"], "from 8 to 2048"),
        (["--workers", "0"], "at least 1"),
    ],
)
def test_wrong_options_end_in_one_line_and_exit_code_2(tmp_path, arguments, message):
    command = [sys.executable, "-m", "agents.collect", str(tmp_path / "d"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"})
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "d").exists()
