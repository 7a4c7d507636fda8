"""Drawing: renders states to pixels on the CPU, without GL."""

from jumppad_env.drawing.painter import RENDERER, Painter

__all__ = ["RENDERER", "Painter"]
