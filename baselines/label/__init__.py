"""People answer comparisons in a browser; `baselines.preferences.people` is what stands behind it."""
