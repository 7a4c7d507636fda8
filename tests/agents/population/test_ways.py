"""Ways over the island, and the island in a mirror."""

import math

import numpy as np
import pytest

from agents.population.modes import View
from agents.population.ways import Path, bearing, distance, lane, mirror_island, mirror_name, pad_point
from jumppad_env.island import load_island
from jumppad_env.rules import PADS


def at(x: float, y: float) -> View:
    return View(step=0, x=x, y=y, z=0.0, speed=0.0, camera_yaw=0.0, pad=-1)


def test_directions_are_counter_clockwise_from_ahead():
    assert bearing(at(0, 0), (0.0, 5.0)) == 0.0
    assert bearing(at(0, 0), (-5.0, 0.0)) == pytest.approx(math.pi / 2), "to the left"
    assert distance(at(1, 2), (4.0, 6.0)) == 5.0


def test_a_path_goes_on_when_a_point_is_near_or_passed_and_ends_in_the_last():
    path = Path([(0.0, 10.0), (10.0, 10.0)], lookahead=1.0)
    assert path.heading(at(0, 0)) == 0.0
    assert path.heading(at(0, 9.5)) == pytest.approx(bearing(at(0, 9.5), (10.0, 10.0)))
    assert Path([(0.0, 10.0), (10.0, 10.0)], 1.0).heading(at(3, 12)) == bearing(at(3, 12), (10.0, 10.0)), "passed"
    assert path.heading(at(10, 9.9)) == 0.0 and path.points == [(10.0, 10.0)]


@pytest.mark.parametrize("pad", range(3))
def test_lanes_lead_to_their_pads_and_shift_to_the_right(pad):
    island = load_island()
    straight, shifted = (np.array(lane(island, pad, lateral)) for lateral in (0.0, 0.5))
    assert np.linalg.norm(straight[-1] - island.pads[pad, :2]) < 9.0
    assert (shifted[:, 0] > straight[:, 0]).all() and np.array_equal(shifted[:, 1], straight[:, 1])


@pytest.mark.parametrize("pad", range(3))
def test_points_near_a_pad_are_told_along_its_launch(pad):
    island = load_island()
    center = np.array(pad_point(island, pad))
    along, across = np.array(pad_point(island, pad, along=2.0)), np.array(pad_point(island, pad, across=2.0))
    assert np.allclose(center, island.pads[pad, :2])
    launch = (island.landings[pad] - island.pads[pad])[:2]
    assert np.allclose(along - center, 2.0 * launch / np.linalg.norm(launch))
    assert across[0] > center[0] and (across - center) @ launch == pytest.approx(0.0)


def test_names_and_island_in_the_mirror():
    assert [mirror_name(name) for name in ("direct_left", "miss_right", "wander")] == [
        "direct_right",
        "miss_left",
        "wander",
    ]
    island = load_island()
    image = mirror_island(island)
    left, right = PADS.index("left"), PADS.index("right")
    assert np.array_equal(image.pads[left], island.pads[right] * [-1, 1, 1])
    assert np.array_equal(image.ways["left_in"], island.ways["right_in"] * [-1, 1, 1])
    assert np.array_equal(mirror_island(image).landings, island.landings)
