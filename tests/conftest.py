"""Settings for every test."""

import os
import sys

# MuJoCo's own renderer, with which ours is compared, can't draw without a screen by default (GLFW). It reads this once,
# when it is first imported.
if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")

# Several processes of tests share the cores: threads of torch that spin while they wait would hold up each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
