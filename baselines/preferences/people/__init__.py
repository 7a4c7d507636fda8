"""People who answer comparisons in a browser; `python -m baselines.label` serves the page."""
