"""Drawing: pixels of a state, seen by the third-person camera.

A `Painter` owns one GL context and belongs to the thread that first draws with it. Python's lock is released while GL
works, so painters in several threads use several cores (see `vector_env`).
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from jumppad_env.mujoco_library import mujoco
from jumppad_env.scenery import BOARD_GROUP, drawing_model
from jumppad_env.world import PHYSICS_STATE, STATE

# Mesa's software driver starts a helper thread per core for every context unless told otherwise; one context per
# Python thread scales better. Read by the driver at the first GL call.
os.environ.setdefault("LP_NUM_THREADS", "0")

_SETUP_LOCK = threading.Lock()  # making two contexts at once has crashed in the driver
_CURRENT = threading.local()  # the painter whose context is current in this thread

_CAMERA_YAW = STATE.index("camera_yaw")
_CAMERA_TILT = STATE.index("camera_tilt")
_MOUNTED = STATE.index("mounted")
_QPOS = PHYSICS_STATE.index("vx")

NO_GL = (
    "no OpenGL library for drawing without a screen was found ({reason}). On Debian or Ubuntu: "
    "apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri. "
    "On Fedora: dnf install mesa-libEGL mesa-libGL mesa-dri-drivers. "
    "With OSMesa instead: apt-get install libosmesa6, and set MUJOCO_GL=osmesa. "
    "State observations (JumppadState-v0) need no GL."
)

CLOSED = "this environment has been closed; make a new one"


def make_gl_context(width: int, height: int) -> Any:
    """Returns a MuJoCo GL context: EGL on Linux unless MUJOCO_GL names another (egl, osmesa, glfw).

    Raises:
        OSError: no GL library; the message names the packages.
    """
    backend = os.environ.get("MUJOCO_GL", "").lower()
    try:
        if platform.system() == "Linux" and backend in ("", "egl"):
            from mujoco.egl import GLContext
        elif backend == "osmesa":
            from mujoco.osmesa import GLContext
        else:
            from mujoco import GLContext
        return GLContext(width, height)
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OSError(NO_GL.format(reason=reason)) from error


class Painter:
    """Draws states at one size and quality.

    Args:
        height: pixels.
        width: pixels.
        fine: antialiased, for people; otherwise fast, for agents.
        own_thread: nothing but painters makes a GL context current in the thread that draws, which saves checking.
    """

    def __init__(self, height: int, width: int, *, fine: bool = False, own_thread: bool = False) -> None:
        """Allocates; the GL context is made at the first drawing."""
        self.height, self.width = height, width
        self._samples = 4 if fine else 0
        self._own_thread = own_thread
        self._scenes: dict[str, Callable[[np.ndarray], None]] = {}
        self._context: Any = None
        self._mjr: dict[str, mujoco.MjrContext] = {}
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._pixels = np.empty((height, width, 3), dtype=np.uint8)
        self.closed = False

    @property
    def renderer(self) -> str:
        """Name of the GL renderer, such as "llvmpipe (LLVM 15.0.6, 256 bits)"."""
        self._make_current()
        from OpenGL import GL

        name: Any = GL.glGetString(GL.GL_RENDERER)
        return name.decode()

    def draw(self, state: np.ndarray, character: str, out: np.ndarray) -> None:
        """Draws one state.

        Args:
            state: (len(STATE),) as in `world.STATE`.
            character: a name in `CHARACTERS`.
            out: uint8 (height, width, 3), written to, top row first.
        """
        self._make_current()
        if character not in self._scenes:
            with _SETUP_LOCK:
                self._scenes[character] = self._make_scene(character)
                self._scenes[character](state)  # the driver compiles its shaders at the first frame
        self._scenes[character](state)
        mujoco.mjr_readPixels(self._pixels, None, self._viewport, self._mjr[character])
        out[:] = self._pixels[::-1]

    def close(self) -> None:
        """Frees the GL context; may be called twice. Call it in the thread that drew."""
        if self.closed:
            return
        self.closed = True
        if self._context is not None:
            with _SETUP_LOCK:
                self._context.make_current()
                for mjr in self._mjr.values():
                    mjr.free()
                self._context.free()
            self._mjr.clear()
            self._scenes.clear()
            self._context = None
        if getattr(_CURRENT, "painter", None) is self:
            _CURRENT.painter = None

    def _make_current(self) -> None:
        if self.closed:
            raise gymnasium.error.ClosedEnvironmentError(CLOSED)
        if self._context is None:
            with _SETUP_LOCK:
                self._context = make_gl_context(self.width, self.height)
                self._context.make_current()
            _CURRENT.painter = self
        elif not self._own_thread or getattr(_CURRENT, "painter", None) is not self:
            self._context.make_current()
            _CURRENT.painter = self

    def _make_scene(self, character: str) -> Callable[[np.ndarray], None]:
        """Compiles what is drawn and returns the function that draws a state of it."""
        model = drawing_model(character, width=self.width, height=self.height, samples=self._samples)
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)  # lights and everything static, once
        mjr = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        self._mjr[character] = mjr

        scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 8)
        for flag in (
            mujoco.mjtRndFlag.mjRND_SKYBOX,
            mujoco.mjtRndFlag.mjRND_HAZE,
            mujoco.mjtRndFlag.mjRND_REFLECTION,
            mujoco.mjtRndFlag.mjRND_SHADOW,
        ):
            scene.flags[flag] = False
        options, perturbation, camera = mujoco.MjvOption(), mujoco.MjvPerturb(), mujoco.MjvCamera()
        options.geomgroup[:] = (1, 0, 0, 0, 1, 0)
        options.flags[:] = False
        options.flags[mujoco.mjtVisFlag.mjVIS_STATIC] = True
        camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        camera.fixedcamid = model.camera("observer").id
        parts = int(mujoco.mjtCatBit.mjCAT_ALL)
        camera_position, camera_axes = data.cam_xpos[camera.fixedcamid], data.cam_xmat[camera.fixedcamid]
        distance, height, shoulder = (
            float(model.numeric(f"camera_{name}").data[0]) for name in ("distance", "height", "shoulder")
        )
        viewport = self._viewport

        def draw(state: np.ndarray) -> None:
            data.qpos[:] = state[:_QPOS]
            mujoco.mj_kinematics(model, data)
            yaw, tilt = state[_CAMERA_YAW], state[_CAMERA_TILT]
            axes = camera_rotation(yaw, tilt)
            camera_axes[:] = axes.ravel()
            camera_position[:] = state[:3]
            camera_position[2] += height
            camera_position[:] += axes[:, 2] * distance + axes[:, 0] * shoulder
            options.geomgroup[BOARD_GROUP] = state[_MOUNTED] > 0
            # Each character has a frame buffer of its own in this GL context: without this, the first frame after a
            # change of character would go into the other's.
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, mjr)
            mujoco.mjv_updateScene(model, data, options, perturbation, camera, parts, scene)
            mujoco.mjr_render(viewport, scene, mjr)

        return draw


def camera_rotation(yaw: float, tilt: float) -> np.ndarray:
    """Returns the camera's axes as columns (3, 3): right, up, and backward (it looks along the negative third)."""
    cos_yaw, sin_yaw, cos_tilt, sin_tilt = np.cos(yaw), np.sin(yaw), np.cos(tilt), np.sin(tilt)
    return np.array(
        [
            [cos_yaw, sin_yaw * sin_tilt, sin_yaw * cos_tilt],
            [sin_yaw, -cos_yaw * sin_tilt, -cos_yaw * cos_tilt],
            [0.0, cos_tilt, -sin_tilt],
        ]
    )
