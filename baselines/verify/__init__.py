"""Proof that a run is what was written."""
