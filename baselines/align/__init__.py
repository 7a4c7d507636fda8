"""Stage 6, alignment: one file per method; methods do not import each other."""

from baselines.align.reinforce import AlignConfig, align

__all__ = ["AlignConfig", "align"]
