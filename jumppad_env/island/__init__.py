"""The island: its geometry, read from the MJCF in `assets`, and its walkable places."""

from jumppad_env.island.island import Island, character_path, load_island

__all__ = ["Island", "character_path", "load_island"]
