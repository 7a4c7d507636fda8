"""The island's solid geometry is mirror-symmetric, apart from the outer pads, and so are tracks on it."""

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import World

PAIRS = 12
STEPS = 60


def mirrored(actions: np.ndarray) -> np.ndarray:
    """Actions (..., 16) with both sticks pushed to the other side."""
    result = actions.copy()
    for stick in (gamepad.LEFT_X, gamepad.RIGHT_X):
        result[..., stick] = gamepad.BUCKETS - 1 - actions[..., stick]
    return result


def play(world: World, actions: np.ndarray) -> np.ndarray:
    """Positions (STEPS, N, 3) of all rows."""
    path = []
    for step in actions:
        world.step(step)
        path.append(world.position.copy())
    return np.array(path)


@pytest.mark.parametrize("character", list(CHARACTERS))
def test_mirrored_actions_give_mirrored_tracks(character):
    generator = np.random.default_rng(3)
    held = generator.integers(0, gamepad.BUCKETS, (STEPS // 6, PAIRS, 4)).repeat(6, axis=0)
    held[:, :, gamepad.LEFT_Y] = np.maximum(held[:, :, gamepad.LEFT_Y], 6)  # ahead, up the stairs and through the neck
    buttons = generator.random((STEPS, PAIRS, 12)) < 0.05
    actions = np.concatenate([held, buttons], axis=2)
    starts = np.column_stack([generator.uniform(-4, 4, PAIRS), generator.uniform(-4, 4, PAIRS), np.zeros(PAIRS)])
    headings = generator.uniform(-1, 1, PAIRS)
    paths = []
    for side in (1, -1):
        world = World(PAIRS)
        for row in range(PAIRS):
            world.place(row, character, starts[row] * [side, 1, 1], side * headings[row])
        paths.append(play(world, actions if side > 0 else mirrored(actions)))
        assert (world.pad < 0).all(), "the pads themselves are not symmetric"
    assert np.abs(paths[0][-1] - starts).max() > 5, "some row moved"
    apart = np.abs(paths[0] * [-1, 1, 1] - paths[1])
    assert apart.max() < 1e-9


@pytest.mark.parametrize("spawn", range(4))
@pytest.mark.parametrize("character", list(CHARACTERS))
def test_the_stairs_can_be_climbed_and_descended_from_every_spawn(press, run, character, spawn):
    world = World(1)
    island = load_island()
    world.place(0, character, island.spawns[spawn])
    top = island.ways["neck_in"]
    for target, height in (
        (island.ways["stairs"], None),
        (top, top[2]),
        (island.ways["stairs"], None),
        (island.spawns[spawn], 0.0),
    ):
        for _ in range(120):
            way = target[:2] - world.position[0, :2]
            distance = float(np.linalg.norm(way))
            if distance < 0.5:
                break
            run(world, press(left=tuple(way / distance * min(1.0, distance / 2))), 1)
        assert distance < 0.5, f"stuck at {world.position[0]} on the way to {target}"
        if height is not None:
            run(world, press(), 10)
            assert abs(world.position[0, 2] - height) < 0.05
