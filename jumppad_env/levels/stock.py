"""The physics model of all levels of some settings: a stock of boxes and ramps that a level only has to place.

A compilation takes longer than an episode, so nothing is compiled when a level begins: its boxes and ramps are numbers,
written into fields of the model that each row of MuJoCo's batch has of its own.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled
from jumppad_env.island import Ground, character_path
from jumppad_env.island.mujoco_library import Batch, mujoco
from jumppad_env.levels.rulebook import MOST_DECOYS, floors_of_an_island, walls_of
from jumppad_env.levels.settings import LevelSettings
from jumppad_env.rules import CHARACTERS

FIELDS = ("geom_pos", "geom_quat", "geom_size", "geom_rbound", "geom_aabb", "bvh_aabb")
"""Fields of MuJoCo's model that a level writes."""
PARKED = -100.0
"""m: height of boxes that a level does not use."""
TURNED = (0.8, 0.2, 0.4, 0.4)
"""Orientation at compilation: MuJoCo would never turn a geom that stands straight then."""
FALL_HEIGHT = -12.0
"""m: below this a character has fallen off."""
FLIGHT_SECONDS = 2.2
"""s from a pad to its landing place."""
ABYSS = (400.0, 400.0, 1.0)
"""m, half size of the ground far below, which stops characters that have fallen off."""
COMMON_SOLIDS = 2
"""Boxes that a level has once: the cliff behind the last island, and the abyss."""


def solids_of(settings: LevelSettings) -> int:
    """Returns how many boxes the stock of a level has."""
    hard = settings.distribution_mode == "hard"
    others = 2 + (MOST_DECOYS + 1 if hard else 0)  # terraces; decoys and a moving block
    return COMMON_SOLIDS + settings.islands * (walls_of(settings) + floors_of_an_island(settings) + others)


class Row(NamedTuple):
    """What a level writes into a row of the batch; see `FIELDS`."""

    geom_pos: np.ndarray
    geom_quat: np.ndarray
    geom_size: np.ndarray
    geom_rbound: np.ndarray
    geom_aabb: np.ndarray
    bvh_aabb: np.ndarray


@dataclass(frozen=True, eq=False)
class Stock(Ground):
    """The compiled model, and where a level's numbers go."""

    solids: slice
    """The boxes among the geoms."""
    ramps: slice
    """The pads' ramps among the geoms, island by island, from the left."""

    def expand(self, batch: Batch) -> dict[str, np.ndarray]:
        """Gives every row of a batch fields of its own, (N, ...) each."""
        return {name: batch.expand(name) for name in FIELDS}

    def row(self, solids: np.ndarray, ramps: np.ndarray, swept: dict[int, tuple[float, float]]) -> Row:
        """Returns what a level writes.

        Args:
            solids: (<= boxes, 10): position, half size (m), unit quaternion.
            ramps: (ramps, 4): position (m) and heading (rad).
            swept: boxes that move, and how far (m) along x and y from their positions.
        """
        model, count = self.model, len(solids)
        *others, volumes = (getattr(model, name) for name in FIELDS)
        volumes = volumes[: int(model.body_bvhnum.sum())]  # without the meshes', which take ten times as much memory
        fields = Row(*(np.array(values, np.float64) for values in (*others, volumes)))
        here = slice(self.solids.start, self.solids.start + count)
        fields.geom_pos[here], fields.geom_size[here], fields.geom_quat[here] = np.split(solids, [3, 6], axis=1)
        fields.geom_rbound[here] = np.linalg.norm(solids[:, 3:6], axis=1)
        fields.geom_aabb[here, 3:] = solids[:, 3:6]
        mesh = int(model.geom_dataid[self.ramps.start])
        position, turned = np.empty(3), np.empty(4)
        for geom, (x, y, z, heading) in enumerate(ramps.tolist(), self.ramps.start):
            quaternion = np.array([np.cos(heading / 2), 0.0, 0.0, np.sin(heading / 2)])
            mujoco.mju_rotVecQuat(position, model.mesh_pos[mesh], quaternion)  # the compiler moved its origin
            mujoco.mju_mulQuat(turned, quaternion, model.mesh_quat[mesh])
            fields.geom_pos[geom], fields.geom_quat[geom] = position + (x, y, z), turned
        self._bound(fields, {self.solids.start + index: far for index, far in swept.items()})
        return fields

    def _bound(self, fields: Row, swept: dict[int, tuple[float, float]]) -> None:
        """Computes the bounding volumes of the world's boxes, from the leaves of MuJoCo's tree to its root."""
        model = self.model
        first, count = int(model.body_bvhadr[0]), int(model.body_bvhnum[0])
        geoms = model.bvh_nodeid[first : first + count]
        leaves = np.flatnonzero(geoms >= 0)
        of = geoms[leaves]
        axes = rotations(fields.geom_quat[of])
        center = fields.geom_pos[of] + np.einsum("nij,nj->ni", axes, fields.geom_aabb[of, :3])
        half = np.einsum("nij,nj->ni", np.abs(axes), fields.geom_aabb[of, 3:])
        for geom, far in swept.items():
            half[of == geom, :2] += np.abs(far)
        low, high = np.empty((count, 3)), np.empty((count, 3))
        low[leaves], high[leaves] = center - half, center + half
        enclose(np.ascontiguousarray(model.bvh_child[first : first + count]), low, high)
        fields.bvh_aabb[first : first + count, :3] = (low + high) / 2
        fields.bvh_aabb[first : first + count, 3:] = (high - low) / 2


@compiled
def enclose(children, low, high):
    """Computes the boxes of a tree's inner nodes.

    Args:
        children: (n, 2) of each node, negative for leaves.
        low: (n, 3) m, lowest corners; those of leaves are given.
        high: (n, 3) m, highest corners.
    """
    for node in range(len(children) - 1, -1, -1):  # children come after their parents
        left, right = children[node]
        if left >= 0:
            for axis in range(3):
                low[node, axis] = min(low[left, axis], low[right, axis])
                high[node, axis] = max(high[left, axis], high[right, axis])


def rotations(quaternions: np.ndarray) -> np.ndarray:
    """Returns the rotation matrices (N, 3, 3) of unit quaternions (N, 4)."""
    w, x, y, z = quaternions.T
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )


@functools.cache
def load_stock(settings: LevelSettings) -> Stock:
    """Returns the stock of some settings, compiled once per process: characters as on the classic island."""
    return _load_stock(solids_of(settings), settings.pads * settings.islands)


@functools.cache
def _load_stock(boxes: int, ramps: int) -> Stock:
    spec = mujoco.MjSpec.from_file(str(character_path(next(iter(CHARACTERS)))))
    for geom in list(spec.geoms):
        if not geom.contype:  # all but the character's own
            spec.delete(geom)
    for sensor in list(spec.sensors):
        if sensor.name != "ground":
            spec.delete(sensor)
    spread = np.linspace(0, 300, max(boxes, ramps))  # neighbors in the order of a level become neighbors in the tree
    floor, ramp_like = spec.find_default("barrier"), spec.find_default("pad")
    for index in range(boxes):
        place, size = [0, spread[index], PARKED], [0.1, 0.1, 0.1]
        spec.worldbody.add_geom(floor, name=f"solid_{index}", pos=place, quat=TURNED, size=size)
    for index in range(ramps):
        spec.worldbody.add_geom(ramp_like, name=f"pad_{index}", pos=[10, spread[index], PARKED], quat=TURNED)
        spec.add_sensor(
            name=f"touch_{index}", type=mujoco.mjtSensor.mjSENS_CONTACT, objtype=mujoco.mjtObj.mjOBJ_GEOM,
            objname=f"pad_{index}", intprm=[1, 0, 1],
        )  # fmt: skip
    spec.compiler.fusestatic = True
    model = spec.compile()
    first = model.geom("solid_0").id
    ramp = model.geom("pad_0").id
    touch = int(model.sensor("touch_0").adr[0])
    return Stock(
        model=model,
        solids=slice(first, first + boxes),
        ramps=slice(ramp, ramp + ramps),
        ground_sensor=int(model.sensor("ground").adr[0]),
        pad_sensors=slice(touch, touch + ramps),
    )
