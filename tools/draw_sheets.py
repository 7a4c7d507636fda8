"""Draws the contact sheets of docs/environment.md: frames for people and for agents.

python tools/draw_sheets.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from jumppad_env.drawing import Painter
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import STATE, World

DOCS = Path(__file__).parents[1] / "docs"
GAP = 4
"""Pixels between frames."""
PLACES = (
    ((-2.4, -2.5, 0.0), 0.0),
    ((0.0, 7.6, 0.3), 0.0),
    ((0.0, 16.0, 1.0), 0.0),
    ((0.0, 25.0, 1.0), 0.0),
    ((-5.2, 31.0, 1.0), 0.35),
    ((7.2, 36.0, 1.0), -0.15),
)
"""Positions and headings along the track."""


def state_at(character: str, place: tuple[float, float, float], heading: float = 0.0, **columns: float) -> np.ndarray:
    """Returns the state of a character moving ahead at 7 m/s; other columns of the state as given."""
    world = World(1)
    world.place(0, character, np.array(place), heading)
    state = world.get_state(0)
    speed = 7.0
    columns = {"vx": -speed * np.sin(heading), "vy": speed * np.cos(heading), "stride": 0.4, "steps": 12.0, **columns}
    for name, value in columns.items():
        state[STATE.index(name)] = value
    return state


def draw(painter: Painter, states: Sequence[np.ndarray], characters: Sequence[str]) -> np.ndarray:
    """Returns frames uint8 (N, H, W, 3)."""
    frames = np.empty((len(states), painter.height, painter.width, 3), np.uint8)
    painter.draw(np.stack(states), characters, frames)
    return frames


def sheet(frames: np.ndarray, columns: int, zoom: int = 1) -> np.ndarray:
    """Returns frames (N, H, W, 3) in a grid of this many columns on white, enlarged by `zoom`."""
    frames = frames.repeat(zoom, axis=1).repeat(zoom, axis=2)
    height, width = frames.shape[1:3]
    rows = -(-len(frames) // columns)
    page = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, np.uint8)
    for index, frame in enumerate(frames):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        page[top : top + height, left : left + width] = frame
    return page


def save(page: np.ndarray, name: str) -> None:
    """Writes a page to docs/."""
    Image.fromarray(page).save(DOCS / name, optimize=True, quality=88)


def draw_places() -> None:
    """Frames along the track: for people at 600x360, for agents at 128x128 and 64x64."""
    names = ("rider", "bruiser", "scout", "mystic", "walker", "rider")
    states = [state_at(name, *place) for name, place in zip(names, PLACES, strict=True)]
    save(sheet(draw(Painter(360, 600, fine=True, threads=2), states, names), 2), "people.jpg")
    large, small = (sheet(draw(Painter(size, size), states, names), 6, 128 // size) for size in (128, 64))
    save(np.concatenate([large, np.full((GAP, *large.shape[1:]), 255, np.uint8), small]), "agents.png")


def draw_variety() -> None:
    """The same states with variety "paper" and "high", for people, and with "high" at 64x64."""
    pages = []
    names = ("rider",) * len(PLACES)
    for variety in ("paper", "high"):
        states = [state_at("rider", *place, look=7 + index) for index, place in enumerate(PLACES)]
        pages.append(draw(Painter(180, 300, fine=True, threads=2, variety=variety), states, names))
    save(sheet(np.concatenate(pages), 3), "variety.jpg")
    states = [state_at("rider", *PLACES[index % 6], look=20 + index) for index in range(24)]
    save(sheet(draw(Painter(64, 64, variety="high"), states, ("rider",) * 24), 8, 2), "variety_64.png")


def draw_characters() -> None:
    """Each character standing, riding, turning, jumping, attacking, dodging, launched and on foot."""
    poses: tuple[dict[str, float], ...] = (
        {"vy": 0.0, "stride": 0.0},
        {"vy": 8.5},
        {"vx": 5.0, "vy": 6.0, "yaw": -0.7, "yaw_rate": -5.0},
        {"z": 2.0, "vz": 2.0, "grounded": 0.0},
        {"vy": 3.0, "attack_left": 0.3},
        {"vy": 15.0, "dodge_left": 0.1},
        {"z": 6.0, "vy": 12.0, "vz": 16.0, "grounded": 0.0, "flight_left": 1.8, "camera_tilt": -0.3},
        {"vy": 5.5, "mounted": 0.0, "stride": 0.45},
    )
    states = [state_at(name, (0.0, 18.0, 1.0), **pose) for name in CHARACTERS for pose in poses]
    names = [name for name in CHARACTERS for _ in poses]
    frames = draw(Painter(320, 533, fine=True, threads=2), states, names)
    save(sheet(frames[:, 90:290, 160:300], len(poses)), "characters.jpg")


def main() -> None:
    """Draws all sheets."""
    draw_places()
    draw_variety()
    draw_characters()


if __name__ == "__main__":
    main()
