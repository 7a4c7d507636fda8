"""Long random play: no crash, no number out of bounds, no character stuck forever."""

from collections.abc import Iterable

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import World

ROWS = 250
ISLAND = load_island()
pytestmark = pytest.mark.slow


def place_all(world: World, generator: np.random.Generator, rows: Iterable[int] = range(ROWS)) -> None:
    for row in rows:
        spawn = ISLAND.spawns[generator.integers(len(ISLAND.spawns))]
        world.place(row, str(generator.choice(list(CHARACTERS))), spawn, generator.uniform(-np.pi, np.pi))


def held_actions(generator: np.random.Generator, kind: str) -> np.ndarray:
    """Random actions (ROWS, 16), to be held for some steps."""
    actions = np.tile(gamepad.NEUTRAL, (ROWS, 1))
    if kind == "all at once":
        actions[:, 4:] = 1
        actions[:, :4] = generator.choice([0, 10], (ROWS, 4))
    else:
        actions[:, 4:] = generator.random((ROWS, 12)) < 0.2
        actions[:, :4] = generator.integers(11, size=(ROWS, 4))
        forward = generator.random(ROWS) < 0.6  # or no character would ever leave the plaza
        actions[forward, 1] = 10
    return actions


@pytest.mark.parametrize("kind", ["random", "all at once"])
def test_half_a_million_random_steps_keep_all_numbers_in_bounds(kind):
    generator = np.random.default_rng(0)
    world = World(ROWS, threads=2)
    place_all(world, generator)
    farthest = np.abs(np.concatenate([ISLAND.landings, ISLAND.spawns])).max() + 60
    reached = set()
    for step in range(2000):
        if step % 5 == 0:
            actions = held_actions(generator, kind)
        world.step(actions)
        states = world.states()
        assert np.isfinite(states).all()
        # Board, dodge and launch are the fastest; falling adds 20 m/s per second.
        assert np.abs(world.velocity[:, :2]).max() < 30 and np.abs(world.position[:, :2]).max() < farthest
        assert (
            np.abs(world.velocity[:, 2]).max() < 60 and (world.qpos[:, 2] < 30).all() and (world.qpos[:, 2] > -40).all()
        )
        reached |= set(world.pad.astype(int).tolist())
        over = np.flatnonzero(world.fell | (world.since_pad >= 30))
        place_all(world, generator, over)
    if kind == "random":
        assert reached == {-1, 0, 1, 2}


def test_no_character_is_stuck_forever():
    """Wherever ten thousand random plays end, some direction leads away, with a jump if necessary."""
    generator = np.random.default_rng(1)
    caught = []
    for _ in range(40):
        world = World(ROWS, threads=2)
        place_all(world, generator)
        for step in range(60):
            if step % 6 == 0:
                actions = held_actions(generator, "random")
            world.step(actions)
        ends = world.states()
        done = world.fell | (world.pad >= 0)
        free = done.copy()
        for direction in range(8):
            for row in range(ROWS):
                world.set_state(row, ends[row])
            world.camera_yaw[:] = direction * np.pi / 4
            start = world.position.copy()
            push = np.tile(gamepad.NEUTRAL, (ROWS, 1))
            push[:, 1] = 10
            for step in range(12):
                push[:, gamepad.A] = step % 4 == 3
                world.step(push)
            free |= np.linalg.norm(world.position[:, :2] - start[:, :2], axis=1) > 1.5
        caught += ends[~free, :3].round(2).tolist()
    assert not caught, f"caught at {caught}"
