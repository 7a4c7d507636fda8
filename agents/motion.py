"""Motion statistics: how sticks, buttons, camera and path of trajectories reveal who holds the gamepad.

    python -m agents.motion human curated waypoint --episodes 1000
    python -m agents.motion runs/demonstrations

prints a table with one column per source: a population, which is played, or a dataset, which is read. Times are in
seconds, angles in radians. Only motion before a pad is touched counts, since nobody controls the flight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from agents.population import POPULATIONS
from agents.population.cast import episode_seed
from agents.population.demonstrator import Crowd
from agents.rollout import make_envs, rollout
from jumppad_env import gamepad
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Dataset, Trajectory
from jumppad_env.rules import PADS, RULES
from jumppad_env.world.state import CAMERA_YAW, PAD, X, Y

STEP = RULES.control_step
WINDOW = 32
"""Control steps of a window of the spectrum: 3.2 s, so frequencies are 0.31 Hz apart; the highest is 5 Hz."""
PATH_POINTS = 40


def played_steps(trajectory: Trajectory) -> int:
    """Returns the number of steps before a pad was touched, at least 1; all steps if none was."""
    touched = np.flatnonzero(trajectory.states[:, PAD] >= 0)
    return max(1, int(touched[0])) if len(touched) else len(trajectory)


def sticks(trajectory: Trajectory) -> np.ndarray:
    """Returns the deflections (T, 4), -1 to 1: left x and y, right x and y."""
    return gamepad.STICK_VALUES[trajectory.actions[:, : len(gamepad.AXES)]]


def idle(trajectory: Trajectory) -> np.ndarray:
    """Returns bool (T,): whether all sticks are centered and no button is pressed."""
    return (trajectory.actions == gamepad.NEUTRAL).all(axis=1)


def first_movement(trajectory: Trajectory) -> float:
    """Returns the seconds until the left stick first moves, NaN if it never does."""
    moved = np.flatnonzero((sticks(trajectory)[:, :2] != 0).any(axis=1))
    return float(moved[0]) * STEP if len(moved) else np.nan


def release(trajectory: Trajectory) -> float:
    """Returns the seconds from the start of the flight until the left stick is released, NaN if it is not."""
    start = played_steps(trajectory)
    let_go = np.flatnonzero((sticks(trajectory)[start:, :2] == 0).all(axis=1))
    return float(let_go[0]) * STEP if len(let_go) else np.nan


def autocorrelation(signals: Sequence[np.ndarray], lags: int) -> np.ndarray:
    """Returns the pooled autocorrelation of signals, (lags + 1,), starting with 1 at lag 0; NaN if none varies.

    Args:
        signals: (T,) each; the mean of each is subtracted.
        lags: longest lag, steps.
    """
    products, squares = np.zeros(lags + 1), np.zeros(lags + 1)
    for signal in signals:
        centered = signal - signal.mean()
        for lag in range(min(lags, len(signal) - 1) + 1):
            early, late = centered[: len(signal) - lag], centered[lag:]
            products[lag] += early @ late
            squares[lag] += np.sqrt((early @ early) * (late @ late))
    return products / np.where(squares > 0, squares, np.nan)


def spectrum(signals: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns frequencies, Hz, and power per Hz, (WINDOW / 2,) each, by Welch's method without the constant.

    Args:
        signals: (T,) each, 10 Hz; windows of `WINDOW` steps overlap by half, shorter signals are ignored. The power
            integrates to the variance within windows.
    """
    from scipy.signal import periodogram  # takes a second, and most who import this module draw no spectrum

    windows = [
        signal[start : start + WINDOW]
        for signal in signals
        for start in range(0, len(signal) - WINDOW + 1, WINDOW // 2)
    ]
    # Without any window, the power is NaN.
    frequencies, power = periodogram(windows or [np.full(WINDOW, np.nan)], 1 / STEP, "hann")
    return frequencies[1:], power.mean(axis=0)[1:]


def camera_velocity(trajectory: Trajectory) -> np.ndarray:
    """Returns the angular velocity of the camera, rad/s, (T - 1,), counterclockwise positive."""
    return np.diff(np.unwrap(trajectory.states[:, CAMERA_YAW])) / STEP


def presses(trajectory: Trajectory) -> np.ndarray:
    """Returns bool (T, 12): whether the button goes down at this step."""
    down = trajectory.actions[:, len(gamepad.AXES) :] > 0
    return down & ~np.concatenate([np.zeros_like(down[:1]), down[:-1]])


def press_intervals(trajectory: Trajectory) -> np.ndarray:
    """Returns the seconds between successive presses of the same button."""
    pressed = presses(trajectory)
    return np.concatenate([np.diff(np.flatnonzero(column)) for column in pressed.T]) * STEP


def held_runs(trajectory: Trajectory) -> np.ndarray:
    """Returns the durations in s for which the left stick is held in one position away from the center."""
    left = trajectory.actions[: played_steps(trajectory), :2].astype(np.int64)
    edges = np.flatnonzero(np.concatenate([[True], (np.diff(left, axis=0) != 0).any(axis=1), [True]]))
    held = (left[edges[:-1]] != gamepad.CENTER).any(axis=1)
    return np.diff(edges)[held] * STEP


def curvature(trajectory: Trajectory) -> float:
    """Returns the mean curvature of the path, rad/m, NaN without motion; steps below 0.1 m are ignored."""
    steps = np.diff(trajectory.states[: played_steps(trajectory), [X, Y]], axis=0)
    lengths = np.hypot(*steps.T)
    steps = steps[lengths > 0.1]
    if len(steps) < 2:
        return np.nan
    turns = np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))
    return float(np.abs(turns).sum() / lengths.sum())


def came_back(trajectory: Trajectory) -> bool:
    """Returns whether the pad that was touched had been missed before.

    A miss comes within 6 m of the pad and then moves away by 0.8 m, which is more than a hop over the foot of the pad.
    """
    if trajectory.pad < 0:
        return False
    offset = trajectory.states[: played_steps(trajectory), [X, Y]] - trajectory.last_island.pads[trajectory.pad, :2]
    distances = np.linalg.norm(offset, axis=1)
    nearest = np.minimum.accumulate(distances)
    return bool(((nearest < 6.0) & (distances > nearest + 0.8)).any())


def path_points(trajectory: Trajectory, count: int = PATH_POINTS) -> np.ndarray:
    """Returns points (count, 2), m, at equal distances along the path."""
    path = trajectory.states[: played_steps(trajectory), [X, Y]]
    lengths = np.concatenate([[0.0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
    at = np.linspace(0.0, lengths[-1], count)
    return np.column_stack([np.interp(at, lengths, path[:, axis]) for axis in range(2)])


def repeatability(trajectories: Sequence[Trajectory]) -> tuple[float, float]:
    """Returns the mean distance in m between two runs of one person, and of two people; NaN without such pairs.

    Compares runs that reach a pad in the same mode from the same spawn point, point by point along the path.
    """
    alike: dict[tuple[str, tuple[float, float]], list[Trajectory]] = defaultdict(list)
    for trajectory in trajectories:
        if trajectory.pad >= 0:
            x, y = np.round(trajectory.states[0, [X, Y]], 1).tolist()
            alike[trajectory.mode, (x, y)].append(trajectory)
    apart: dict[bool, list[float]] = {True: [], False: []}
    for group in alike.values():
        paths = np.array([path_points(trajectory) for trajectory in group])
        people = np.array([trajectory.person for trajectory in group])
        for index in range(len(group) - 1):
            distances = np.linalg.norm(paths[index + 1 :] - paths[index], axis=2).mean(axis=1)
            same = people[index + 1 :] == people[index]
            apart[True] += distances[same].tolist()
            apart[False] += distances[~same].tolist()
    same, other = (float(np.mean(apart[key])) if apart[key] else np.nan for key in (True, False))
    return same, other


def statistics(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    """Returns the statistics by description and unit; NaN if there is nothing to measure.

    Raises:
        ValueError: there are no trajectories.
    """
    if not trajectories:
        raise ValueError("statistics need at least one trajectory; got none")
    pads = np.array([trajectory.place for trajectory in trajectories])
    steps = [played_steps(trajectory) for trajectory in trajectories]
    minutes = sum(steps) * STEP / 60
    left_x, right_x = ([sticks(t)[:n, axis] for t, n in zip(trajectories, steps, strict=True)] for axis in (0, 2))
    frequencies, power = spectrum(left_x)
    turning = np.abs(_pool(camera_velocity, trajectories))
    held = _pool(held_runs, trajectories)
    known = all(trajectory.person >= 0 for trajectory in trajectories)
    same, other = repeatability(trajectories) if known else (np.nan, np.nan)
    outcomes = {f"{name} reached, %": 100 * np.mean(pads == index) for index, name in enumerate(PADS)}
    numbers = {
        "episodes": len(trajectories),
        "no pad reached, %": 100 * np.mean(pads < 0),
        **outcomes,
        "missed the pad and came back, %": 100 * np.mean([came_back(t) for t in trajectories]),
        "first movement, median, s": _median([first_movement(t) for t in trajectories]),
        "release after touching a pad, median, s": _median([release(t) for t in trajectories]),
        "steps with nothing held, %": 100 * np.mean(_pool(lambda t: idle(t)[: played_steps(t)], trajectories)),
        "left stick held in one place, mean, s": held.mean() if len(held) else np.nan,
        "left x, autocorrelation after 0.1 s": autocorrelation(left_x, 1)[1],
        "left x, autocorrelation after 0.5 s": autocorrelation(left_x, 5)[5],
        "left x, power above 2 Hz, %": 100 * power[frequencies > 2].sum() / power.sum() if power.sum() else np.nan,
        "right x, autocorrelation after 0.1 s": autocorrelation(right_x, 1)[1],
        "camera at rest (below 0.05 rad/s), %": 100 * np.mean(turning < 0.05),
        "camera, 95th percentile, rad/s": float(np.percentile(turning, 95)) if len(turning) else np.nan,
        "presses a minute": sum(presses(t)[:n].sum() for t, n in zip(trajectories, steps, strict=True)) / minutes,
        "interval of presses, median, s": _median(_pool(press_intervals, trajectories)),
        "path's curvature, median, rad/m": _median([curvature(t) for t in trajectories]),
        "two runs of one person apart, m": same,
        "runs of two people apart, m": other,
    }
    return {name: float(number) for name, number in numbers.items()}


def _pool(measure: Callable[[Trajectory], np.ndarray], trajectories: Sequence[Trajectory]) -> np.ndarray:
    return np.concatenate([measure(trajectory) for trajectory in trajectories])


def _median(values: Sequence[float] | np.ndarray) -> float:
    finite = np.array(values)[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else np.nan


def table(columns: dict[str, dict[str, float]]) -> str:
    """Returns the statistics of several sources, by name, as a Markdown table."""
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in next(iter(columns.values())):
        values = [column[row] for column in columns.values()]
        cells = ["-" if np.isnan(value) else f"{value:.0f}" if value >= 1000 else f"{value:.3g}" for value in values]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def play(population: str, episodes: int, seed: int) -> list[Trajectory]:
    """Plays a population without rendering: the same episodes as `agents.collect` with the same seed.

    Raises:
        ValueError: the population is unknown, or there is less than one episode.
    """
    if population not in POPULATIONS:
        raise ValueError(f"population {population!r} is unknown; choose one of {', '.join(POPULATIONS)}")
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {episodes}")
    seeds = [episode_seed(seed, population, index) for index in range(episodes)]
    with closing(make_envs(min(64, episodes), None)) as envs:
        return list(rollout(envs, Crowd(POPULATIONS[population], envs.num_envs), seeds))


@dataclass(frozen=True)
class MotionConfig:
    """Print motion statistics of populations and datasets."""

    sources: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Populations to play, or directories of datasets to read."""
    episodes: int = 1000
    """Number of episodes of a population; at most this many of a dataset."""
    seed: int = 0
    """Seed of the episodes that populations play."""


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        config = tyro.cli(MotionConfig, prog="python -m agents.motion", args=arguments, description=__doc__)
        columns = {}
        for source in config.sources:
            if source in POPULATIONS:
                trajectories = play(source, config.episodes, config.seed)
            else:
                dataset = Dataset(Path(source))
                trajectories = [dataset.trajectory(index) for index in range(min(len(dataset), config.episodes))]
            columns[source] = statistics(trajectories)
        print(table(columns))


if __name__ == "__main__":
    main()
