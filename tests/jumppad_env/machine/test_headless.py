"""Machines without a display and without GL, each test in its own interpreter."""

import os
import subprocess
import sys

import pytest


def run(program: str, **environment: str) -> subprocess.CompletedProcess:
    screens = ("MUJOCO_GL", "PYOPENGL_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    variables = {name: value for name, value in os.environ.items() if name not in screens}
    return subprocess.run(
        [sys.executable, "-c", program], env={**variables, **environment}, capture_output=True, text=True, timeout=120
    )


def test_states_need_no_gl():
    result = run(
        "import gymnasium, jumppad_env, sys\n"
        "env = gymnasium.make('JumppadState-v0'); env.reset(seed=0); env.step(env.action_space.sample()); env.close()\n"
        "envs = gymnasium.make_vec('JumppadState-v0', num_envs=3); envs.reset(seed=0)\n"
        "envs.step(envs.action_space.sample()); envs.close()\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'OpenGL' or name.startswith('mujoco.egl')]\n"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere MuJoCo's GL is part of the system")
@pytest.mark.parametrize("backend", ["", "egl", "osmesa"])
def test_drawing_needs_no_gl(backend):
    program = (
        # As on a machine without GL: loading such a library fails.
        "import ctypes, ctypes.util\n"
        "class NoGL(ctypes.CDLL):\n"
        "    def __init__(self, name, *rest, **more):\n"
        "        if 'GL' in str(name) or 'Mesa' in str(name):\n"
        "            raise OSError(f'{name}: no such library')\n"
        "        super().__init__(name, *rest, **more)\n"
        "ctypes.CDLL, find = NoGL, ctypes.util.find_library\n"
        "ctypes.cdll = ctypes.LibraryLoader(NoGL)\n"
        "ctypes.util.find_library = lambda name: None if 'GL' in name or 'Mesa' in name else find(name)\n"
        "import gymnasium, jumppad_env\n"
        "env = gymnasium.make('Jumppad-v0', render_mode='rgb_array')\n"
        "print(len({*env.reset(seed=0)[0].ravel()}) > 20, len({*env.render().ravel()}) > 20)\n"
        "import agents.collect\n"
        "from jumppad_env.bench.overview import plain_mujoco\n"
        "from contextlib import ExitStack\n"
        "print(plain_mujoco(ExitStack()))\n"
    )
    result = run(program, **({"MUJOCO_GL": backend} if backend else {}))
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["True", "True", "None"]
    assert "apt-get install libegl1" in result.stderr, "what to compare with does need GL, and says how to get it"


@pytest.mark.slow
def test_leaving_without_closing_is_quiet():
    result = run(
        "import gymnasium, jumppad_env\n"
        "env = gymnasium.make('Jumppad-v0', image_size=(24, 32)); env.reset(seed=0)\n"
        "envs = gymnasium.make_vec('Jumppad-v0', num_envs=2, image_size=(24, 32)); envs.reset(seed=0)\n"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
