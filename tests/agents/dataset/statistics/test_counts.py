"""Counts of a dataset equal those taken one by one."""

from pathlib import Path

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.dataset.statistics.counts import MOST_MODES, OTHER, count_dataset, evenly
from agents.population.modes import GOALS
from jumppad_env import gamepad
from jumppad_env.dataset import Trajectory

EPISODES = 60


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "people"
    collect(CollectConfig(episodes=EPISODES, image_size=None, seed=1), path)
    return path


def trajectories(directory: Path) -> list[Trajectory]:
    dataset = Dataset(directory)
    return [dataset.trajectory(index) for index in range(len(dataset))]


def test_sticks_and_presses_are_counted_over_all_blocks(directory, monkeypatch):
    monkeypatch.setattr("agents.dataset.statistics.counts.BLOCK", 7)
    counts, played = count_dataset(Dataset(directory)), trajectories(directory)
    for axis in range(len(gamepad.AXES)):
        for bucket in range(gamepad.BUCKETS):
            assert counts.sticks[axis, bucket] == sum(int((t.actions[:, axis] == bucket).sum()) for t in played)
    for button in range(len(gamepad.BUTTONS)):
        presses = 0
        for trajectory in played:
            before = 0
            for now in trajectory.actions[:, len(gamepad.AXES) + button].tolist():
                presses += now > before
                before = now
        assert counts.presses[button] == presses


def test_a_button_that_is_down_when_an_episode_begins_goes_down_there(directory, tmp_path):
    first = trajectories(directory)[0]
    actions = np.tile(gamepad.NEUTRAL, (len(first), 1))
    actions[:, gamepad.X] = 1
    write_dataset(
        tmp_path / "d", [Trajectory(**{**vars(first), "actions": actions})] * 3, seed=0, description={"goals": GOALS}
    )
    counts = count_dataset(Dataset(tmp_path / "d"))
    assert counts.presses[gamepad.X - len(gamepad.AXES)] == 3 == counts.presses.sum()


def test_many_modes_are_put_together(directory, tmp_path):
    modes = [f"mode {index // 2}" for index in range(50)] + ["idle"] * 10
    played = [Trajectory(**{**vars(t), "mode": mode}) for t, mode in zip(trajectories(directory), modes, strict=True)]
    write_dataset(tmp_path / "d", played, seed=0, description={"goals": GOALS})
    counts = count_dataset(Dataset(tmp_path / "d"))
    assert len(counts.modes) == MOST_MODES + 1
    assert counts.modes[0].name == "idle" and counts.modes[-1].name == OTHER
    indices = np.concatenate([mode.indices for mode in counts.modes])
    assert np.array_equal(np.sort(indices), np.arange(EPISODES))


def test_an_even_sample_keeps_ends_and_order():
    assert evenly(np.arange(5), 5).tolist() == [0, 1, 2, 3, 4]
    chosen = evenly(np.arange(1000), 11)
    assert len(chosen) == 11 and chosen[0] == 0 and chosen[-1] == 999 and (np.diff(chosen) > 90).all()


def test_a_stick_where_there_is_no_bucket_is_refused(directory, tmp_path):
    first = trajectories(directory)[0]
    actions = first.actions.copy()
    actions[3, 1] = gamepad.BUCKETS
    write_dataset(
        tmp_path / "d", [Trajectory(**{**vars(first), "actions": actions})], seed=0, description={"goals": GOALS}
    )
    with pytest.raises(ValueError, match="bucket 11, expected 0 to 10"):
        count_dataset(Dataset(tmp_path / "d"))
