"""Frames of the contact sheet: a few moments of an episode in a row."""

from __future__ import annotations

import io
from contextlib import closing

import numpy as np
from PIL import Image

from agents.figures.page import data_url
from jumppad_env.dataset import Dataset
from jumppad_env.drawing import Painter

MOMENTS = 6
"""Frames of an episode, evenly spaced from the first step to the last."""
SIZE = 96
"""Height and width of a frame that is rendered here, pixels."""
LARGEST = 128
"""Longer side of a stored frame as shown, pixels."""


def frames_of(dataset: Dataset, index: int) -> list[np.ndarray]:
    """Returns the frames shown of an episode, uint8 (H, W, 3) each: as stored, else rendered from the states.

    Raises:
        ValueError: damaged states, or a look that cannot be drawn.
    """
    trajectory = dataset.trajectory(index)
    steps = np.linspace(0, len(trajectory) - 1, MOMENTS).round().astype(np.int64)
    if trajectory.frames is not None:
        return [_shrunk(frame) for frame in trajectory.frames[steps]]
    variety = dataset.manifest["environment"].get("variety", "none")
    with closing(Painter(SIZE, SIZE, variety=variety, settings=dataset.settings)) as painter:
        return [painter.draw_one(state, trajectory.character) for state in np.asarray(trajectory.states[steps])]


def _shrunk(frame: np.ndarray) -> np.ndarray:
    """Returns a stored frame, downscaled if it is large."""
    scale = LARGEST / max(frame.shape[:2])
    if scale >= 1:
        return frame
    height, width = (max(1, round(side * scale)) for side in frame.shape[:2])
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BOX))


def png(pixels: np.ndarray) -> str:
    """Returns an image uint8 (H, W, 3) as the address of an `<img>`."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return data_url(buffer.getvalue(), "image/png")
