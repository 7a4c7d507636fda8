"""Measures the page for labeling; `python -m tools.labeling --help` says how."""
