"""Whoever acts without learning: scripted demonstrators, rollouts, datasets."""
