"""A contact sheet: one episode of each mode, a few moments in a row."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from jumppad_env.dataset import Dataset
from jumppad_env.drawing import Painter

MOMENTS = 6
SIZE = 96
"""Pixels, height and width of a frame that is drawn here."""
LARGEST = 128
"""Pixels of the longer side of a stored frame."""


def moments(length: int) -> np.ndarray:
    """Returns the steps that are shown of an episode of this length, evenly spread from its first to its last."""
    return np.linspace(0, length - 1, MOMENTS).round().astype(np.int64)


def frames_of(dataset: Dataset, index: int) -> list[np.ndarray]:
    """Returns an episode's moments, uint8 (H, W, 3) each: as stored, else drawn from the states.

    Raises:
        ValueError: damaged states, or a look that cannot be drawn.
    """
    trajectory = dataset.trajectory(index)
    steps = moments(len(trajectory))
    if trajectory.frames is not None:
        return [_shrunk(frame) for frame in trajectory.frames[steps]]
    states = np.asarray(trajectory.states[steps])
    painter = Painter(SIZE, SIZE, variety=variety(dataset))
    frames = [painter.draw_one(state, trajectory.character) for state in states]
    painter.close()
    return frames


def variety(dataset: Dataset) -> object:
    """Returns the look of which the manifest speaks, "none" if it speaks of none."""
    return dataset.manifest["environment"].get("variety", "none")


def _shrunk(frame: np.ndarray) -> np.ndarray:
    """Returns a stored frame, smaller if it is large: the sheet is there for a glance."""
    scale = LARGEST / max(frame.shape[:2])
    if scale >= 1:
        return frame
    height, width = (max(1, round(side * scale)) for side in frame.shape[:2])
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BOX))


def png(pixels: np.ndarray) -> str:
    """Returns a picture uint8 (H, W, 3) as the address of an `<img>`."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
