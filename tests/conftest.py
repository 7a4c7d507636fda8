"""Settings for every test."""

import os
import sys

# MuJoCo's own renderer, with which ours is compared, can't draw without a screen by default (GLFW). It reads this once,
# when it is first imported.
if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")
