"""Experiments over seeds, whatever they are about: running, statistics, figures, pages."""
