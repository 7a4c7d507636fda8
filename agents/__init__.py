"""Agents that do not learn: scripted demonstrators; rollouts, datasets and figures for all agents."""
