"""Environment steps per second, single and vector, with and without pixels, beside a plain MuJoCo renderer.

python -m jumppad_env.bench
python -m jumppad_env.bench --json --seconds 20
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env import gamepad
from jumppad_env.command_line import command_line
from jumppad_env.rules import RULES
from jumppad_env.streams import integer_seed, stream

ROUNDS = 5
ROWS = 64
"""Elements of the vector environment."""
PLAIN_SIZE = 128
SLOW = 1_000
"""Steps per second of one environment at 64x64; below that something is wrong."""
NO_GL = (
    "mujoco.Renderer, to compare with, needs a GL library ({reason}). On Debian or Ubuntu: "
    "apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri. "
    "On Fedora: dnf install mesa-libEGL mesa-libGL mesa-dri-drivers"
)

Step = Callable[[int], int]


def steps_per_second(step: Step, index: int, seconds: float) -> tuple[float, int]:
    """Returns how many environment steps were done in a second, and the number of the next call.

    Args:
        step: does the work number i and returns how many environment steps that was.
        index: of the first call.
        seconds: to measure for; there is one call at least.
    """
    count, start = 0, time.perf_counter()
    while True:
        count += step(index)
        index += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return count / passed, index


def random_actions(seed: int, rows: int) -> np.ndarray:
    """Returns (100, rows, 16) actions: sticks anywhere, buttons pressed now and then."""
    generator = stream(seed, "bench")
    sticks = generator.integers(gamepad.BUCKETS, size=(100, rows, len(gamepad.AXES)))
    buttons = generator.random((100, rows, len(gamepad.BUTTONS))) < 0.05
    return np.concatenate([sticks, buttons], axis=2)


def single(closing: ExitStack, seed: int, **keywords: Any) -> Step:
    """Returns a step of one environment in one thread, resets included."""
    env = gymnasium.make("Jumppad-v0", **keywords)
    closing.callback(env.close)
    env.reset(seed=integer_seed(seed, "bench"))
    actions = random_actions(seed, 1)[:, 0]

    def step(index: int) -> int:
        _, _, terminated, truncated, _ = env.step(actions[index % len(actions)])
        if terminated or truncated:
            env.reset()
        return 1

    return step


def vector(closing: ExitStack, seed: int, **keywords: Any) -> Step:
    """Returns a step of a vector environment, on all cores unless `threads` says otherwise."""
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=ROWS, **keywords)
    closing.callback(envs.close)
    envs.reset(seed=integer_seed(seed, "bench"))
    actions = random_actions(seed, ROWS)

    def step(index: int) -> int:
        envs.step(actions[index % len(actions)])
        return ROWS

    return step


def plain_mujoco(closing: ExitStack) -> Step | None:
    """Returns a step and a frame of the same MJCF through `mujoco.Renderer` at MuJoCo's default quality.

    None, and a line on stderr, where there is no GL library: MuJoCo's renderer needs one, ours does not.
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
    except Exception as error:  # each GL backend fails in a way of its own
        print(NO_GL.format(reason=str(error).splitlines()[0] if str(error) else type(error).__name__), file=sys.stderr)
        return None
    closing.callback(renderer.close)
    frame = np.empty((PLAIN_SIZE, PLAIN_SIZE, 3), np.uint8)
    behind = mujoco.MjvCamera()  # as our camera: behind the character and a little above
    behind.distance, behind.azimuth, behind.elevation = 4.2, 90.0, -7.0
    shown = mujoco.MjvOption()
    shown.geomgroup[DETAIL_GROUP] = 0  # what agents see, no more

    def step(index: int) -> int:
        mujoco.mj_step(model, data, substeps)
        behind.lookat[:] = data.qpos[:3] + [0, 0, 1.6]
        renderer.update_scene(data, camera=behind, scene_option=shown)
        renderer.render(out=frame)
        return 1

    return step


def gl_renderer() -> str:
    """Returns the name of the GL renderer whose context is current, that of `plain_mujoco`."""
    from OpenGL import GL

    name: Any = GL.glGetString(GL.GL_RENDERER)
    return name.decode()


def measure(seed: int, seconds: float) -> dict[str, Any]:
    """Measures everything and returns what `--json` prints; says on stderr how far it is.

    All are measured in turn, several times over, so that a machine busy with other things slows all of them alike.

    Args:
        seed: of resets and actions.
        seconds: for all measurements together, about.
    """
    with ExitStack() as closing:
        print("preparing ...", file=sys.stderr, flush=True)
        plain = plain_mujoco(closing)
        steps = {
            "state": single(closing, seed, observation="state"),
            "single_64": single(closing, seed, image_size=(64, 64)),
            "single_128": single(closing, seed, image_size=(128, 128)),
            "vector_state": vector(closing, seed, observation="state"),
            "vector_64": vector(closing, seed, image_size=(64, 64)),
            "vector_64_high": vector(closing, seed, image_size=(64, 64), variety="high"),
            "vector_64_one_thread": vector(closing, seed, image_size=(64, 64), threads=1),
            "vector_128": vector(closing, seed, image_size=(128, 128)),
            **({"plain_mujoco_128": plain} if plain else {}),
        }
        rates: dict[str, list[float]] = {name: [] for name in steps}
        indices = {name: step(0) and 1 for name, step in steps.items()}  # the first step of each is slower
        for number in range(1, ROUNDS + 1):
            print(f"round {number} of {ROUNDS} ...", file=sys.stderr, flush=True)
            for name, step in steps.items():
                rate, indices[name] = steps_per_second(step, indices[name], seconds / ROUNDS / len(steps))
                rates[name].append(rate)
        renderer = gl_renderer() if plain else None
    medians = {name: round(statistics.median(several), 1) for name, several in rates.items()}
    of_plain = medians.pop("plain_mujoco_128", None)
    return {"steps_per_second": medians, "plain_mujoco_128": of_plain, "gl_renderer": renderer}


def table(result: dict[str, Any]) -> str:
    """Returns the measurement as text for people."""
    says = {
        "state": "one environment, states only",
        "single_64": "one environment, one thread, 64x64",
        "single_128": "one environment, one thread, 128x128",
        "vector_state": f"{ROWS} environments, all cores, states only",
        "vector_64": f"{ROWS} environments, all cores, 64x64",
        "vector_64_high": '... with variety "high"',
        "vector_64_one_thread": "... in one thread",
        "vector_128": f"{ROWS} environments, all cores, 128x128",
    }
    plain = result["plain_mujoco_128"]
    lines = ["steps per second".rjust(52)]
    lines += [f"{says[name]:<42}{rate:>10,.0f}" for name, rate in result["steps_per_second"].items()]
    if plain is not None:
        lines.append(f"{'mujoco.Renderer, same scene, 128x128':<42}{plain:>10,.0f}   on {result['gl_renderer']}")
        lines.append(f"one environment, one thread: {result['steps_per_second']['single_128'] / plain:.0f} times that")
    rates = result["steps_per_second"]
    lines.append(f"all cores: {rates['vector_64'] / rates['vector_64_one_thread']:.2f} times one thread")
    lines.append(f'variety "high": {rates["vector_64_high"] / rates["vector_64"]:.0%} of the speed')
    return "\n".join([*lines, verdict(rates["single_64"])])


def verdict(rate: float) -> str:
    """Returns what to think of a number of steps a second, one environment at 64x64, and what to do about it."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return "slow: NUMBA_DISABLE_JIT is set, so nothing is compiled; unset it"
    if rate < SLOW:
        return (
            f"slow: laptops make more than {SLOW:,} steps a second at 64x64; is the machine busy, or its clock lowered?"
        )
    return "as fast as it should be"


@command_line(stopped="stopped")
def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m jumppad_env.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=18.0, help="for all measurements together (default 18)")
    parser.add_argument("--seed", type=int, default=0, help="of resets and actions (default 0)")
    arguments = parser.parse_args()
    if not 0 < arguments.seconds < float("inf"):
        raise ValueError(f"--seconds {arguments.seconds} must be a positive number of seconds")
    if platform.system() == "Linux" and not os.environ.get("DISPLAY"):  # MuJoCo's own default needs a screen
        os.environ.setdefault("MUJOCO_GL", "egl")
    result = measure(arguments.seed, arguments.seconds)
    print(json.dumps(result) if arguments.json else table(result))


if __name__ == "__main__":
    main()
