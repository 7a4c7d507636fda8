"""Action wrappers for methods that need a continuous or a small discrete action space."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from jumppad_env import gamepad

DISCRETE_MOVES = (
    ("wait", 0.0, 0.0, 0.0, None),
    ("forward", 0.0, 1.0, 0.0, None),
    ("backward", 0.0, -1.0, 0.0, None),
    ("left", -1.0, 0.0, 0.0, None),
    ("right", 1.0, 0.0, 0.0, None),
    ("forward, turn left", 0.0, 1.0, -0.6, None),
    ("forward, turn right", 0.0, 1.0, 0.6, None),
    ("turn left", 0.0, 0.0, -0.6, None),
    ("turn right", 0.0, 0.0, 0.6, None),
    ("forward, jump", 0.0, 1.0, 0.0, gamepad.A),
)
"""Name, left stick x and y, right stick x, button of each discrete action."""


class ContinuousGamepad(gymnasium.ActionWrapper[Any, np.ndarray, np.ndarray], RecordConstructorArgs):
    """`Box(-1, 1, (16,))`: four stick deflections, rounded to the nearest bucket, then 12 buttons pressed above 0."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ActionWrapper.__init__(self, env)
        self.action_space = spaces.Box(-1.0, 1.0, (gamepad.FACTORS,), np.float32)

    def action(self, action: np.ndarray) -> np.ndarray:
        """Returns the gamepad action.

        Raises:
            ValueError: wrong shape, or not finite.
        """
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (gamepad.FACTORS,) or not np.isfinite(action).all():
            raise ValueError(f"action must be {gamepad.FACTORS} finite numbers in [-1, 1], got {action!r}")
        axes = len(gamepad.AXES)
        return np.concatenate([gamepad.to_buckets(action[:axes]), (action[axes:] > 0).astype(np.uint8)])


class DiscreteGamepad(gymnasium.ActionWrapper[Any, Any, np.ndarray], RecordConstructorArgs):
    """`Discrete(10)`: the moves of `DISCRETE_MOVES`, enough to reach every pad."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ActionWrapper.__init__(self, env)
        self.action_space = spaces.Discrete(len(DISCRETE_MOVES))
        self._table = np.tile(gamepad.NEUTRAL, (len(DISCRETE_MOVES), 1))
        for row, (_, left_x, left_y, right_x, button) in zip(self._table, DISCRETE_MOVES, strict=True):
            row[:4] = gamepad.to_buckets(np.array([left_x, left_y, right_x, 0.0]))
            if button is not None:
                row[button] = 1

    def action(self, action: Any) -> np.ndarray:
        """Returns the gamepad action.

        Raises:
            ValueError: not an integer from 0 to 9.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"action {action!r} must be an integer from 0 to {len(DISCRETE_MOVES) - 1}")
        return self._table[int(action)].copy()
