"""The rules: states, movement, and the start and end of episodes."""

from jumppad_env.world.level_observation import observe_levels
from jumppad_env.world.observation import observe
from jumppad_env.world.state import PHYSICS_STATE, RULE_STATE, STATE
from jumppad_env.world.world import World

__all__ = ["PHYSICS_STATE", "RULE_STATE", "STATE", "World", "observe", "observe_levels"]
