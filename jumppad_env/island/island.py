"""The classic island: compiles the MJCF and resolves its names, once per process.

All solid geometry is in ``assets/*.xml``; the environment's code repeats none of its numbers.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jumppad_env.island.mujoco_library import mujoco
from jumppad_env.rules import CHARACTERS, PADS

YELLOW = 2
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


class Passing(NamedTuple):
    """Where players run past a pad: m along the launch from its middle, and across it."""

    across: tuple[float, float]
    """m beside the middle of the pad, from and to, where there is room to pass."""
    before: tuple[float, float]
    """Along, and across as a multiple of that: where they leave the lane's middle."""
    beyond: tuple[float, float]
    """The same, where they notice."""
    retreat: tuple[float, float]
    """Along, and m across: from where they try again."""
    both_sides: bool
    """Whether there is room on both sides; otherwise only on that of the island's middle."""


BESIDE = Passing(across=(2.6, 3.1), before=(-2.5, 1.0), beyond=(1.6, 1.0), retreat=(-1.5, 2.5), both_sides=False)
"""Of a side pad, which stands in a wide garden."""
ENCLOSED = Passing(across=(1.0, 1.0), before=(-5.0, 2.0), beyond=(-2.2, 3.6), retreat=(-4.5, 0.8), both_sides=True)
"""Of the middle pad, which is enclosed by walls: runs past its ramp end at the wall."""


@dataclass(frozen=True, eq=False)
class Places:
    """The places of an island that rules and people need; P pads, from the left."""

    spawns: np.ndarray
    """(4, 3) m, spawn points; characters start facing +y."""
    landings: np.ndarray
    """(P, 3) m, where the launch of each pad ends."""
    pads: np.ndarray
    """(P, 3) m, center of each pad's base."""
    ways: dict[str, np.ndarray]
    """(3,) m, named points along the track: stairs, neck_in, neck_out; and off it: terrace_left, terrace_right. The
    classic island also names those of its lanes: <pad>_in, <pad>_out."""
    lanes: tuple[np.ndarray, ...]
    """P times (n, 3) m, points along the lane to each pad, n at least 2."""
    plaza: tuple[np.ndarray, np.ndarray]
    """Center (3,) and half size (3,) of the part of the plaza where players move, m."""
    passing: tuple[Passing, ...]
    """How to run past each pad."""
    jumps: tuple[np.ndarray, ...]
    """P times (n, 3) m, places on the lane to each pad from where one has to jump; n may be 0."""
    aside: float
    """m, how far from the middle people may run through the neck."""
    leap: tuple[float, float]
    """m along y from the middle of the terraces: from where to where a leap over the neck's wall ends on one."""
    fall_height: float
    """m; a character below it has fallen off."""
    flight_seconds: float
    """s from a pad to its landing place."""
    colors: tuple[int, ...]
    """Color of each pad, an index into `jumppad_env.levels.COLORS`; on the classic island all are yellow."""
    cue: int = -1
    """Color that the flag shows, -1 without one."""


@dataclass(frozen=True, eq=False)
class Ground:
    """A compiled physics model that all characters share, and the columns of its sensors."""

    model: mujoco.MjModel
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


@dataclass(frozen=True, eq=False)
class Island(Places, Ground):
    """The classic island: its places and its physics."""


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
    ways = {name.removeprefix("way_"): data.site(name).xpos.copy() for name in names if name.startswith("way_")}
    if unnamed := [name for pad in PADS for name in (f"{pad}_in", f"{pad}_out") if name not in ways]:
        raise ValueError(f"people find no way: assets/island.xml needs a site way_{unnamed[0]}")
    return Island(
        model=model,
        spawns=np.array(spawns),
        landings=np.array([data.site(f"landing_{pad}").xpos for pad in PADS]),
        pads=np.array([_mesh_origin(model, data, f"pad_{pad}") for pad in PADS]),
        ways=ways,
        lanes=tuple(np.array([ways[f"{pad}_in"], ways[f"{pad}_out"]]) for pad in PADS),
        passing=tuple(ENCLOSED if pad == "middle" else BESIDE for pad in PADS),
        jumps=(np.empty((0, 3)),) * len(PADS),
        aside=1.9,
        leap=(2.0, 7.0),
        colors=(YELLOW,) * len(PADS),
        plaza=(data.site("plaza_area").xpos.copy(), model.site_size[model.site("plaza_area").id].copy()),
        fall_height=float(model.numeric("fall_height").data[0]),
        flight_seconds=float(model.numeric("flight_seconds").data[0]),
        ground_sensor=int(model.sensor("ground").adr[0]),
        pad_sensors=slice(touch[0], touch[0] + len(PADS)),
    )
