"""Labels: a value per episode; of two episodes the one with the higher value is preferred.

`pad` asks whether an episode reaches the target, as in the paper. The other labels are about behavior, whatever the
outcome, and cannot be read from a single frame. Labels compose, and may stand in a module of one's own:

    from baselines.preferences.labels import camera, first, pad

    calm_left = first(pad, then=camera)  # in my_module.py; --config.label my_module:calm_left
"""

import importlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from agents.dataset import Dataset
from agents.motion import camera_velocity, played_steps, sticks
from agents.targets import Target
from jumppad_env.dataset import Trajectory
from jumppad_env.world.state import VELOCITY

Label = Callable[[Trajectory, Target | None], float | tuple[float, ...]]
"""From an episode and the target, if there is one, to its value. Higher is better; of tuples, the first number that
differs decides."""


def pad(trajectory: Trajectory, target: Target | None) -> float:
    """Returns 1 if the episode reaches the target, else 0; without a target always 0."""
    return float(target is not None and target.reached(trajectory))


def camera(trajectory: Trajectory, target: Target | None = None) -> float:
    """Returns minus the mean speed at which the camera turns, rad/s."""
    turning = np.abs(camera_velocity(trajectory))[: played_steps(trajectory)]
    return -float(turning.mean()) if len(turning) else 0.0


def stick(trajectory: Trajectory, target: Target | None = None) -> float:
    """Returns minus the mean distance that the left stick moves from step to step."""
    left = sticks(trajectory)[: played_steps(trajectory), :2]
    moved = np.linalg.norm(np.diff(left, axis=0), axis=1)
    return -float(moved.mean()) if len(moved) else 0.0


def speed(trajectory: Trajectory, target: Target | None = None) -> float:
    """Returns the mean horizontal speed, m/s."""
    return float(np.hypot(*trajectory.states[: played_steps(trajectory), VELOCITY].T).mean())


LABELS: dict[str, Label] = {function.__name__: function for function in (pad, camera, stick, speed)}
"""Labels that need no module."""
TITLES: dict[str, str] = {
    "pad": "reaches the target pad",
    "camera": "turns the camera less",
    "stick": "keeps the stick steadier",
    "speed": "moves faster",
}


@dataclass(frozen=True)
class First:
    """Several labels, of which each decides only where all before it are equal."""

    parts: tuple[Label, ...]

    def __call__(self, trajectory: Trajectory, target: Target | None) -> tuple[float, ...]:
        """Returns the values by all parts, the most important first."""
        return tuple(value for part in self.parts for value in values_of(part, trajectory, target))


def first(label: Label, *, then: Label) -> First:
    """Returns the label that prefers by one label, and where that is equal by another."""
    return First((label, then))


def names_of(label: Label, count: int) -> list[str]:
    """Returns what to call each of the `count` numbers of a label's value."""
    parts = [label]
    while any(isinstance(part, First) for part in parts):
        parts = [inner for part in parts for inner in (part.parts if isinstance(part, First) else (part,))]
    names = [getattr(part, "__name__", type(part).__name__) for part in parts]
    return names if len(names) == count else [f"{' then '.join(names)} {index + 1}" for index in range(count)]


def load_label(name: str) -> Label:
    """Returns a label by its name: one of `LABELS`, or "module:name" of a module of one's own.

    Raises:
        ValueError: There is no such label.
    """
    if name in LABELS:
        return LABELS[name]
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"label {name!r} is unknown; choose one of {', '.join(LABELS)}, or module:name of your own")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # whatever the module does when it is imported
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"label {name}: importing {module} failed ({reason}); run from the folder of {module}.py, or set PYTHONPATH"
        ) from None
    if not callable(found):
        raise ValueError(f"label {name}: {module} has no function {attribute}; define {attribute}(trajectory, target)")
    return cast(Label, found)


def values_of(label: Label, trajectory: Trajectory, target: Target | None) -> tuple[float, ...]:
    """Returns the numbers of a label's value for an episode.

    Raises:
        ValueError: They are not finite numbers.
    """
    value: Any = label(trajectory, target)
    values = value if isinstance(value, tuple) else (value,)
    if not values or not all(
        isinstance(one, int | float | np.number | np.bool_) and math.isfinite(one) for one in values
    ):
        raise ValueError(
            f"label {names_of(label, 1)[0]} gives {value!r} for the episode of seed {trajectory.seed}; "
            "return a finite number, or a tuple of them"
        )
    return tuple(map(float, values))


def measure(trajectories: Iterable[Trajectory], label: Label, target: Target | None) -> np.ndarray:
    """Returns the values (E, P) of episodes: P numbers each, of which the first that differs decides.

    Raises:
        ValueError: A value is not one or more finite numbers, as many for every episode.
    """
    values = [values_of(label, trajectory, target) for trajectory in trajectories]
    if len({len(one) for one in values}) > 1:
        raise ValueError(
            f"label {names_of(label, 1)[0]} gives tuples of different lengths; return equally many numbers"
        )
    return np.array(values, dtype=np.float64).reshape(len(values), -1)


def rank(values: np.ndarray) -> np.ndarray:
    """Returns one number (E,) per episode, ordered as its values (E, P) are, with earlier columns first."""
    if values.shape[1] == 1:
        return values[:, 0]
    return np.unique(values, axis=0, return_inverse=True)[1].astype(np.float64).reshape(len(values))


def deciding(values: np.ndarray, chosen: np.ndarray, rejected: np.ndarray, names: list[str]) -> np.ndarray:
    """Returns the kind of each pair (C,), the name of the number that decides it.

    Args:
        values: (E, P), from `measure`.
        chosen: (C,) indices of episodes.
        rejected: (C,) likewise.
        names: P names, from `names_of`.
    """
    return np.array(names)[(values[chosen] != values[rejected]).argmax(axis=1)]


def label(dataset: Dataset, what: str, target: Target | None) -> np.ndarray:
    """Returns the values (E,) of all episodes; higher is better.

    Args:
        dataset: Rollouts.
        what: Name of the label; see `load_label`.
        target: The target, if there is one.

    Raises:
        ValueError: There is no such label, or a value is not a finite number.
    """
    return rank(measure(episodes_of(dataset), load_label(what), target))


def episodes_of(dataset: Dataset) -> Iterator[Trajectory]:
    """Yields all episodes of a dataset."""
    return (dataset.trajectory(index) for index in range(len(dataset)))
