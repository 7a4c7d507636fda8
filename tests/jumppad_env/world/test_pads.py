"""The jump pads, tested by characters placed just inside and outside their edges."""

import itertools

import mujoco
import numpy as np
import pytest

from jumppad_env.island import load_island
from jumppad_env.rules import PADS, RULES
from jumppad_env.world import World

ISLAND = load_island()
PROBE = mujoco.MjData(ISLAND.model)
HAIR = 1e-3
"""m."""


def clearance(pad: str, position: np.ndarray) -> float:
    """How far a character standing there is from the pad, m; negative inside."""
    PROBE.qpos[:3] = position
    mujoco.mj_kinematics(ISLAND.model, PROBE)
    geoms = [ISLAND.model.geom(name).id for name in ("hull", "foot")]
    ramp = ISLAND.model.geom(f"pad_{pad}").id
    return min(mujoco.mj_geomDistance(ISLAND.model, PROBE, geom, ramp, 5.0, None) for geom in geoms)


def beside(pad: int, angle: float, distance: float, height: float) -> np.ndarray:
    """Position of a character that comes from this side, at this distance from the pad."""
    away = np.array([np.cos(angle), np.sin(angle), 0.0])
    position = ISLAND.pads[pad] + [0, 0, height]
    near, far = 0.0, 4.0
    for _ in range(30):
        middle = (near + far) / 2
        if clearance(PADS[pad], position + middle * away) < distance:
            near = middle
        else:
            far = middle
    return position + far * away


def has_room(position: np.ndarray) -> bool:
    """Whether a character standing there touches nothing but the ground and perhaps a pad."""
    PROBE.qpos[:3] = position
    mujoco.mj_forward(ISLAND.model, PROBE)
    touched = {ISLAND.model.geom(geom).name for geom in PROBE.contact.geom.ravel()}
    return touched <= {"foot", "hull", "garden_ground", *(f"pad_{pad}" for pad in PADS)}


def around(pad: int, distance: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Directions from a pad in which there is room, and where a character at this distance stands, (n,) and (n, 3)."""
    angles = np.radians(np.arange(0, 360, 15))
    positions = np.stack([beside(pad, angle, distance, height) for angle in angles])
    room = np.array([has_room(position) for position in positions])
    assert np.ptp(np.degrees(angles[room])) >= 150, "there is room on several sides"
    return angles[room], positions[room]


@pytest.mark.parametrize("pad", range(3), ids=PADS)
def test_a_pad_launches_when_touched_and_not_a_hair_beside_it(pad, at_rest, press, run):
    for distance, launched in ((HAIR, False), (-HAIR, True)):
        angles, positions = around(pad, distance, at_rest)
        world = World(len(angles))
        for row, position in enumerate(positions):
            world.place(row, "rider", position)
        run(world, press())
        assert (world.pad == (pad if launched else -1)).all(), (distance, np.degrees(angles), world.pad)
        assert ((world.velocity[:, 2] > 15) == launched).all()


@pytest.mark.parametrize("pad", range(3), ids=PADS)
def test_a_pad_touched_from_above_launches_too(pad, press, run):
    world = World(1)
    world.place(0, "rider", ISLAND.pads[pad] + [0, 0, 1.5])
    run(world, press(), 6)
    assert world.pad[0] == pad


@pytest.mark.parametrize("pad", range(3), ids=PADS)
def test_a_launch_ends_at_its_landing_place_wherever_the_pad_was_touched(pad, at_rest, press, run):
    flight = round(ISLAND.flight_seconds / RULES.control_step)
    angles, positions = around(pad, HAIR, at_rest)
    world = World(len(angles))
    for row, (angle, position) in enumerate(zip(angles, positions, strict=True)):
        world.place(row, "rider", position)
        world.qvel[row, :2] = -3 * np.array([np.cos(angle), np.sin(angle)])  # comes running
    run(world, press())
    assert (world.pad == pad).all()
    for step in range(flight):
        assert (world.flight_left > 0).all() and (world.grounded == 0).all(), step
        run(world, press(left=(1, -1), buttons=("A", "B", "X", "Y")))  # in flight nothing steers
    missed = np.abs(world.position - ISLAND.landings[pad])
    assert missed[:, :2].max() < 0.01
    assert missed[:, 2].max() < 1.0  # squeezed between pad and wall one starts a little faster
    assert np.median(missed[:, 2]) < 1e-3 and np.median(world.velocity[:, 2]) < -15, "has just come down, not before"
    assert (world.flight_left == 0).all() and (world.mounted == 1).all() and not world.fell.any()
    run(world, press(), 10)
    assert (world.grounded == 1).all()
    assert np.linalg.norm(world.position - ISLAND.landings[pad], axis=1).max() < 3.0  # slides to a stop


@pytest.mark.parametrize("speed", [0.0, 5.0, 9.4, 15.0])
@pytest.mark.parametrize("pad", range(3), ids=PADS)
def test_a_launch_ends_at_its_landing_place_at_any_speed_and_in_any_direction(pad, speed, at_rest, press, run):
    flight = round(ISLAND.flight_seconds / RULES.control_step)
    angles, positions = around(pad, -HAIR, at_rest)
    headings = np.arange(0, 2 * np.pi, np.pi / 4)
    world = World(len(angles) * len(headings))
    for row, (position, heading) in enumerate(itertools.product(positions, headings)):
        world.place(row, "rider", position)
        world.qvel[row, :2] = speed * np.array([np.cos(heading), np.sin(heading)])
    run(world, press())
    assert (world.pad == pad).all()
    run(world, press(left=(-1, 1)), flight)
    missed = np.abs(world.position - ISLAND.landings[pad])
    assert missed[:, :2].max() < 0.01
    # A character pressed into the wedge between pad and wall is also pushed up, and lands up to 0.2 s later.
    assert np.mean(missed[:, 2] < 0.01) > 0.9 and missed[:, 2].max() < 4.0
    run(world, press(), 10)
    assert (world.grounded == 1).all() and not world.fell.any()


def test_only_the_first_pad_counts(at_rest, press, run):
    world = World(1)
    world.place(0, "rider", beside(0, 0.0, -HAIR, at_rest))
    run(world, press())
    world.position[0] = ISLAND.pads[2]
    run(world, press())
    assert world.pad[0] == 0 and world.since_pad[0] == 1
