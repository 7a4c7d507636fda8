"""Action wrappers for methods that need a continuous or a small discrete action space.

The keyword `actions` of `gymnasium.make` and `make_vec` does the same without a wrapper.
"""

from functools import partial
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import TransformAction
from gymnasium.wrappers.vector import TransformAction as TransformVectorAction

from jumppad_env import gamepad
from jumppad_env.gamepad import DISCRETE_MOVES

__all__ = ["DISCRETE_MOVES", "ContinuousGamepad", "DiscreteGamepad"]


class _Gamepad(TransformAction[Any, Any, Any], RecordConstructorArgs):
    """Turns actions of one of `gamepad.FORMATS` into those of the gamepad."""

    name: str
    """In `gamepad.FORMATS`."""

    def __new__(cls, env: Any = None) -> Any:
        """Returns the wrapper, or Gymnasium's own for vector environments, which turns all rows at once."""
        if not isinstance(env, VectorEnv):
            return super().__new__(cls)
        make_space, decode = gamepad.FORMATS[cls.name]
        _expect_gamepad(cls, env.single_action_space)
        shape = env.num_envs, gamepad.FACTORS
        return TransformVectorAction(env, partial(decode, shape=shape), single_action_space=make_space())

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        make_space, decode = gamepad.FORMATS[self.name]
        TransformAction.__init__(self, env, partial(decode, shape=(gamepad.FACTORS,)), make_space())
        _expect_gamepad(type(self), self.env.action_space)


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
