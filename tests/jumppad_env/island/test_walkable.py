"""Walkable places: characters placed there stand, touch nothing and stay in place."""

import numpy as np

from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.island.walkable import CLEARANCE, SPACING, walkable_places
from jumppad_env.vector_env import JumppadVectorEnv


def test_a_character_placed_there_stands_and_can_move_in_any_direction():
    places = np.concatenate([load_island().spawns[:1], walkable_places()[::23]])
    for stick in ((5, 5), (0, 5), (10, 5), (5, 0), (5, 10)):
        envs = JumppadVectorEnv(len(places), observation="state", autoreset_mode="Disabled", character="walker")
        envs.reset(seed=0, options={"position": places})
        action = gamepad.NEUTRAL.copy()
        action[:2] = stick
        _, _, _, _, infos = envs.step(np.tile(action, (len(places), 1)))
        moved = infos["position"] - places
        assert (infos["pad"] < 0).all()
        assert np.abs(moved[:, 2]).max() < 0.1, "on the ground; the stairs are a slope"
        assert stick == (5, 5) or np.hypot(*moved[0, :2]) > 0.15
        assert np.abs(moved[:, :2] - moved[0, :2]).max() < 0.06, "as far as from a spawn point"
        envs.close()


def test_they_cover_the_track_and_nothing_else():
    places, island = walkable_places(), load_island()

    def nearest(point):
        return np.hypot(*(places[:, :2] - point[:2]).T).min()

    on_track = [point for name, point in island.ways.items() if not name.startswith("terrace")]
    assert max(nearest(point) for point in [*island.spawns, *on_track]) <= SPACING
    assert min(nearest(point) for point in island.pads) > CLEARANCE
    assert min(nearest(island.ways[f"terrace_{side}"]) for side in ("left", "right")) > 5.0
    x, y, z = places.T
    assert np.unique(z[y < 5]) == [0.0] and np.allclose(z[y > 13], 1.0), "plaza and garden"
    assert len(np.unique(places[:, :2], axis=0)) == len(places)
    beds = [(-3.3, 35.0), (3.3, 35.0), (-2.5, 30.0), (2.5, 30.0)]
    assert min(nearest(bed) for bed in map(np.array, beds)) >= CLEARANCE
