"""Imports MuJoCo even if the GL library that MUJOCO_GL names is missing.

MuJoCo opens that library on import and fails without it. We do not need it: MuJoCo does the physics only, and
`jumppad_env.drawing.rasterizer` draws.
"""

import os

try:
    import mujoco
except (AttributeError, ImportError, OSError):
    _asked = os.environ.get("MUJOCO_GL")
    os.environ["MUJOCO_GL"] = "disable"
    try:
        import mujoco
    finally:
        del os.environ["MUJOCO_GL"]
        if _asked is not None:
            os.environ["MUJOCO_GL"] = _asked

from mujoco.batch import Batch

__all__ = ["Batch", "mujoco"]
