"""Scripted people: populations of demonstrators with lasting traits and modes of behavior."""

from agents.population.populations import CURATED, HUMAN, MODES, POPULATIONS, WAYPOINT, Population

__all__ = ["CURATED", "HUMAN", "MODES", "POPULATIONS", "WAYPOINT", "Population"]
