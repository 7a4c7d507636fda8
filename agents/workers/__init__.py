"""Parallel play: blocks of seeds in, episodes out in the same order."""
