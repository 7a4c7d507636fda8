"""Settings for every test."""

import os
import sys

# Without a screen, MuJoCo's own default (GLFW) can't draw; it reads this once, when it is first imported.
if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")
