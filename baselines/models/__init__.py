"""Policies and reward models: networks, and what is needed to run them."""
