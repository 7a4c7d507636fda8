"""Plots, pages and videos."""
