"""Writes MJCF: boxes, beams, discs and convex hulls, each with a name of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

HEAD = """<mujoco>
  <!-- Made by tools/build_scenery.py: all that is seen and not touched. -->
"""

Point = Sequence[float] | np.ndarray


def text(values: Iterable[float]) -> str:
    """Returns numbers as MJCF wants them, to a micrometer: faces must stay flat."""
    return " ".join(f"{value:.6f}".rstrip("0").rstrip(".") for value in np.round(list(values), 6) + 0.0)


class Scenery:
    """Collects meshes, geoms and bodies, and writes them."""

    def __init__(self) -> None:
        """Starts empty."""
        self._meshes: list[str] = []
        self._lines: list[str] = []
        self._indent = "    "
        self._count: dict[str, int] = {}

    def name(self, stem: str) -> str:
        """Returns a name that no other has."""
        number = self._count.get(stem, 0)
        self._count[stem] = number + 1
        return f"{stem}_{number}"

    def body(self, name: str, pos: Point, yaw: float = 0.0) -> None:
        """Opens a body that looks may move; angles in degrees."""
        turn = f' euler="0 0 {yaw:g}"' if yaw else ""
        self._lines.append(f'    <body name="{name}" pos="{text(pos)}"{turn}>')
        self._indent = "      "

    def end(self) -> None:
        """Closes it."""
        self._lines.append("    </body>")
        self._indent = "    "

    def comment(self, words: str) -> None:
        """Adds a comment."""
        self._lines.append(f"\n{self._indent}<!-- {words} -->")

    def site(self, stem: str, pos: Point) -> None:
        """Adds a named place."""
        self._lines.append(f'{self._indent}<site name="{self.name(stem)}" pos="{text(pos)}" group="5"/>')

    def box(
        self, stem: str, material: str, pos: Point, size: Point, euler: Point = (0, 0, 0), kind: str = "decor"
    ) -> None:
        """Adds a box of half sizes; angles in degrees."""
        turn = f' euler="{text(euler)}"' if any(euler) else ""
        self._geom(kind, stem, f'pos="{text(pos)}"{turn} size="{text(size)}" material="{material}"')

    def beam(self, stem: str, material: str, start: Point, end: Point, thick: float, kind: str = "decor") -> None:
        """Adds a square beam from one point to another."""
        first, last = np.array(start, float), np.array(end, float)
        along = (last - first) / np.linalg.norm(last - first)
        side = np.cross(along, [0.0, 0.0, 1.0] if abs(along[2]) < 0.9 else [0.0, 1.0, 0.0])
        side /= np.linalg.norm(side)
        size = (float(np.linalg.norm(last - first)) / 2, thick, thick)
        where = f'pos="{text((first + last) / 2)}" xyaxes="{text([*along, *side])}"'
        self._geom(kind, stem, f'{where} size="{text(size)}" material="{material}"')

    def disc(
        self, stem: str, material: str, pos: Point, radius: float, height: float = 0.03, kind: str = "decor"
    ) -> None:
        """Adds an upright cylinder of half height."""
        self._geom(
            kind, stem, f'type="cylinder" pos="{text(pos)}" size="{text([radius, height])}" material="{material}"'
        )

    def hull(
        self, stem: str, material: str, points: Iterable[Point], kind: str = "decor", pos: Point = (0, 0, 0)
    ) -> None:
        """Adds the convex hull of points."""
        mesh = self.name(f"mesh_{stem}")
        self._meshes.append(f'    <mesh name="{mesh}" vertex="{"  ".join(text(point) for point in points)}"/>')
        self._geom(kind, stem, f'type="mesh" mesh="{mesh}" pos="{text(pos)}" material="{material}"')

    def write(self, path: Path) -> None:
        """Writes the MJCF."""
        meshes, lines = "\n".join(self._meshes), "\n".join(self._lines)
        path.write_text(f"{HEAD}  <asset>\n{meshes}\n  </asset>\n  <worldbody>{lines}\n  </worldbody>\n</mujoco>\n")

    def _geom(self, kind: str, stem: str, rest: str) -> None:
        self._lines.append(f'{self._indent}<geom class="{kind}" name="{self.name(stem)}" {rest}/>')


def ring(
    radius: float, z: float, sides: int, start: float = 0.0, squash: float = 1.0
) -> list[tuple[float, float, float]]:
    """Returns points of a circle around the origin."""
    angles = [start + 2 * math.pi * index / sides for index in range(sides)]
    return [(radius * math.cos(angle), squash * radius * math.sin(angle), z) for angle in angles]


def prism(outline: Iterable[Point], bottom: float, top: float, grow: float = 0.0) -> list[tuple[float, float, float]]:
    """Returns the corners of an upright prism, its top larger by `grow` all round."""
    flat = np.array(list(outline), float)[:, :2]
    middle = flat.mean(axis=0)
    out = flat - middle
    wide = flat + grow * out / np.linalg.norm(out, axis=1, keepdims=True)
    return [(x, y, bottom) for x, y in flat] + [(x, y, top) for x, y in wide]


def blob(radius: Point, seed: int, sides: int = 6) -> list[tuple[float, float, float]]:
    """Returns the corners of a bush around the origin, flat below."""
    generator = np.random.default_rng(seed)
    start, wide, high = generator.uniform(0, 1), generator.uniform(0.9, 1.1), generator.uniform(0.9, 1.1)
    levels = ((0.75, 0.0), (1.0 * wide, 0.45), (0.6 * wide, 0.95 * high))
    return [
        (x * radius[0], y * radius[1], up * radius[2]) for part, up in levels for x, y, _ in ring(part, 0, sides, start)
    ]
