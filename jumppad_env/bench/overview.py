"""Environment steps per second, single and vector, with and without pixels, next to `mujoco.Renderer`."""

import os
import statistics
import sys
from contextlib import ExitStack
from typing import Any

import numpy as np

from jumppad_env.bench.measuring import Step, in_turns, single, vector
from jumppad_env.command_line import first_line
from jumppad_env.rules import RULES

ROWS = 64
"""Environments in the vector environment."""
PLAIN_SIZE = 128
SLOW = 1_000
"""Steps per second of one environment at 64x64 that any laptop should reach."""
NO_GL = (
    "mujoco.Renderer, for comparison, needs a GL library ({reason}). On Debian or Ubuntu: "
    "apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri. "
    "On Fedora: dnf install mesa-libEGL mesa-libGL mesa-dri-drivers"
)


def plain_mujoco(closing: ExitStack) -> Step | None:
    """Returns a step function that renders the same MJCF with `mujoco.Renderer` at MuJoCo's default quality.

    Returns None, and prints a line on stderr, without a GL library, which our renderer does not need.
    """
    from jumppad_env.drawing.scenery import DETAIL_GROUP
    from jumppad_env.island import character_path
    from jumppad_env.island.mujoco_library import mujoco

    model = mujoco.MjModel.from_xml_path(str(character_path("rider")))
    default = mujoco.MjSpec().visual.quality
    for name in ("shadowsize", "offsamples", "numslices", "numstacks", "numquads"):
        setattr(model.vis.quality, name, getattr(default, name))
    data = mujoco.MjData(model)
    substeps = round(RULES.control_step / model.opt.timestep)
    try:
        renderer = mujoco.Renderer(model, PLAIN_SIZE, PLAIN_SIZE)
    except Exception as error:  # each GL backend raises errors of its own
        print(NO_GL.format(reason=first_line(error)), file=sys.stderr)
        return None
    closing.callback(renderer.close)
    frame = np.empty((PLAIN_SIZE, PLAIN_SIZE, 3), np.uint8)
    behind = mujoco.MjvCamera()  # like our camera: behind the character and slightly above
    behind.distance, behind.azimuth, behind.elevation = 4.2, 90.0, -7.0
    shown = mujoco.MjvOption()
    shown.geomgroup[DETAIL_GROUP] = 0  # only what agents see

    def step(index: int) -> int:
        mujoco.mj_step(model, data, substeps)
        behind.lookat[:] = data.qpos[:3] + [0, 0, 1.6]
        renderer.update_scene(data, camera=behind, scene_option=shown)
        renderer.render(out=frame)
        return 1

    return step


def gl_renderer() -> str:
    """Returns the name of the GL renderer of the current context, which `plain_mujoco` made."""
    from OpenGL import GL

    name: Any = GL.glGetString(GL.GL_RENDERER)
    return name.decode()


def measure(seed: int, seconds: float) -> dict[str, Any]:
    """Measures everything and returns what `--json` prints; progress goes to stderr.

    Args:
        seed: for resets and actions.
        seconds: approximate time of all measurements together.
    """
    with ExitStack() as closing:
        print("preparing ...", file=sys.stderr, flush=True)
        plain = plain_mujoco(closing)
        steps = {
            "state": single(closing, seed, observation="state"),
            "single_64": single(closing, seed, image_size=(64, 64)),
            "single_128": single(closing, seed, image_size=(128, 128)),
            "vector_state": vector(closing, seed, ROWS, observation="state"),
            "vector_64": vector(closing, seed, ROWS, image_size=(64, 64)),
            "vector_64_high": vector(closing, seed, ROWS, image_size=(64, 64), variety="high"),
            "vector_64_one_thread": vector(closing, seed, ROWS, image_size=(64, 64), threads=1),
            "vector_128": vector(closing, seed, ROWS, image_size=(128, 128)),
            **({"plain_mujoco_128": plain} if plain else {}),
        }
        rates = in_turns(steps, seconds)
        renderer = gl_renderer() if plain else None
    medians = {name: round(statistics.median(several), 1) for name, several in rates.items()}
    of_plain = medians.pop("plain_mujoco_128", None)
    return {"steps_per_second": medians, "plain_mujoco_128": of_plain, "gl_renderer": renderer}


def table(result: dict[str, Any]) -> str:
    """Returns the measurements as a text table."""
    labels = {
        "state": "one environment, state observations",
        "single_64": "one environment, one thread, 64x64",
        "single_128": "one environment, one thread, 128x128",
        "vector_state": f"{ROWS} environments, all cores, state obs.",
        "vector_64": f"{ROWS} environments, all cores, 64x64",
        "vector_64_high": '... with variety "high"',
        "vector_64_one_thread": "... in one thread",
        "vector_128": f"{ROWS} environments, all cores, 128x128",
    }
    plain = result["plain_mujoco_128"]
    lines = ["steps per second".rjust(52)]
    lines += [f"{labels[name]:<42}{rate:>10,.0f}" for name, rate in result["steps_per_second"].items()]
    if plain is not None:
        lines.append(f"{'mujoco.Renderer, same scene, 128x128':<42}{plain:>10,.0f}   on {result['gl_renderer']}")
        lines.append(f"one environment, one thread: {result['steps_per_second']['single_128'] / plain:.0f} times that")
    rates = result["steps_per_second"]
    lines.append(f"all cores: {rates['vector_64'] / rates['vector_64_one_thread']:.2f} times one thread")
    lines.append(f'variety "high": {rates["vector_64_high"] / rates["vector_64"]:.0%} of the speed')
    return "\n".join([*lines, verdict(rates["single_64"])])


def verdict(rate: float) -> str:
    """Returns a verdict on steps per second of one environment at 64x64, and what to do if it is slow."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return "slow: NUMBA_DISABLE_JIT is set, so nothing is compiled; unset it"
    if rate < SLOW:
        return f"slow: laptops reach more than {SLOW:,} steps/s at 64x64; is the machine busy or throttled?"
    return "the speed is as expected"
