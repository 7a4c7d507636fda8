"""Agents side by side on common episodes."""
