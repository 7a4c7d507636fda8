"""Walls, stairs and edges, tested by characters that run into them."""

import mujoco
import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.world import World

ISLAND = load_island()
WALLS = {
    "plaza, left": ([-5, 0, 0], 90),
    "plaza, right": ([5, 0, 0], -90),
    "plaza, back": ([0, -3, 0], 180),
    "neck, left": ([0, 17, 1], 90),
    "neck, right": ([0, 17, 1], -90),
    "garden, left": ([-5.0, 31, 1], 117.5),
    "garden, right": ([5.0, 31, 1], -117.5),
    "garden, end": ([-6.4, 39.5, 1], 0),
    "bed": ([-1.0, 34, 1], 90),
}


def first_wall(start: np.ndarray, away: np.ndarray) -> float:
    """Distance from a start to the first obstacle, m."""
    data = mujoco.MjData(ISLAND.model)
    mujoco.mj_forward(ISLAND.model, data)
    hit = np.zeros(1, dtype=np.int32)
    body = ISLAND.model.body("character").id
    groups = np.array([1, 0, 0, 1, 0, 0], dtype=np.uint8)
    distance = mujoco.mj_ray(
        ISLAND.model, data, start + [0, 0, 0.4], np.array([*away, 0.0]), groups, 1, body, hit, None
    )
    assert ISLAND.model.geom_conaffinity[hit[0]], "ends at something that is not solid"
    return distance


@pytest.mark.parametrize(("start", "degrees"), WALLS.values(), ids=WALLS)
def test_walls_stop_runners_and_only_the_lower_ones_can_be_jumped(start, degrees, press, request):
    # Row 0 only runs, the others jump once, each a little later.
    delays = range(12)
    world = World(1 + len(delays))
    for row in range(world.count):
        world.place(row, "rider", np.array(start, float), heading=np.radians(degrees))
    away = np.array([-np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
    wall = first_wall(np.array(start, float), away)
    highest = np.zeros(world.count)
    for step in range(30):
        actions = np.stack([press(left=(0, 1))] * world.count)
        for row, delay in enumerate(delays, 1):
            actions[row, gamepad.A] = step == delay
        world.step(actions)
        highest = np.maximum(highest, (world.position[:, :2] - np.array(start)[:2]) @ away)
    over = highest > wall + 0.6
    assert not over[0]
    name = request.node.callspec.id
    assert over.any() == name.startswith(("plaza", "neck")), (name, highest - wall)


def test_a_dodge_does_not_tunnel_through_any_wall(press, run):
    for start, degrees in WALLS.values():
        away = np.array([-np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
        wall = first_wall(np.array(start, float), away)
        steps = np.linspace(0.5, 3.0, 11)  # where the dash starts, m before the wall
        world = World(len(steps))
        for row, gap in enumerate(steps):
            world.place(row, "rider", np.array(start) + np.array([*away, 0]) * (wall - gap), np.radians(degrees))
            world.qvel[row, :2] = 9.0 * away
        for step in range(6):
            run(world, press(left=(0, 1), buttons=("B",) if step == 0 else ()))
            assert ((world.position[:, :2] - np.array(start)[:2]) @ away < wall - 0.1).all(), (start, step)


def test_stairs_are_climbed_from_every_spawn_with_the_stick_forward(press, run):
    world = World(len(ISLAND.spawns))
    for row, spawn in enumerate(ISLAND.spawns):
        world.place(row, "rider", spawn)
    for _ in range(40):
        run(world, press(left=(0, 1)))
        on_neck = (world.position[:, 1] > 13) & (world.position[:, 1] < 23)
        assert np.abs(world.position[on_neck, 2] - 1.0).max(initial=0) < 0.05
    assert (world.position[:, 1] > 20).all()


def test_falling_off_is_detected_and_is_no_pad(press, run):
    world = World(1)
    world.place(0, "rider", np.array([-16.0, 12.0, -1.5]), heading=np.pi / 2)
    fell = []
    for _ in range(40):
        run(world, press(left=(0, 1)))
        fell.append(bool(world.fell[0]))
    assert fell[-1] and fell == sorted(fell)
    assert world.pad[0] == -1


@pytest.mark.parametrize("dodge", [False, True])
@pytest.mark.parametrize("slant", [-30, 0, 30])
def test_no_speed_tunnels_through_any_wall(press, run, dodge, slant):
    # A dodge is the fastest on the ground, 15 m/s; a launch, in the air, is about twice as fast.
    speeds, gaps = np.meshgrid([3.0, 9.4, 15.0, 30.0], [0.5, 0.9, 1.3, 1.7])
    for name, (start, degrees) in WALLS.items():
        if slant and name in ("bed", "garden, end"):
            continue  # one gets round them
        away, toward = (
            np.array([-np.sin(angle), np.cos(angle)]) for angle in (np.radians(degrees), np.radians(degrees + slant))
        )
        wall = first_wall(np.array(start, float), away)
        world = World(speeds.size)
        for row, (speed, gap) in enumerate(zip(speeds.flat, gaps.flat, strict=True)):
            place = np.array(start) + np.array([*away, 0]) * (wall - gap)
            world.place(row, "scout", place, np.radians(degrees + slant))
            world.qvel[row, :2] = speed * toward
        for step in range(6):
            run(world, press(left=(0, 1), buttons=("B",) if dodge and step == 0 else ()))
            reached = (world.position[:, :2] - np.array(start)[:2]) @ away
            assert (reached < wall - 0.1).all(), (name, step, speeds.flat[reached.argmax()])
