"""Experiments on levels, which run on the presets `islands` and `chain`."""
