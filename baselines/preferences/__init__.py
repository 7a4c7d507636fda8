"""Stage 3b, preferences: comparisons between episodes, and which one of each pair is preferred."""

from baselines.preferences.synthetic import PreferencesConfig, preferences

__all__ = ["PreferencesConfig", "preferences"]
