"""The island: compiles the MJCF and resolves its names, once per process.

All solid geometry is in ``assets/*.xml``; the environment's code repeats none of its numbers.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jumppad_env.island.mujoco_library import mujoco
from jumppad_env.rules import CHARACTERS, PADS

PACKAGE = Path(__file__).parents[1]


def character_path(character: str) -> Path:
    """Returns the MJCF file of a character standing on the island.

    Raises:
        FileNotFoundError: The installation has no assets.
    """
    # The first is a link in a checkout, and a text file in one without links, as Windows and ZIP archives make them.
    for folder in (PACKAGE / "assets", PACKAGE.parent / "assets"):
        if (folder / "island.xml").is_file():
            return folder / f"{character}.xml"
    raise FileNotFoundError(
        f"the assets are missing: neither {PACKAGE / 'assets'} nor {PACKAGE.parent / 'assets'} has an island.xml; "
        "check out or install the package again"
    )


@dataclass(frozen=True, eq=False)
class Island:
    """The compiled physics model, shared by all characters, and the places and sensors that the rules need."""

    model: mujoco.MjModel
    spawns: np.ndarray
    """(4, 3) m, spawn points; characters start facing +y."""
    landings: np.ndarray
    """(3, 3) m, where the launch of each pad ends."""
    pads: np.ndarray
    """(3, 3) m, center of each pad's base."""
    ways: dict[str, np.ndarray]
    """(3,) m, named points along the track: stairs, neck_in, neck_out, and <pad>_in, <pad>_out of each lane."""
    plaza: tuple[np.ndarray, np.ndarray]
    """Center (3,) and half size (3,) of the part of the plaza where players move, m."""
    fall_height: float
    """m; a character below it has fallen off."""
    flight_seconds: float
    """s from a pad to its landing place."""
    ground_sensor: int
    """Column of the sensor data: number of contacts of the foot."""
    pad_sensors: slice
    """Columns of the sensor data: number of contacts with each pad."""

    @property
    def gravity(self) -> float:
        """m/s^2, positive downwards."""
        return -float(self.model.opt.gravity[2])

    @property
    def timestep(self) -> float:
        """Length of one physics step, s."""
        return float(self.model.opt.timestep)

    def substeps(self, control_step: float) -> int:
        """Returns the number of physics steps in a control step.

        Raises:
            ValueError: the control step is not a multiple of the physics step.
        """
        count = round(control_step / self.timestep)
        if count < 1 or abs(count * self.timestep - control_step) > 1e-9:
            raise ValueError(f"control step {control_step} s is not a multiple of the physics step {self.timestep} s")
        return count


def _mesh_origin(model: mujoco.MjModel, data: mujoco.MjData, geom: str) -> np.ndarray:
    """Returns a mesh geom's origin in the MJCF, (3,) m: the compiler moves its frame to the mesh's center of mass."""
    mesh = int(model.geom_dataid[model.geom(geom).id])
    turned = np.empty(9)
    mujoco.mju_quat2Mat(turned, model.mesh_quat[mesh])
    axes = data.geom(geom).xmat.reshape(3, 3) @ turned.reshape(3, 3).T
    return data.geom(geom).xpos - axes @ model.mesh_pos[mesh]


@functools.cache
def load_island() -> Island:
    """Returns the island, compiled without scenery.

    Raises:
        ValueError: the MJCF declares the pads' touch sensors in another order than `PADS`.
    """
    spec = mujoco.MjSpec.from_file(str(character_path(next(iter(CHARACTERS)))))
    for geom in list(spec.geoms):  # MuJoCo updates all geoms at every step: without scenery a fifth faster
        if not geom.contype and not geom.conaffinity:
            spec.delete(geom)
    spec.compiler.fusestatic = True  # and without the bodies that are only drawn
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    names = [model.site(index).name for index in range(model.nsite)]
    spawns = [data.site(name).xpos for name in names if name.startswith("spawn_")]
    touch = [int(model.sensor(f"touch_{pad}").adr[0]) for pad in PADS]
    if touch != list(range(touch[0], touch[0] + len(PADS))):
        raise ValueError(f"the MJCF must declare the pads' touch sensors in the order {PADS}; found columns {touch}")
    return Island(
        model=model,
        spawns=np.array(spawns),
        landings=np.array([data.site(f"landing_{pad}").xpos for pad in PADS]),
        pads=np.array([_mesh_origin(model, data, f"pad_{pad}") for pad in PADS]),
        ways={name.removeprefix("way_"): data.site(name).xpos.copy() for name in names if name.startswith("way_")},
        plaza=(data.site("plaza_area").xpos.copy(), model.site_size[model.site("plaza_area").id].copy()),
        fall_height=float(model.numeric("fall_height").data[0]),
        flight_seconds=float(model.numeric("flight_seconds").data[0]),
        ground_sensor=int(model.sensor("ground").adr[0]),
        pad_sensors=slice(touch[0], touch[0] + len(PADS)),
    )
