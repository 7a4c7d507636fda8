"""The scripted people: who plays, and how often they do what."""

from agents.population.populations import CURATED, HUMAN, MODES, POPULATIONS, WAYPOINT, Population

__all__ = ["CURATED", "HUMAN", "MODES", "POPULATIONS", "WAYPOINT", "Population"]
