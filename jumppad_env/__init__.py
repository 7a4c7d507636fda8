"""Jumppad: the island with three jump pads, as a Gymnasium environment.

    import gymnasium, jumppad_env
    env = gymnasium.make("Jumppad-v0")                      # pixels in, gamepad out
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=64)    # native vector environment

Importing this package registers `Jumppad-v0` and, for islands without number, `JumppadIslands-v0`. `JumppadState-v0`
and `JumppadIslandsState-v0` show states instead of pixels. It needs no GL.
"""

from jumppad_env.machine.parent import end_with_parent

end_with_parent()  # before all else is imported, which takes a worker process seconds

import gymnasium

from jumppad_env import rules
from jumppad_env.rules import PADS
from jumppad_env.wrappers import ContinuousGamepad, DiscreteGamepad

__version__ = "0.1.0"
__all__ = ["CHARACTERS", "PADS", "ContinuousGamepad", "DiscreteGamepad"]

CHARACTERS = tuple(rules.CHARACTERS)
"""Names of the characters; `info["character"]` is the index."""

for _id, _keywords in (("Jumppad-v0", {}), ("JumppadState-v0", {"observation": "state"})):
    gymnasium.register(
        id=_id,
        entry_point="jumppad_env.env:JumppadEnv",
        vector_entry_point="jumppad_env.vector_env:JumppadVectorEnv",
        max_episode_steps=100,
        kwargs=_keywords,
    )

for _id, _keywords in (("JumppadIslands-v0", {}), ("JumppadIslandsState-v0", {"observation": "state"})):
    gymnasium.register(  # without max_episode_steps: episodes of several islands are longer, and end by themselves
        id=_id,
        entry_point="jumppad_env.env:JumppadIslandsEnv",
        vector_entry_point="jumppad_env.vector_env:JumppadIslandsVectorEnv",
        kwargs=_keywords,
    )
