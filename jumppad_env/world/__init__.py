"""The rules: what happens to characters on the island, and when an episode starts and ends."""

from jumppad_env.world.state import PHYSICS_STATE, RULE_STATE, STATE
from jumppad_env.world.world import World

__all__ = ["PHYSICS_STATE", "RULE_STATE", "STATE", "World"]
