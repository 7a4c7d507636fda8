"""Fixtures shared by tests of the environment."""

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.world import World

Press = Callable[..., np.ndarray]
Run = Callable[..., None]
FromPython = Callable[[Any], Callable[..., Any]]


@pytest.fixture(scope="session")
def from_python() -> FromPython:
    """Makes a `compiled_part` callable from Python, with the same machine code."""

    @functools.cache
    def from_python(part: Any) -> Callable[..., Any]:
        @numba.njit(error_model="numpy")
        def call(*arguments):
            return part(*arguments)

        return call

    return from_python


@pytest.fixture(scope="session")
def press() -> Press:
    """A gamepad action from stick deflections and the names of the buttons held down."""

    def press(left=(0.0, 0.0), right=(0.0, 0.0), buttons: tuple[str, ...] = ()) -> np.ndarray:
        action = gamepad.NEUTRAL.copy()
        action[: len(gamepad.AXES)] = gamepad.to_buckets(np.array([*left, *right]))
        for button in buttons:
            action[len(gamepad.AXES) + gamepad.BUTTONS.index(button)] = 1
        return action

    return press


@pytest.fixture(scope="session")
def run() -> Run:
    """Gives all rows of a world the same action for some steps."""

    def run(world: World, action: np.ndarray, steps: int = 1) -> None:
        actions = np.broadcast_to(action, (world.count, gamepad.FACTORS))
        for _ in range(steps):
            world.step(actions)

    return run


@pytest.fixture(scope="session")
def garden() -> np.ndarray:
    """A place in the middle lane with level ground around, m."""
    return np.array([0.0, 30.0, load_island().ways["middle_in"][2]])


@pytest.fixture(scope="session")
def at_rest(press: Press, run: Run, garden: np.ndarray) -> float:
    """Height above the floor of a character at rest, m: contacts are slightly soft."""
    world = World(1)
    world.place(0, "rider", garden)
    run(world, press(), 40)
    assert abs(world.velocity[0, 2]) < 1e-9
    return float(world.position[0, 2] - garden[2])


@pytest.fixture
def pygame(monkeypatch):
    """Real pygame with a window on SDL's dummy driver."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    pygame.display.init()
    pygame.display.set_mode((150, 90))
    yield pygame
    pygame.display.quit()
