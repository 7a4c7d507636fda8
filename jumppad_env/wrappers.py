"""Action wrappers for methods that need a continuous or a small discrete action space.

The keyword `actions` of `gymnasium.make` and `make_vec` does the same without a wrapper.
"""

from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from jumppad_env import gamepad
from jumppad_env.gamepad import DISCRETE_MOVES

__all__ = ["DISCRETE_MOVES", "ContinuousGamepad", "DiscreteGamepad"]


class _Gamepad(gymnasium.ActionWrapper[Any, Any, np.ndarray], RecordConstructorArgs):
    """Turns actions of one of `gamepad.FORMATS` into those of the gamepad."""

    name: str
    """In `gamepad.FORMATS`."""

    def __new__(cls, env: Any = None) -> Any:
        """Returns the wrapper, or Gymnasium's own for vector environments, which turns all rows at once."""
        if not isinstance(env, VectorEnv):
            return super().__new__(cls)
        from gymnasium.wrappers.vector import TransformAction  # from 1.0; single environments need no newer Gymnasium

        make_space, decode = gamepad.FORMATS[cls.name]
        _expect_gamepad(cls, env.single_action_space)
        shape = env.num_envs, gamepad.FACTORS
        return TransformAction(env, partial(decode, shape=shape), single_action_space=make_space())

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ActionWrapper.__init__(self, env)
        _expect_gamepad(type(self), self.env.action_space)
        make_space, decode = gamepad.FORMATS[self.name]
        self.action_space = make_space()
        self.func = partial(decode, shape=(gamepad.FACTORS,))  # where Gymnasium's VectorizeTransformAction looks for it

    def action(self, action: Any) -> np.ndarray:
        """Returns the gamepad action.

        Raises:
            ValueError: not in the action space.
        """
        return self.func(action)


class ContinuousGamepad(_Gamepad):
    """`Box(-1, 1, (16,))`: four stick deflections, rounded to the nearest bucket, then 12 buttons pressed above 0.

    Wraps single and vector environments.
    """

    name = "continuous"


class DiscreteGamepad(_Gamepad):
    """`Discrete(10)`: the moves of `gamepad.DISCRETE_MOVES`, enough to reach every pad.

    Wraps single and vector environments.
    """

    name = "discrete"


def _expect_gamepad(wrapper: type, space: gymnasium.Space[Any]) -> None:
    if space != gamepad.action_space():
        raise ValueError(f'{wrapper.__name__} needs an environment with actions="gamepad", got the space {space}')
