"""Benchmark: environment steps per second, single and vector, with and without pixels, next to `mujoco.Renderer`.

python -m jumppad_env.bench
python -m jumppad_env.bench --json --seconds 20
"""

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
from jumppad_env.command_line import command_line, first_line
from jumppad_env.rules import RULES
from jumppad_env.streams import integer_seed, stream

ROUNDS = 5
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

Step = Callable[[int], int]


def steps_per_second(step: Step, index: int, seconds: float) -> tuple[float, int]:
    """Returns environment steps per second, and the index of the next call.

    Args:
        step: takes the index of the call and returns the number of environment steps it took.
        index: of the first call.
        seconds: time to measure for; at least one call is made.
    """
    count, start = 0, time.perf_counter()
    while True:
        count += step(index)
        index += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return count / passed, index


def random_actions(seed: int, rows: int) -> np.ndarray:
    """Returns random actions (100, rows, 16): sticks uniform, buttons pressed 5% of the time."""
    generator = stream(seed, "bench")
    sticks = generator.integers(gamepad.BUCKETS, size=(100, rows, len(gamepad.AXES)))
    buttons = generator.random((100, rows, len(gamepad.BUTTONS))) < 0.05
    return np.concatenate([sticks, buttons], axis=2)


def single(closing: ExitStack, seed: int, **keywords: Any) -> Step:
    """Returns a step function of one environment in one thread, resets included."""
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
    """Returns a step function of a vector environment, on all cores unless `threads` is given."""
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=ROWS, **keywords)
    closing.callback(envs.close)
    envs.reset(seed=integer_seed(seed, "bench"))
    actions = random_actions(seed, ROWS)

    def step(index: int) -> int:
        envs.step(actions[index % len(actions)])
        return ROWS

    return step


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

    Measurements are interleaved in several rounds, so that other load on the machine slows all of them alike.

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


@command_line(stopped="stopped")
def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m jumppad_env.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=18.0, help="time of all measurements together (default 18)")
    parser.add_argument("--seed", type=int, default=0, help="seed for resets and actions (default 0)")
    arguments = parser.parse_args()
    if not 0 < arguments.seconds < float("inf"):
        raise ValueError(f"--seconds {arguments.seconds} must be a positive number of seconds")
    if platform.system() == "Linux" and not os.environ.get("DISPLAY"):  # MuJoCo's default backend needs a display
        os.environ.setdefault("MUJOCO_GL", "egl")
    result = measure(arguments.seed, arguments.seconds)
    print(json.dumps(result) if arguments.json else table(result))


if __name__ == "__main__":
    main()
