"""Experiments about preferences and reward models."""
