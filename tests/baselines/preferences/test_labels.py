"""What preferences are about: on trajectories made by hand, and on people's."""

import sys
from typing import Any

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.targets import Target
from baselines.preferences.comparisons import load_comparisons, ranking
from baselines.preferences.labels import LABELS, camera, first, label, load_label, pad, speed
from baselines.preferences.synthetic import PreferencesConfig, preferences
from jumppad_env.dataset import Trajectory
from jumppad_env.gamepad import AXES, CENTER, FACTORS
from jumppad_env.rules import PADS
from jumppad_env.world import STATE

LEFT = Target(("left",))


def trajectory(pad=-1, touched=None, left: Any = CENTER, **columns):
    """An episode of 10 steps with these columns of the state; `left` are buckets of the left stick's x."""
    actions = np.zeros((10, FACTORS), np.uint8)
    actions[:, : len(AXES)] = CENTER
    actions[:, 0] = left
    states = np.zeros((10, len(STATE)))
    states[:, STATE.index("pad")] = -1
    if touched is not None:
        states[touched:, STATE.index("pad")] = pad
    for name, values in columns.items():
        states[:, STATE.index(name)] = values
    known = {"seed": 0, "character": "rider", "mode": "", "pad": pad, "fell": False}
    return Trajectory(**known, actions=actions, states=states, frames=None)


def test_camera_is_minus_its_mean_speed():
    turning = 0.05 * np.arange(10)  # 0.05 rad in 0.1 s
    for direction, expected in ((1, -0.5), (-1, -0.5), (0, 0.0)):
        assert LABELS["camera"](trajectory(camera_yaw=direction * turning), None) == pytest.approx(expected)


def test_stick_is_minus_how_far_it_moves_from_step_to_step():
    nervous = np.where(np.arange(10) % 2, 10, 0)  # from -1 to 1 at every step
    assert LABELS["stick"](trajectory(left=nervous), None) == pytest.approx(-2.0)
    assert LABELS["stick"](trajectory(left=10), None) == 0


def test_speed_is_that_of_the_run_and_not_of_the_flight():
    fast = np.where(np.arange(10) < 4, 5.0, 100.0)
    assert LABELS["speed"](trajectory(pad=1, touched=4, vx=0.6 * fast, vy=-0.8 * fast), None) == pytest.approx(5.0)


def test_labels_of_a_dataset(people):
    dataset = Dataset(people)
    for target in range(len(PADS)):
        reached = [dataset.trajectory(index).pad == target for index in range(len(dataset))]
        assert label(dataset, "pad", Target((PADS[target],))).tolist() == reached and any(reached)
    for what, measure in LABELS.items():
        values = label(dataset, what, LEFT)
        assert values.tolist() == [measure(dataset.trajectory(index), LEFT) for index in range(len(dataset))]
        if what != "pad":
            assert np.ptp(values) > 0.1, "people differ"
            assert np.array_equal(values, label(dataset, what, Target(("right",)))), (
                "behavior has nothing to do with the target"
            )


def test_without_a_target_no_pad_is_reached():
    assert (
        pad(trajectory(pad=1), Target(("middle",))) == 1.0
        and pad(trajectory(pad=1), LEFT) == 0.0
        and pad(trajectory(), None) == 0.0
    )


def test_the_second_label_decides_where_the_first_is_equal():
    calm_left = first(pad, then=camera)
    turning = 0.05 * np.arange(10)
    order = [trajectory(pad=2, camera_yaw=turning), trajectory(pad=2), trajectory(pad=0, camera_yaw=turning)]
    order.append(trajectory(pad=0))
    values = [calm_left(episode, LEFT) for episode in order]
    assert values == sorted(values) and len(set(values)) == 4
    assert first(calm_left, then=speed)(trajectory(vx=3.0), LEFT) == (0.0, 0.0, 3.0)


MODULE = """
from baselines.preferences.labels import camera, first, pad

calm_left = first(pad, then=camera)
number = 3


def seed(trajectory, target):
    return trajectory.seed % 3


def nothing(trajectory, target):
    return float("nan")


def ragged(trajectory, target):
    return (1.0,) * (1 + trajectory.seed % 2)
"""


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A dataset of people."""
    directory = tmp_path_factory.mktemp("datasets") / "people"
    collect(CollectConfig(episodes=200, population="human", image_size=None), directory)
    return directory


@pytest.fixture(autouse=True)
def own_modules(tmp_path, monkeypatch):
    """Modules of one's own that Python finds."""
    (tmp_path / "my_labels.py").write_text(MODULE)
    (tmp_path / "my_broken.py").write_text("import nothing_like_that")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("my_labels", "my_broken"):
        sys.modules.pop(name, None)


def test_labels_of_a_module_of_ones_own(people, tmp_path):
    dataset = Dataset(people)
    assert label(dataset, "my_labels:seed", LEFT).tolist() == (np.asarray(dataset.episodes["seed"]) % 3).tolist()
    config = PreferencesConfig(label="my_labels:calm_left", comparisons=300, held_out=200)
    preferences(config, people, tmp_path / "out")
    at_left = np.asarray(dataset.episodes["pad"]) == 0
    cameras = label(dataset, "camera", LEFT)
    pairs = load_comparisons(tmp_path / "out", "train", Dataset(people))
    assert pairs.kind is not None and set(pairs.kind) == {"pad", "camera"}
    by_pad = pairs.kind == "pad"
    assert (at_left[pairs.chosen] & ~at_left[pairs.rejected])[by_pad].all()
    assert (at_left[pairs.chosen] == at_left[pairs.rejected])[~by_pad].all()
    assert (cameras[pairs.chosen] > cameras[pairs.rejected])[~by_pad].all()

    held_out = load_comparisons(tmp_path / "out", "held_out", dataset)
    found = ranking(held_out, at_left[held_out.chosen] + 0.0, at_left[held_out.rejected] + 0.0)
    assert found["by_kind"]["pad"]["accuracy"] == 1.0 and found["by_kind"]["camera"]["accuracy"] == 0.0
    assert sum(kind["pairs"] for kind in found["by_kind"].values()) == 200


def test_comparisons_of_a_simple_label_hold_what_they_always_held(people, tmp_path):
    preferences(PreferencesConfig(comparisons=20, held_out=20), people, tmp_path / "out")
    with np.load(tmp_path / "out" / "comparisons.npz") as arrays:
        assert set(arrays) == {f"{part}_{side}" for part in ("train", "held_out") for side in ("chosen", "rejected")}
    pairs = load_comparisons(tmp_path / "out", "train", Dataset(people))
    assert pairs.kind is None and "by_kind" not in ranking(pairs, np.ones(20), np.zeros(20))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wind", "'wind' is unknown; choose one of pad, camera, stick, speed, or module:name"),
        ("my_labels:", "unknown"),
        ("my_nowhere:seed", "importing my_nowhere failed .*run from the folder of my_nowhere.py"),
        ("my_broken:seed", "importing my_broken failed .*nothing_like_that"),
        ("my_labels:absent", "my_labels has no function absent"),
        ("my_labels:number", "my_labels has no function number"),
    ],
)
def test_labels_that_do_not_exist_are_refused_at_once(name, said):
    with pytest.raises(ValueError, match=said):
        PreferencesConfig(label=name)
    with pytest.raises(ValueError, match=said):
        load_label(name)


@pytest.mark.parametrize(("name", "said"), [("nothing", "gives nan for the episode of seed"), ("ragged", "lengths")])
def test_values_that_cannot_be_compared_are_refused(people, name, said):
    with pytest.raises(ValueError, match=said):
        label(Dataset(people), f"my_labels:{name}", LEFT)
