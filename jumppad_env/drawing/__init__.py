"""Drawing: states to pixels, without GL."""

from jumppad_env.drawing.painter import RENDERER, Painter

__all__ = ["RENDERER", "Painter"]
