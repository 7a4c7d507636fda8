"""Datasets in the formats of others: Minari both ways, LeRobot one way. docs/exchange.md is their page."""
