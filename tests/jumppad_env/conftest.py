"""What several tests of the environment share."""

from collections.abc import Callable

import numpy as np
import pytest

from jumppad_env import gamepad

Press = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def press() -> Press:
    """A gamepad action from stick deflections and the names of the buttons held down."""

    def press(left=(0.0, 0.0), right=(0.0, 0.0), buttons: tuple[str, ...] = ()) -> np.ndarray:
        action = gamepad.NEUTRAL.copy()
        action[: len(gamepad.AXES)] = gamepad.to_buckets(np.array([*left, *right]))
        for button in buttons:
            action[len(gamepad.AXES) + gamepad.BUTTONS.index(button)] = 1
        return action

    return press
