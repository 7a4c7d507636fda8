"""Levels as they are drawn: pieces and their meshes."""
