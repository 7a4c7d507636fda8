"""A map of an island with paths on it; that of the classic island is drawn from the geometry of the MJCF."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.patches import Polygon
from scipy.spatial import ConvexHull

from jumppad_env.drawing.scenery import load_model
from jumppad_env.island import load_island
from jumppad_env.island.mujoco_library import mujoco
from jumppad_env.rules import CHARACTERS, PADS

LAYERS: dict[str, tuple[str, ...]] = {
    "terrace": ("terrace_left", "terrace_right"),
    "terrace edge": ("terrace_edge_",),
    "ground": ("plaza_0", "neck_0", "garden_0", "garden_tip_0"),
    "step": ("step_",),
    "lane": ("path_",),
    "bed": ("bed_left", "bed_right"),
    "wall": ("plaza_wall_", "stairs_wall_", "neck_wall_", "garden_wall_"),
    "pad": tuple(f"pad_{pad}" for pad in PADS),
}
"""Layers from bottom to top: names of geoms, or prefixes of names if they end in "_"."""

MAP_COLORS = {
    "terrace": "#eef0f2",
    "terrace edge": "#b9c2c9",
    "ground": "#dfe3e6",
    "step": "#cdd4d8",
    "lane": "#d3d9dd",
    "bed": "#aab5bb",
    "wall": "#8fa0a4",
    "pad": "#5d6b73",
}
MARGIN = 1.0
"""m around the walls."""
LAUNCH = 6.0
"""m beyond the island, to show flights."""


@dataclass(frozen=True, eq=False)
class IslandMap:
    """Outlines seen from above."""

    layers: dict[str, list[np.ndarray]]
    """Convex polygons (n, 2) m by layer."""
    spawns: np.ndarray
    """(4, 2) m."""
    bounds: tuple[float, float, float, float]
    """m: left, right, bottom, top of the visible area."""
    colors: dict[str, str] = field(default_factory=lambda: MAP_COLORS)
    """Color of each layer."""


@functools.cache
def load_map() -> IslandMap:
    """Returns the map of the classic island, computed once per process from the compiled model."""
    island = load_island()
    model = load_model(next(iter(CHARACTERS)))  # includes the scenery
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    names = [model.geom(index).name for index in range(model.ngeom)]
    layers = {}
    for layer, wanted in LAYERS.items():
        chosen = [index for index, name in enumerate(names) if _matches(name, wanted)]
        assert chosen, f"the MJCF has no geom named {wanted} for the map's layer {layer!r}"
        layers[layer] = [_outline(model, data, index) for index in chosen]
    walls = np.concatenate(layers["wall"])
    (left, bottom), (right, top) = walls.min(axis=0), walls.max(axis=0)
    side = max(-left, right) + 2.5 * MARGIN
    bounds = (-side, side, bottom - MARGIN, top + LAUNCH)
    return IslandMap(layers, island.spawns[:, :2], tuple(map(float, bounds)))  # pyright: ignore[reportArgumentType]


def draw_map(axes: Axes, mark: float = 26.0, island_map: IslandMap | None = None) -> None:
    """Draws an island into axes, sets their limits and removes their ticks.

    Args:
        axes: axes to draw into.
        mark: size of the crosses at the spawn points, points squared.
        island_map: what to draw; by default the classic island.
    """
    island_map = island_map or load_map()
    for layer, polygons in island_map.layers.items():
        color = island_map.colors[layer]
        # An outline of the same color hides hairline gaps between neighbors.
        shapes = PolyCollection(polygons, facecolors=color, edgecolors=color, linewidths=0.4)
        axes.add_collection(shapes, autolim=False)
        if layer == "step":  # the steps are boxes that reach through the walls
            shapes.set_clip_path(Polygon(island_map.layers["ground"][0], transform=axes.transData))
    axes.scatter(*island_map.spawns.T, s=mark, c="#1c2126", marker="x", linewidths=1.6, zorder=5)
    left, right, bottom, top = island_map.bounds
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    axes.set_axis_off()


def draw_paths(axes: Axes, paths: Iterable[np.ndarray], color: str | Sequence[str], width: float = 1.1) -> None:
    """Draws paths as translucent lines, which become solid where many overlap.

    Args:
        axes: axes of the map.
        paths: (n, 2) m each.
        color: color of all lines, or of each line.
        width: line width, points.
    """
    lines = [np.asarray(path) for path in paths]
    # One path among a thousand stays visible, and a hundred along one lane become solid.
    opacity = float(np.clip(8.0 / max(1, len(lines)) ** 0.75, 0.10, 0.9))
    collection = LineCollection(lines, colors=color, linewidths=width, alpha=opacity, zorder=3, capstyle="round")
    # Thousands of lines take megabytes as vectors.
    collection.set_rasterized(True)
    axes.add_collection(collection, autolim=False)


def _matches(name: str, wanted: tuple[str, ...]) -> bool:
    if "_cap_" in name:  # the light top of a wall
        return False
    return any(name == pattern or (pattern.endswith("_") and name.startswith(pattern)) for pattern in wanted)


def _outline(model: mujoco.MjModel, data: mujoco.MjData, geom: int) -> np.ndarray:
    """Returns the outline (n, 2) m of a box or a convex mesh seen from above, counterclockwise."""
    kind = model.geom_type[geom]
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        corners = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, 8).T * model.geom_size[geom]
    else:
        assert kind == mujoco.mjtGeom.mjGEOM_MESH, f"geom {model.geom(geom).name!r} is neither a box nor a mesh"
        mesh = model.mesh(int(model.geom_dataid[geom]))
        first, count = int(mesh.vertadr[0]), int(mesh.vertnum[0])
        corners = model.mesh_vert[first : first + count].astype(np.float64)
    world = corners @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
    seen = world[:, :2].round(6)
    return seen[ConvexHull(seen).vertices]
