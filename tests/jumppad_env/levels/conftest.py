"""Fixtures shared by tests of levels."""

from collections.abc import Callable

import numpy as np
import pytest

from jumppad_env.levels.outline import STRIP

HeightOf = Callable[[np.ndarray, np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def height_of() -> HeightOf:
    """Height of the highest of some floors (S, len(STRIP)) at points (N, 2), m; NaN where there is none."""

    def height_of(floors: np.ndarray, points: np.ndarray) -> np.ndarray:
        x, y, heading, length, half, low, high = floors.T[: len(STRIP) - 1, :, None]
        right, up = points[:, 0] - x, points[:, 1] - y
        ahead = up * np.cos(heading) - right * np.sin(heading)
        across = right * np.cos(heading) + up * np.sin(heading)
        on = (ahead > -1e-9) & (ahead < length + 1e-9) & (np.abs(across) < half + 1e-9)
        heights = np.where(on, low + ahead / length * (high - low), -np.inf).max(axis=0)
        return np.where(np.isfinite(heights), heights, np.nan)

    return height_of
