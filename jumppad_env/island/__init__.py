"""The island: its geometry, read from the MJCF in `assets`, and its walkable places."""

from jumppad_env.island.island import Ground, Island, Passing, Places, character_path, load_island

__all__ = ["Ground", "Island", "Passing", "Places", "character_path", "load_island"]
