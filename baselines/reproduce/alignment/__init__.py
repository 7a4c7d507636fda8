"""Experiments about alignment."""
