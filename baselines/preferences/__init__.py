"""Stage 3b, comparisons of episodes: which pairs, and which of each is preferred."""

from baselines.preferences.synthetic import PreferencesConfig, preferences

__all__ = ["PreferencesConfig", "preferences"]
