"""Stage 6, alignment: one file per method, and no file imports another."""

from baselines.align.reinforce import AlignConfig, align

__all__ = ["AlignConfig", "align"]
