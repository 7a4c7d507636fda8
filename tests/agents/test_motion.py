"""Statistics of motion: known signals give known numbers, and people are told from a bot."""

import dataclasses

import numpy as np
import pytest

from agents import motion
from agents.collect import CollectConfig, collect
from jumppad_env import gamepad
from jumppad_env.dataset import Trajectory
from jumppad_env.island import load_island
from jumppad_env.world import STATE

X, Y, PAD, CAMERA_YAW = (STATE.index(name) for name in ("x", "y", "pad", "camera_yaw"))
CURATED_EPISODES = 120


def make(length: int, pad: int = -1, **columns) -> Trajectory:
    """A trajectory whose actions rest and whose states are zero but for some columns; PAD is -1 unless given."""
    states = np.zeros((length, len(STATE)))
    states[:, PAD] = -1
    for name, values in columns.items():
        states[:, STATE.index(name)] = values
    actions = np.tile(gamepad.NEUTRAL, (length, 1))
    return Trajectory(
        seed=0, character="rider", mode="", pad=pad, fell=False, actions=actions, states=states, frames=None
    )


@pytest.fixture(scope="module")
def people() -> list[Trajectory]:
    return motion.play("curated", CURATED_EPISODES, seed=3)


@pytest.fixture(scope="module")
def bots() -> list[Trajectory]:
    return motion.play("waypoint", CURATED_EPISODES, seed=3)


def test_deflections_are_those_of_the_buckets():
    trajectory = make(2)
    trajectory.actions[1, :4] = [0, 10, 6, 5]
    assert motion.sticks(trajectory).tolist() == [[0, 0, 0, 0], [-1.0, 1.0, 0.2, 0]]


def test_idle_is_neither_stick_nor_button():
    trajectory = make(4)
    trajectory.actions[1, gamepad.RIGHT_X] = 6
    trajectory.actions[2, gamepad.A] = 1
    assert motion.idle(trajectory).tolist() == [True, False, False, True]


def test_first_movement_is_the_left_sticks():
    trajectory = make(9)
    assert np.isnan(motion.first_movement(trajectory))
    trajectory.actions[2, gamepad.RIGHT_X] = 10
    trajectory.actions[5:, gamepad.LEFT_Y] = 10
    assert motion.first_movement(trajectory) == pytest.approx(0.5)


def test_release_counts_from_the_flights_first_frame():
    trajectory = make(10, pad=1)
    trajectory.states[4:, PAD] = 1
    trajectory.actions[:7, gamepad.LEFT_Y] = 10
    assert motion.played_steps(trajectory) == 4
    assert motion.release(trajectory) == pytest.approx(0.3)
    trajectory.actions[:, gamepad.LEFT_Y] = 10
    assert np.isnan(motion.release(trajectory))
    assert np.isnan(motion.release(make(10))), "nobody flew"


def test_autocorrelation_of_noise_of_a_wave_and_of_nothing():
    generator = np.random.default_rng(0)
    noise = motion.autocorrelation([generator.normal(size=100) for _ in range(200)], 5)
    assert noise[0] == pytest.approx(1) and np.abs(noise[1:]).max() < 0.03
    wave = motion.autocorrelation([np.cos(np.arange(100) * 2 * np.pi / 10)], 10)
    assert wave[5] == pytest.approx(-1, abs=0.02) and wave[10] == pytest.approx(1, abs=0.02)
    signals = []
    for _ in range(20):
        signal = np.zeros(1000)
        for step in range(1, 1000):
            signal[step] = 0.8 * signal[step - 1] + generator.normal()
        signals.append(signal)
    memory = motion.autocorrelation(signals, 2)
    assert memory[1:].tolist() == pytest.approx([0.8, 0.64], abs=0.03)
    assert np.isnan(motion.autocorrelation([np.ones(20)], 3)).all()


def test_the_spectrum_finds_a_wave_and_keeps_the_variance():
    times = np.arange(320) * motion.STEP
    frequencies, power = motion.spectrum([np.sin(2 * np.pi * 2.5 * times)])
    assert frequencies[power.argmax()] == 2.5
    assert frequencies[-1] == 5.0 and len(frequencies) == motion.WINDOW // 2
    width = frequencies[1] - frequencies[0]
    assert power.sum() * width == pytest.approx(0.5, rel=0.01), "a sine's variance"
    generator = np.random.default_rng(1)
    _, noise = motion.spectrum([generator.normal(size=3200) for _ in range(10)])
    assert noise[1:-1].max() / noise[1:-1].min() < 1.2, "white"
    assert noise[-1] == pytest.approx(noise[1:-1].mean() / 2, rel=0.1), "half a frequency's width"
    assert np.isnan(motion.spectrum([np.zeros(motion.WINDOW - 1)])[1]).all()


def test_the_camera_is_followed_across_the_turn():
    yaw = np.array([3.0, 3.1, -3.0831853071795865, -2.9831853071795864])  # pi lies between
    assert motion.camera_velocity(make(4, camera_yaw=yaw)) == pytest.approx([1.0, 1.0, 1.0])


def test_presses_are_counted_once_however_long_they_last():
    trajectory = make(12)
    trajectory.actions[[0, 1, 2, 5, 11], gamepad.X] = 1
    trajectory.actions[3, gamepad.A] = 1
    assert motion.presses(trajectory).sum(axis=0).tolist()[:4] == [1, 0, 3, 0]
    assert motion.press_intervals(trajectory) == pytest.approx([0.5, 0.6])


def test_a_stick_is_held_until_it_moves():
    trajectory = make(10)
    trajectory.actions[2:6, gamepad.LEFT_Y] = 10
    trajectory.actions[6:8, gamepad.LEFT_Y] = 9
    assert motion.held_runs(trajectory) == pytest.approx([0.4, 0.2])


def test_a_circle_curves_by_one_over_its_radius():
    angle = np.linspace(0, np.pi, 60)
    assert motion.curvature(make(60, x=4 * np.cos(angle), y=4 * np.sin(angle))) == pytest.approx(1 / 4, rel=0.03)
    assert motion.curvature(make(60, x=np.arange(60.0))) == 0
    assert np.isnan(motion.curvature(make(60)))


@pytest.mark.parametrize(("last", "expected"), [((0.0, 0.0), False), ((2.0, -4.0), True), ((2.5, 1.0), False)])
def test_to_come_back_is_to_go_away_from_the_pad_and_touch_it(last, expected):
    """Runs up to 2.5 m beside the left pad, then to `last`, relative to it, then onto it."""
    center = load_island().pads[0, :2]
    corners = np.array([[2.5, -10.0], [2.5, 0.0], last, [0.0, 0.0]]) + center
    path = np.concatenate([np.linspace(a, b, 12) for a, b in zip(corners, corners[1:], strict=False)])
    assert motion.came_back(make(len(path), pad=0, x=path[:, 0], y=path[:, 1])) is expected
    assert not motion.came_back(make(len(path), pad=-1, x=path[:, 0], y=path[:, 1])), "it must be touched"


def test_path_points_lie_at_even_shares_of_the_way():
    x = np.array([0.0, 1.0, 4.0, 4.0, 8.0])
    assert motion.path_points(make(5, x=x), 5)[:, 0].tolist() == pytest.approx([0, 2, 4, 6, 8])


def test_repeatability_compares_people_in_the_same_mode_from_the_same_spawn():
    def run(person: int, mode: str, shift: float) -> Trajectory:
        y = np.arange(20.0)
        x = np.minimum(y, 1.0) * shift
        return dataclasses.replace(make(20, pad=1, x=x, y=y), person=person, mode=mode)

    runs = [run(0, "a", 0.0), run(0, "a", 0.0), run(1, "a", 2.0), run(0, "b", 50.0)]
    same, other = motion.repeatability(runs)
    assert same == 0.0 and 1.5 < other <= 2.0
    assert np.isnan(motion.repeatability(runs[2:])).all(), "no two runs can be compared"


def test_people_move_otherwise_than_a_bot(people, bots):
    person, bot = motion.statistics(people), motion.statistics(bots)
    assert bot["first movement, median, s"] == bot["release after touching a pad, median, s"] == 0
    assert 0.2 <= person["first movement, median, s"] < 1.0
    assert 0.2 <= person["release after touching a pad, median, s"] < 0.6, "two steps at least"
    for row in ("left x, autocorrelation after 0.1 s", "right x, autocorrelation after 0.1 s"):
        assert person[row] > bot[row] + 0.2, f"{row}: people's thumbs take their time"
    assert person["left x, power above 2 Hz, %"] < bot["left x, power above 2 Hz, %"] / 1.5
    assert person["path's curvature, median, rad/m"] > 1.2 * bot["path's curvature, median, rad/m"]
    assert person["missed the pad and came back, %"] == bot["missed the pad and came back, %"] == 0


def test_two_runs_of_one_person_differ_and_two_people_differ_more(people, bots):
    several = [dataclasses.replace(t, person=t.person % 8) for t in people]  # mixed up: no one is like oneself
    same, other = motion.repeatability(motion.play("curated", 500, seed=3))
    assert 0.1 < same < 0.9 * other
    mixed_same, mixed_other = motion.repeatability(several)
    assert mixed_same > 0.9 * mixed_other
    assert motion.repeatability(bots)[0] == 0.0


def test_statistics_of_a_dataset_are_those_of_the_same_play(tmp_path, capsys):
    collect(CollectConfig(episodes=20, image_size=None, seed=4), tmp_path / "d")
    motion.main([str(tmp_path / "d"), "human", "--episodes", "20", "--seed", "4"])
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("|")][2:]
    cells = {row[1].strip(): (row[2].strip(), row[3].strip()) for row in rows}
    compared = {name: pair for name, pair in cells.items() if not name.endswith("apart, m")}  # needs to know who
    assert len(compared) > 15 and all(one == other for one, other in compared.values())
    assert cells["episodes"] == ("20", "20")


@pytest.mark.parametrize(
    ("arguments", "message"), [(["martians"], "no dataset in martians"), (["human", "--episodes", "0"], "at least 1")]
)
def test_wrong_sources_end_in_one_line_and_exit_code_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        motion.main(arguments)
    assert stopped.value.code == 2 and message in capsys.readouterr().err


def test_statistics_need_something():
    with pytest.raises(ValueError, match="at least one trajectory"):
        motion.statistics([])
