"""The public name of trained agents: `Policy.from_pretrained(path)`. The code is in `baselines.models.policy`."""

from baselines.models.policy import Policy

__all__ = ["Policy"]
