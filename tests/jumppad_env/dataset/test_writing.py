"""Writing datasets: nothing half-written, nothing lost, nothing overwritten."""

import dataclasses
import json
import os
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.dataset import Trajectory, write_dataset
from jumppad_env.dataset.format import EPISODE, GrowingArray, whole_rows
from jumppad_env.dataset.writing import EpisodeLog, Unfinished
from jumppad_env.files import is_finished


def episode(seed: int, length: int = 20, **keywords) -> Trajectory:
    """Somebody runs straight on."""
    env = gymnasium.make("JumppadState-v0")
    env.reset(seed=seed)
    actions, states = np.tile(gamepad.NEUTRAL, (length, 1)).astype(np.uint8), []
    actions[:, gamepad.LEFT_Y] = 10
    for action in actions:
        states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
        env.step(action)
    env.close()
    values = {"character": "rider", "mode": "", "pad": -1, "fell": False, "frames": None, **keywords}
    return Trajectory(seed=seed, actions=actions, states=np.array(states), **values)


ASKED = {"seed": 0, "population": "test", "environment": {"id": "Jumppad-v0"}}


def write(directory, episodes, stop=None, **keywords):
    """Writes episodes that are not there yet; stops like a killed process before number `stop`."""
    with Unfinished(directory, ASKED) as work:
        if work.manifest is None:
            fill(work, episodes, stop, **keywords)


def fill(work, episodes, stop, **keywords):
    with EpisodeLog(work.path, **keywords) as log:
        for number in range(len(log.seeds), len(episodes)):
            if number == stop:
                raise KeyboardInterrupt
            log.append(episodes[number])
        work.finish(log.finish())


@pytest.fixture(scope="module")
def episodes():
    return [episode(seed, 10 + seed, goals=np.full(10 + seed, seed % 2, np.uint8)) for seed in range(6)]


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_growing_array_is_an_array_of_numpy(tmp_path):
    array = GrowingArray(tmp_path / "a.npy", np.dtype(np.float64), (3,))
    for rows in (np.ones((2, 3)), np.ones((0, 3)), np.zeros((5, 3))):
        array.append(rows)
    array.finish()
    loaded = np.load(tmp_path / "a.npy")
    assert loaded.shape == (7, 3) and loaded[:2].all() and not loaded[2:].any()


def test_a_growing_array_goes_on_after_the_rows_that_are_kept(tmp_path):
    path = tmp_path / "a.npy"
    array = GrowingArray(path, np.dtype(np.uint8), (4,))
    array.append(np.full((3, 4), 7, np.uint8))
    array.close()
    with path.open("ab") as file:
        file.write(b"ab")  # a part of a row
    assert whole_rows(path, np.dtype(np.uint8), (4,)).shape == (3, 4)
    array = GrowingArray(path, np.dtype(np.uint8), (4,), rows=2)
    array.append(np.full((1, 4), 9, np.uint8))
    array.finish()
    assert np.load(path).tolist() == [[7] * 4, [7] * 4, [9] * 4]


@pytest.mark.parametrize("stop", [0, 1, 3, 5])
def test_an_interrupted_dataset_goes_on_and_ends_in_the_same_bytes(tmp_path, episodes, stop):
    write(tmp_path / "whole", episodes, goals=("stay", "go"))
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "cut", episodes, stop, goals=("stay", "go"))
    assert not is_finished(tmp_path / "cut")
    write(tmp_path / "cut", episodes, goals=("stay", "go"))
    assert contents(tmp_path / "whole") == contents(tmp_path / "cut")
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "cut"}


def test_an_episode_whose_data_is_not_all_there_is_played_again(tmp_path, episodes):
    write(tmp_path / "whole", episodes, goals=("stay", "go"))
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "cut", episodes, 4, goals=("stay", "go"))
    states = tmp_path / "cut" / "states.npy"
    os.truncate(states, states.stat().st_size - 100)  # as after a power cut
    with Unfinished(tmp_path / "cut", ASKED) as work, EpisodeLog(work.path, ("stay", "go")) as log:
        assert log.seeds == [0, 1, 2]
    write(tmp_path / "cut", episodes, goals=("stay", "go"))
    assert contents(tmp_path / "whole") == contents(tmp_path / "cut")


def test_a_finished_dataset_is_kept_and_other_options_are_refused(tmp_path, episodes):
    write(tmp_path / "d", episodes, goals=("stay", "go"))
    before = contents(tmp_path / "d")
    with pytest.raises(ValueError, match="exists and is a dataset with other options: seed 0 there, 1 requested"):
        with Unfinished(tmp_path / "d", {**ASKED, "seed": 1}):
            pass
    (tmp_path / "d" / "begun.json").write_text("{}")  # killed between the manifest and the end
    with Unfinished(tmp_path / "d", ASKED) as work:
        assert work.manifest is not None
    assert contents(tmp_path / "d") == before


def test_other_options_are_refused_and_what_is_there_stays(tmp_path, episodes):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "d", episodes, 3, goals=("stay", "go"))
    with pytest.raises(ValueError, match="seed 0 there, 1 requested"), Unfinished(tmp_path / "d", {**ASKED, "seed": 1}):
        pass
    with pytest.raises(ValueError, match="unfinished dataset"):
        write_dataset(tmp_path / "d", episodes, seed=0, description={})
    with Unfinished(tmp_path / "d", ASKED) as work, EpisodeLog(work.path) as log:
        assert log.seeds == [0, 1, 2]


def test_two_processes_do_not_write_one_dataset(tmp_path):
    code = (
        "import sys; from jumppad_env.dataset.writing import Unfinished\n"
        f"with Unfinished({str(tmp_path / 'd')!r}, {ASKED!r}): pass"
    )
    with Unfinished(tmp_path / "d", ASKED):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "another process" in done.stderr
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_damaged_beginning_is_named(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "begun.json").write_text("{")
    with pytest.raises(ValueError, match=r"begun\.json is damaged"), Unfinished(tmp_path / "d", ASKED):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "m" * 65}, "mode .* too long"),
        ({"style": "s" * 25}, "style .* too long"),
        ({"goals": np.full(20, 2, np.uint8)}, "goal 2 has no name"),
        ({"goals": np.zeros(20, np.uint8)}, "those before it"),
        ({"frames": np.zeros((20, 8, 8, 3), np.uint8)}, "those before it"),
    ],
)
def test_an_episode_that_does_not_fit_is_refused_and_the_others_stay(tmp_path, change, message):
    good = episode(1)
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "d", [good, dataclasses.replace(good, **change)], goals=("stay", "go"))
    write(tmp_path / "d", [good], goals=("stay", "go"))
    assert json.loads((tmp_path / "d" / "manifest.json").read_text())["episodes"] == 1


def test_what_the_columns_of_an_episode_hold(tmp_path):
    write(tmp_path / "d", [episode(3, mode="m", pad=1, fell=True, person=4, skill=0.5, style="fast")])
    (row,) = np.load(tmp_path / "d" / "episodes.npy")
    look = row["look"]
    assert 0 < look < 2**32 and 0 <= row["spawn"] < 4
    assert row.tolist() == (0, 20, 3, row["spawn"], look, "rider", "m", 1, True, 4, 0.5, "fast")
    assert row.dtype == EPISODE


def test_a_dataset_needs_an_episode(tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        write_dataset(tmp_path / "d", [], seed=0, description={})
    assert not list(tmp_path.iterdir())


def test_goals_are_one_byte_per_step():
    with pytest.raises(ValueError, match="goals must be uint8"):
        episode(0, goals=np.zeros(19, np.uint8))
    with pytest.raises(ValueError, match="goals must be uint8"):
        episode(0, goals=np.zeros(20, np.int64))


@pytest.mark.parametrize("place", [".", "/", "", "..", "./"])
def test_a_place_without_a_name_exists(place):
    with pytest.raises(ValueError, match=r"^\S+ exists and is no unfinished dataset .*; choose another place"):
        write(place, [])
