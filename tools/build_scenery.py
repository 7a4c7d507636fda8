"""Generates assets/scenery.xml: everything on the island that is drawn but not solid.

python tools/build_scenery.py

The solid geometry, assets/island.xml, is written by hand; wall caps follow from it. Every shape is a box, a cylinder or
a convex mesh. Class "decor" is drawn for agents and people, "detail" for people only.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import mujoco
import numpy as np
from scene_writer import Point, Scenery, blob, prism, ring, symmetric

ASSETS = Path(__file__).parents[1] / "assets"


def caps(scene: Scenery, solid: mujoco.MjModel) -> None:
    """Light caps on the walls."""
    scene.comment("Caps of the walls.")
    data = mujoco.MjData(solid)
    mujoco.mj_forward(solid, data)
    for index in range(solid.ngeom):
        geom = solid.geom(index)
        if "_wall" not in geom.name:
            continue
        axes, (length, _, height) = data.geom_xmat[index].reshape(3, 3), geom.size
        section = ((-0.34, 0.0), (0.34, 0.0), (0.24, 0.14), (-0.24, 0.14))
        corners = [data.geom_xpos[index] + axes @ (end * length, y, height + z) for end in (-1, 1) for y, z in section]
        scene.hull(f"{geom.name}_cap", "edge", corners)


def plaza(scene: Scenery) -> None:
    """Floor, spawn pads, cables and stairs."""
    scene.comment("Plaza: planks, spawn pads, stairs.")
    scene.hull("plaza", "planks", prism(symmetric([(5, -6), (8, -3), (8, 5), (5.6, 8.5), (3.3, 11.8)]), -3, 0))
    for x, y, half in ((-6, 0.9, 4.9), (-3.6, 0, 5.9), (0, 0, 5.9), (3.6, 0, 5.9), (6, 0.9, 4.9)):
        scene.box("plank_gap", "plank_gap", (x, y, 0.002), (0.05, half, 0.008))
    for x, y in ((-2.4, -2.5), (2.4, -2.5), (-2.4, 2.5), (2.4, 2.5)):
        rings = (
            (1.4, "iron", "detail"),
            (1.3, "teal", "decor"),
            (0.95, "iron", "decor"),
            (0.72, "rim", "decor"),
            (0.45, "teal", "detail"),
        )
        for level, (radius, material, kind) in enumerate(rings):
            scene.disc("spawn_pad", material, (x, y, 0.01 + 0.015 * level), radius, 0.02, kind=kind)
        for turn in range(6):
            angle = math.pi * (turn + 0.5) / 3
            where = (x + 1.12 * math.cos(angle), y + 1.12 * math.sin(angle), 0.06)
            scene.box("spawn_clamp", "rim", where, (0.22, 0.1, 0.05), (0, 0, math.degrees(angle)), kind="detail")
    cables = [
        [(-7.6, -1), (-5.2, -0.4), (-3.2, 0.3), (-0.8, -0.2), (1.2, 0.4), (3.4, -0.1), (5.4, 0.6), (7.6, 0)],
        [(-1.2, -5.7), (-0.6, -3.4), (0.3, -1.2), (-0.2, 1.4), (0.5, 3.4), (0.1, 5.8)],
        [(-7.5, 3.6), (-5.6, 4.6), (-4.2, 4.2), (-2.4, 4.7), (-0.4, 4.9), (1.6, 4.6), (4.4, 5.0), (7.4, 3.8)],
    ]
    for cable in cables:
        for start, end in zip(cable, cable[1:], strict=False):
            scene.beam("cable", "iron", (*start, 0.05), (*end, 0.05), 0.07, kind="detail")
    for step in range(5):
        center, radius = 15.0, 9.0 - 1.1 * step
        points = []
        for part in range(-5, 6):
            angle = part / 5 * math.radians(62)
            x, y = radius * math.sin(angle), center - radius * math.cos(angle)
            limit = 8.2 - 0.69 * max(y - 5, 0)  # the walls at both sides
            if abs(x) < limit and y < 11.8:
                points.append((x, y))
        widest = max(abs(x) for x, _ in points)
        points += [(-widest, 11.9), (widest, 11.9)]
        material = ("stone", "stone_dark")[step % 2]
        scene.hull("step", material, prism(points, 0.2 * step - 0.02, 0.2 * step + 0.2))


def arch(scene: Scenery) -> None:
    """The dark arch over the neck's entrance, with ivy."""
    scene.comment("Arch.")
    brace = partial(scene.beam, "arch_brace", "iron", kind="detail")
    for side in (-1, 1):
        for x, y in ((3.45, 11.7), (4.35, 11.7), (3.45, 12.9), (4.35, 12.9)):
            kind = "decor" if y < 12 else "detail"
            scene.box("arch_post", "iron", (side * x, y, 2.8), (0.16, 0.16, 2.8), kind=kind)
        scene.box("arch_foot", "iron", (side * 3.9, 12.3, 0.9), (0.75, 0.85, 0.3))
        for level in range(4):
            low, high = 1.2 + 1.1 * level, 2.3 + 1.1 * level
            ends = (3.45, 4.35) if level % 2 else (4.35, 3.45)
            brace((side * ends[0], 11.7, low), (side * ends[1], 11.7, high), 0.07)
            brace((side * 3.45, 11.7, high), (side * 3.45, 12.9, low), 0.06)
        ivy = ((4.5, 11.9, 0.6), (4.3, 11.6, 4.4), (3.9, 12.0, 5.6), (4.8, 12.4, 2.6), (3.7, 11.7, 3.0))
        for index, (x, y, z) in enumerate(ivy):
            kind, leaves = "detail" if index else "decor", blob((0.55, 0.5, 0.9), 10 + index)
            scene.hull("ivy", ("leaf", "hedge")[index % 2], leaves, pos=(side * x, y, z), kind=kind)
    angles = [math.radians(angle) for angle in range(0, 181, 30)]
    for y, inner, outer, kind in ((11.7, 3.45, 4.35, "decor"), (12.9, 3.45, 4.35, "detail")):
        for radius in (inner, outer):
            own = "detail" if radius == outer else kind
            ends = [(radius * math.cos(angle), y, 5.4 + 0.72 * radius * math.sin(angle)) for angle in angles]
            for start, end in zip(ends, ends[1:], strict=False):
                scene.beam("arch_bow", "iron", start, end, 0.18, kind=own)
        for first, second in zip(angles, angles[1:], strict=False):
            start = (inner * math.cos(first), y, 5.4 + 0.72 * inner * math.sin(first))
            end = (outer * math.cos(second), y, 5.4 + 0.72 * outer * math.sin(second))
            brace(start, end, 0.06)


def ground(scene: Scenery) -> None:
    """Grass, plank paths and the side terraces."""
    scene.comment("Neck and garden: grass and paths.")
    scene.box("neck", "grass", (0, 17.6, -1), (3.3, 5.7, 2))
    garden = [(3.3, 23.3), (3.8, 24.3), (11.3, 38.7), (11.3, 41.1), (10.3, 42.2), (6, 42.3)]
    scene.hull("garden", "grass", prism([*garden, *((-x, y) for x, y in garden[::-1])], -4, 1))
    tip = [(6, 42.3), (3.1, 46.9), (1.4, 50)]
    scene.hull("garden_tip", "grass", prism([*tip, *((-x, y) for x, y in tip[::-1])], -4, 1))
    flat = (0.98, 1.03)
    scene.hull("landing", "stone", prism(symmetric([(3.2, 11.8), (2.6, 13.4)]), 0.95, 1.04))
    scene.hull("path", "path", prism(symmetric([(1.7, 13.2), (1.35, 18), (1.5, 24)]), *flat))
    scene.hull("path", "path", prism(symmetric([(1.5, 23.9), (3.6, 28.2), (1.6, 30)]), *flat))
    scene.hull("path", "path", prism(symmetric([(1.5, 29.9), (1.3, 38), (1.7, 44), (0.9, 47.4)]), *flat))
    for side in (-1, 1):
        lane = [(2.0, 27.2), (3.6, 26.6), (5.6, 30.4), (9.6, 38.2), (9.7, 39.6), (7.6, 39.4), (6.9, 36.8), (3.7, 29.6)]
        scene.hull("path", "path", prism([(side * x, y) for x, y in lane], *flat))
        scene.box("terrace_edge", "edge", (side * 17.9, 12.5, -1.4), (0.2, 10.5, 0.15))
        for index, y in enumerate((5.0, 9.5, 14.0, 18.5)):
            where, bush = (side * (16.9 - 0.4 * (index % 2)), y, -1.5), blob((0.9, 1.5, 1.1), 30 + index)
            scene.hull("terrace_bush", ("hedge", "leaf")[index % 2], bush, pos=where, kind="detail")


def beds(scene: Scenery) -> None:
    """Rims, hedges and cypresses of the planter beds."""
    scene.comment("Planter beds.")
    outline = [(6.2, 36.8), (2.2, 38.7), (2.0, 28.4), (2.9, 28.4)]
    trees = {-1: ((-4.0, 36.0), (-3.1, 32.5)), 1: ((3.5, 35.9), (2.5, 32.5))}
    for side in (-1, 1):
        own = [(side * x, y) for x, y in outline]
        middle = np.mean(own, axis=0)
        rim = [middle + (np.array(point) - middle) * 1.02 for point in own]
        scene.hull("bed_rim", "edge", prism(rim, 1.78, 1.92))
        scene.hull("bed_foot", "iron", prism(rim, 0.95, 1.12))
        inner = [middle + (np.array(point) - middle) * (0.93, 0.95) for point in own]
        scene.hull("hedge", "hedge", prism(inner, 1.9, 2.28, grow=-0.2))
        bushes = [(2.45, 29.6, 0.5), (2.6, 31.0, 0.55), (3.2, 33.6, 0.8), (4.3, 35.2, 0.9)]
        bushes += [(3.0, 37.2, 0.9), (5.3, 36.6, 0.7)]
        for index, (x, y, radius) in enumerate(bushes):
            points = blob((radius, radius * 1.1, 0.55 + 0.4 * radius), 50 + index)
            kind = "decor" if index == 3 else "detail"
            scene.hull("bush", ("leaf", "hedge")[index % 2], points, pos=(side * x, y, 2.1), kind=kind)
        for x, y in trees[side]:
            cypress(scene, (x, y, 2.1))


def cypress(scene: Scenery, pos: Point) -> None:
    """A slender tree: a simple shape for agents, five skirts for people."""
    shape = [*ring(0.5, 0, 5), *ring(0.85, 1.2, 5), *ring(0.55, 3.3, 5), (0, 0, 4.9)]
    scene.hull("cypress", "cypress", shape, pos=pos)
    for level, (radius, z) in enumerate(((0.98, 0.15), (1.0, 1.0), (0.86, 1.9), (0.68, 2.8), (0.46, 3.7))):
        skirt = [*ring(radius, z, 8, start=0.4 * level), *ring(0.4 * radius, z + 1.25, 8, start=0.4 * level)]
        scene.hull("cypress_skirt", ("cypress", "hedge")[level % 2], skirt, pos=pos, kind="detail")


def pads(scene: Scenery) -> None:
    """Bases, rings and chevrons of the jump pads."""
    scene.comment("Jump pads: base, ring, chevrons. The ramps are solid (island.xml).")
    for x, y, yaw in ((-8.9, 39.7, 9), (0, 48.3, 0), (8.6, 39.4, -9)):
        size = 1.75 if x else 1.6
        scene.disc("pad_ring", "glow", (x, y, 1.02), size + 0.2, 0.02)
        scene.disc("pad_base", "iron", (x, y, 1.04), size, 0.03)
        cos, sin = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))

        def local(right: float, ahead: float, up: float, cos=cos, sin=sin, x=x, y=y) -> Point:
            return (x + right * cos - ahead * sin, y + right * sin + ahead * cos, 1 + up)

        slope = 0.67 / 1.8
        for ahead in (-0.55, 0.15):
            for side in (-1, 1):
                start, end = (0.0, ahead + 0.5), (side * 0.75, ahead)
                corners = [
                    local(right, forward, 0.08 + slope * (forward + 0.9) + up)
                    for right, forward in (start, end, (end[0], end[1] - 0.24), (0.0, start[1] - 0.24))
                    for up in (0.0, 0.02)
                ]
                scene.hull("chevron", "chevron", corners, kind="detail")
        for side in (-1, 1):
            start, end = local(side * 1.34, -0.95, 0.05), local(side * 1.14, 0.95, 0.78)
            scene.beam("pad_rail", "chevron", start, end, 0.06, kind="detail")


def cliff(scene: Scenery) -> None:
    """The main map's cliff with its columns, terraces and trees."""
    scene.comment("The cliff of the main map.")
    for index, x in enumerate((-48, -33, -20, -7, 6, 19, 31, 46)):
        half = (3.4, 1.6, 2.4)[index % 3]
        shape = [(x - half, 62.1, -23), (x + half, 62.1, -23), (x - half * 0.6, 60.2, -23), (x + half * 0.6, 60.2, -23)]
        scene.hull("column", "cliff_dark", [*shape, *((px, py, 3.4 - 0.5 * (index % 2)) for px, py, _ in shape)])
        for z in (-2.5, -7.5, -12.5):
            corners = [
                (x + 6.5 + dx, y, z + dz) for dx, dz in ((0, 2), (1.1, 0), (0, -2), (-1.1, 0)) for y in (61.85, 62.2)
            ]
            scene.hull("diamond", "diamond", corners, kind="detail")
    scene.box("cliff_lip", "stone", (0, 62.2, 4.1), (75, 0.7, 0.3))
    scene.box("upper_terrace", "cliff", (0, 100, 5.5), (72, 12, 2.5))
    scene.box("upper_lip", "stone_dark", (0, 88, 8.1), (72, 0.5, 0.25), kind="detail")
    generator = np.random.default_rng(4)
    for index in range(16):
        x, y = -56 + 7.4 * index + generator.uniform(-2, 2), generator.uniform(90, 98)
        high, wide = generator.uniform(5, 9), generator.uniform(1.6, 2.6)
        kind, sides = ("decor", 4) if index % 2 else ("detail", 7)
        shape = [*ring(wide, 0.6, sides, start=0.5), (0, 0, high)]
        scene.hull("pine", ("cypress", "hedge")[index // 2 % 2], shape, pos=(x, y, 8), kind=kind)
    for index, x in enumerate((-14, -3, 4.5, 12)):
        high = (2.6, 3.6, 2.8, 3.2)[index]
        scene.box("house", "building", (x, 104 + index, 8 + high), (3.0, 3, high))
        scene.box("roof", "funnel", (x, 104 + index, 8.3 + 2 * high), (3.3, 3.3, 0.35), kind="detail")


def landmarks(scene: Scenery) -> None:
    """Landmarks that distinguish left from right: a ship, cranes, a scaffold; separate bodies, which looks may move."""
    scene.comment("Landmarks: to the left a ship, to the right cranes and a scaffold.")
    with scene.body("landmark_ship", (-33, 84, 7)):
        lower = [(*point[:2], 0.0) for point in ring(8, 0, 8, squash=0.35)]
        middle = [(x * 2.1, y * 2.2, 5.0) for x, y, _ in lower]
        top = [(x * 2.25 + 0.5, y * 2.3, 8.5) for x, y, _ in lower]
        scene.hull("ship_hull", "hull", [*lower, *middle, *top, (-23, 0, 10.5), (21, 0, 9.5)])
        scene.box("ship_stripe", "funnel", (0, -6.55, 7.2), (13, 0.2, 0.45))
        deck = [(-12, -4.6), (11, -4.6), (13, 0), (11, 4.6), (-12, 4.6)]
        scene.hull("ship_deck", "ship_deck", prism(deck, 9.0, 11.8))
        scene.hull("ship_bridge", "hull", prism([(-7, -3.4), (6, -3.4), (6, 3.4), (-7, 3.4)], 11.8, 14.6, grow=0.6))
        scene.disc("ship_funnel", "funnel", (1, 0, 16.6), 1.9, 2.2)
        scene.disc("ship_funnel", "iron", (1, 0, 18.9), 1.95, 0.4, kind="detail")
        scene.beam("ship_mast", "ship_deck", (-6, 0, 14), (-9, 0, 25), 0.22)
        scene.hull("ship_sail", "funnel", [(-9, 0, 24.8), (-9.1, 0.2, 20), (-15.5, 0, 21.5), (-8, 0, 19.5)])
        for x in range(-12, 13, 4):
            scene.disc("porthole", "glow", (x, -6.1, 4.4), 0.7, 0.12, kind="detail")
            scene.box("ship_window", "glow", (x * 0.7, -3.9, 13.2), (0.8, 0.2, 0.5), kind="detail")
    for index, (x, y, high, boom, yaw) in enumerate(((27, 82, 24, 20, 8), (42, 92, 30, 24, -14))):
        with scene.body(f"landmark_crane_{index}", (x, y, 4), yaw):
            scene.box("crane_mast", "crane", (0, 0, high / 2), (0.8, 0.8, high / 2))
            for level in range(int(high // 3)):
                start, end = (-0.82, -0.84, 3 * level), (0.82, -0.84, 3 * level + 3)
                scene.beam("crane_lattice", "iron", start, end, 0.12, kind="detail")
            scene.beam("crane_boom", "crane", (0.4 * boom, 0, high + 0.4), (-boom, 0, high + 3.4), 0.6)
            scene.box("crane_weight", "iron", (0.38 * boom, 0, high - 0.8), (1.4, 1.0, 1.1))
            scene.box("crane_cabin", "ship_deck", (-1.2, -0.9, high - 0.4), (0.8, 0.8, 0.9))
            scene.beam("crane_tie", "iron", (0, 0, high + 5), (-0.75 * boom, 0, high + 2.9), 0.14, kind="detail")
            scene.beam("crane_tie", "iron", (0, 0, high + 5), (0.36 * boom, 0, high + 0.6), 0.14, kind="detail")
            scene.box("crane_top", "crane", (0, 0, high + 2.4), (0.5, 0.5, 2.6))
            scene.beam(
                "crane_rope", "iron", (-0.8 * boom, 0, high + 2.8), (-0.8 * boom, 0, high - 8), 0.1, kind="detail"
            )
    with scene.body("landmark_scaffold", (30, 72, 4)):
        scene.box("scaffold_core", "building", (0, 2, 5), (7, 2.2, 5))
        for x in (-8, -4, 0, 4, 8):
            scene.box("scaffold_pole", "iron", (x, -1.9, 5.2), (0.14, 0.14, 5.2), kind="detail")
        for level in range(4):
            scene.box("scaffold_floor", "iron", (0, -0.6, 2.4 + 2.5 * level), (8.2, 1.4, 0.16))
            for x in (-8, 8):
                start, end = (x, -1.9, 2.5 * level), (x / 2, -1.9, 2.5 * level + 2.5)
                scene.beam("scaffold_brace", "iron", start, end, 0.1, kind="detail")
    with scene.body("landmark_tower", (16, 98, 8)):
        scene.box("tower", "building", (0, 0, 5), (3.2, 3.2, 5))
        scene.hull("tower_roof", "hull", [*ring(5.2, 10, 4, start=math.pi / 4), (0, 0, 14.5)])
    with scene.body("landmark_dome", (-56, 92, 6)):
        scene.box("dome_base", "building", (0, 0, 3), (5.5, 5, 3))
        scene.hull("dome", "teal", [*ring(5.4, 6, 8), *ring(4.2, 8.8, 8), *ring(1.8, 10.4, 8)])


def clutter(scene: Scenery) -> None:
    """Objects that looks scatter beside the track; sites mark the possible places."""
    scene.comment("Clutter: out of sight until a look places it on one of the spots.")
    far = (0, -60, -60)
    for index in range(3):
        with scene.body(f"clutter_crate_{index}", far):
            size = 0.35 + 0.12 * index
            scene.box("crate", "crate", (0, 0, size), (size, size, size))
            scene.box("crate_lid", "edge", (0, 0, 2 * size), (size * 1.08, size * 1.08, 0.06))
    for index in range(2):
        with scene.body(f"clutter_barrel_{index}", far):
            shape = [*ring(0.36, 0, 7), *ring(0.44, 0.5, 7), *ring(0.36, 1.0, 7)]
            scene.hull("barrel", ("funnel", "hull")[index], shape)
    with scene.body("clutter_pot", far):
        scene.hull("pot", "bed", [*ring(0.32, 0, 6), *ring(0.5, 0.6, 6)])
        scene.hull("pot_bush", "leaf", blob((0.6, 0.6, 0.9), 77), pos=(0, 0, 0.6))
    with scene.body("clutter_sign", far):
        scene.box("sign_post", "iron", (0, 0, 0.8), (0.06, 0.06, 0.8))
        scene.box("sign_board", "crane", (0, 0.02, 1.5), (0.6, 0.05, 0.32))
    with scene.body("clutter_lamp", far):
        scene.box("lamp_post", "iron", (0, 0, 1.3), (0.08, 0.08, 1.3))
        scene.hull("lamp_light", "glow", [*ring(0.18, 2.6, 5), *ring(0.3, 2.95, 5)])
    with scene.body("clutter_drum", far):
        scene.hull("drum", "crate", [(x, y, 0.7 + z) for x in (-0.35, 0.35) for y, z, _ in ring(0.7, 0, 8)])
    with scene.body("clutter_bench", far):
        scene.box("bench_seat", "path", (0, 0, 0.42), (0.9, 0.22, 0.06))
        scene.box("bench_back", "path", (0, 0.22, 0.75), (0.9, 0.05, 0.25))
        scene.box("bench_feet", "iron", (0, 0, 0.2), (0.7, 0.16, 0.2))
    for side in (-1, 1):
        spots = [(7.2, -2.4, 0), (7.2, 0.6, 0), (7.1, 3.6, 0), (5.2, -4.9, 0), (2.7, -5.3, 0), (6.2, 5.4, 0)]
        spots += [(2.75, 14.6, 1), (2.75, 18.2, 1), (2.75, 21.8, 1)]
        spots += [(3.2, 40.2, 1), (5.2, 40.6, 1), (2.7, 44.4, 1), (4.4, 42.6, 1)]
        spots += [(7.5, 6.5, -1.5), (9.5, 11.0, -1.5), (7.0, 16.0, -1.5), (12.0, 20.0, -1.5)]
        for x, y, z in spots:
            scene.site("clutter_spot", (side * x, y, z))


def main() -> None:
    """Generates it from the solid island."""
    solid = mujoco.MjSpec.from_string((ASSETS / "island.xml").read_text().replace('<include file="scenery.xml"/>', ""))
    scene = Scenery()
    caps(scene, solid.compile())
    for part in (plaza, arch, ground, beds, pads, cliff, landmarks, clutter):
        part(scene)
    scene.write(ASSETS / "scenery.xml")


if __name__ == "__main__":
    main()
