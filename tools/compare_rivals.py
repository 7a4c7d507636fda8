"""Benchmark: Jumppad next to other 3D environments, interleaved in one run on one machine.

    python -m venv rivals && rivals/bin/pip install vizdoom miniworld
    python tools/compare_rivals.py --python rivals/bin/python
    python tools/compare_rivals.py --json --rounds 3 --seconds 0.5

Each runs in its own process, one at a time: every round measures each for a moment, so that other load on the machine
slows all of them alike. The rivals can be in another virtual environment, which needs nothing of ours: ViZDoom installs
pygame-ce, which conflicts with pygame, Jumppad's window. A missing rival is left out, with a line that says how to
install it.

Actions are random, resets are included, no frames are skipped, and each step renders a frame:

- Jumppad: 0.1 s of physics, with Gymnasium's default wrappers, in one thread.
- ViZDoom: a tic, 1/35 s; `my_way_home`, RGB24, invisible window; its own API, without Gymnasium.
- MiniWorld: a step of `MiniWorld-FourRooms-v0`, with Gymnasium's default wrappers; EGL if there is no display.
- `mujoco.Renderer`: Jumppad's scene and physics without its rules, at MuJoCo's default quality, without Gymnasium.

ViZDoom's engine is a second process that works while Python waits. OpenGL on a CPU uses as many threads as it likes.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

# Only the standard library at the top, since the rivals' interpreter runs this file too; packages that pyright need not
# find are imported by name.

Step = Callable[[int], object]
WARM_UP = 50
"""Steps before the first measurement."""
OPENGL = (
    "OpenGL by apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri libglu1-mesa, "
    "or by dnf install mesa-libEGL mesa-libGL mesa-dri-drivers mesa-libGLU"
)
HEADLESS = platform.system() == "Linux" and not os.environ.get("DISPLAY")


def jumppad(closing: ExitStack, seed: int, size: int) -> tuple[Step, str]:
    """Returns a step function of one environment, which takes the step's index, and the name of the renderer."""
    from jumppad_env.bench.measuring import single

    return single(closing, seed, image_size=(size, size)), f"jumppad {version('jumppad')}, its rasterizer"


def vizdoom(closing: ExitStack, seed: int) -> tuple[Step, str]:
    """Returns a function that advances one tic, and the name of the renderer."""
    vizdoom = import_module("vizdoom")
    game = vizdoom.DoomGame()
    game.load_config(str(Path(vizdoom.scenarios_path) / "my_way_home.cfg"))
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_window_visible(False)
    game.set_seed(seed)
    game.init()
    closing.callback(game.close)
    generator = random.Random(seed)
    actions = [[generator.randrange(2) for _ in range(game.get_available_buttons_size())] for _ in range(100)]

    def step(index: int) -> None:
        game.make_action(actions[index % len(actions)])
        if game.is_episode_finished():
            game.new_episode()
        frame = game.get_state().screen_buffer
        assert frame.shape == (120, 160, 3), frame.shape

    return step, f"vizdoom {version('vizdoom')}, its rasterizer"


def miniworld(closing: ExitStack, seed: int) -> tuple[Step, str]:
    """Returns a step function, and the name of the renderer."""
    pyglet = import_module("pyglet")
    if HEADLESS:
        pyglet.options["headless"] = True  # EGL; must be set before other modules of pyglet are imported
    gymnasium, gl = import_module("gymnasium"), import_module("pyglet.gl")
    import_module("miniworld")  # registers the environments
    env = gymnasium.make("MiniWorld-FourRooms-v0", obs_width=128, obs_height=128)
    closing.callback(env.close)
    observation, _ = env.reset(seed=seed)
    assert observation.shape == (128, 128, 3), observation.shape
    env.action_space.seed(seed)
    actions = [env.action_space.sample() for _ in range(100)]

    def step(index: int) -> None:
        _, _, terminated, truncated, _ = env.step(actions[index % len(actions)])
        if terminated or truncated:
            env.reset()

    renderer = ctypes.cast(gl.glGetString(gl.GL_RENDERER), ctypes.c_char_p).value or b"unknown"
    return step, f"miniworld {version('miniworld')}, {renderer.decode()}"


def mujoco_renderer(closing: ExitStack, seed: int) -> tuple[Step, str]:
    """Returns a function that steps and renders, and the name of the renderer."""
    if HEADLESS:
        os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo's default backend needs a display
    from jumppad_env.bench.overview import gl_renderer, plain_mujoco

    step = plain_mujoco(closing)
    if step is None:
        raise RuntimeError("mujoco.Renderer finds no OpenGL")
    return step, f"mujoco {version('mujoco')}, {gl_renderer()}"


@dataclass(frozen=True)
class Rival:
    """One of the compared environments."""

    says: str
    """Label in the table."""
    pixels: int
    """Pixels per frame."""
    prepare: Callable[[ExitStack, int], tuple[Step, str]]
    """Takes an exit stack for clean-up and the seed; returns a step function, and the name of the renderer."""
    install: str
    """How to install it."""
    ours: bool
    """Whether it runs in our interpreter instead of `--python`."""


RIVALS = {
    "jumppad_64": Rival("Jumppad, 64x64", 64 * 64, partial(jumppad, size=64), "pip install .", ours=True),
    "jumppad_128": Rival("Jumppad, 128x128", 128 * 128, partial(jumppad, size=128), "pip install .", ours=True),
    "vizdoom": Rival("ViZDoom, 160x120", 160 * 120, vizdoom, "pip install vizdoom, as --help says", ours=False),
    "miniworld": Rival(
        "MiniWorld, 128x128", 128 * 128, miniworld, f"pip install miniworld, as --help says; {OPENGL}", ours=False
    ),
    "mujoco": Rival("mujoco.Renderer, 128x128", 128 * 128, mujoco_renderer, OPENGL, ours=True),
}
US = ("jumppad_64", "jumppad_128")


def work(name: str, seed: int) -> None:
    """Main function of a rival's process: prints its renderer, then, for each line of seconds, steps per second."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # output of libraries must not mix with the answers
    with ExitStack() as closing:
        try:
            step, draws = RIVALS[name].prepare(closing, seed)
            for index in range(WARM_UP):
                step(index)
        except Exception as error:  # each library raises errors of its own; the other rivals continue
            print(json.dumps({"missing": " ".join(f"{type(error).__name__}: {error}".split())[:200]}), file=answers)
            return
        print(json.dumps({"draws": draws}), file=answers)
        index = WARM_UP
        for line in sys.stdin:
            first, start, passed = index, time.perf_counter(), 0.0
            while passed < float(line):
                step(index)
                index += 1
                passed = time.perf_counter() - start
            print(json.dumps({"rate": (index - first) / passed}), file=answers)


class Worker:
    """Handle of a rival's process.

    Args:
        name: in `RIVALS`.
        python: the interpreter.
        seed: for resets and actions.
        folder: working directory; ViZDoom leaves files there.
    """

    def __init__(self, name: str, python: str, seed: int, folder: str) -> None:
        self.rates: list[float] = []
        command = [python, str(Path(__file__).resolve()), "--worker", name, "--seed", str(seed)]
        self.process = subprocess.Popen(
            command, cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        about = self._answer()
        self.draws: str | None = about.get("draws")
        self.missing: str | None = about.get("missing")

    def measure(self, seconds: float) -> None:
        """Measures once, unless the process has failed."""
        if self.missing is None and self.process.stdin:
            with suppress(BrokenPipeError):  # it has died; the answer will say so
                self.process.stdin.write(f"{seconds}\n")
                self.process.stdin.flush()
            answer = self._answer()
            self.missing = answer.get("missing")
            self.rates += [answer["rate"]] if "rate" in answer else []

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"missing": f"its process ended with code {self.process.wait()}"}


def measure(python: str, seed: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Measures everything and returns what `--json` prints; progress goes to stderr."""
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory())
        workers: dict[str, Worker] = {}
        for name, rival in RIVALS.items():
            print(f"preparing {rival.says} ...", file=sys.stderr, flush=True)
            workers[name] = Worker(name, sys.executable if rival.ours else python, seed, folder)
            closing.callback(workers[name].process.communicate)  # ends the process
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds} ...", file=sys.stderr, flush=True)
            for worker in workers.values():
                worker.measure(seconds)
    return {"machine": machine(), "rivals": {name: outcome(name, workers) for name in RIVALS}}


def outcome(name: str, workers: dict[str, Worker]) -> dict[str, Any]:
    """Returns the result of one rival; ratios are medians over the rounds' ratios."""
    worker = workers[name]
    if worker.missing is not None:
        return {"missing": worker.missing, "install": RIVALS[name].install}
    ratios = {
        ours: statistics.median(mine / its for mine, its in zip(workers[ours].rates, worker.rates, strict=True))
        for ours in US
        if workers[ours].missing is None
    }
    return {
        "steps_per_second": statistics.median(worker.rates),
        "rounds": worker.rates,
        "pixels": RIVALS[name].pixels,
        "draws": worker.draws,
        "ratios": ratios,
    }


def machine() -> dict[str, Any]:
    """Returns processor, cores and load."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else []
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": names[0] if names else platform.processor(), "cores": os.cpu_count(), "load": load}


def table(result: dict[str, Any]) -> str:
    """Returns the measurements as a text table."""
    about = result["machine"]
    lines = [
        f"{about['cores']} cores of {about['processor']}, load {about['load']:.1f}" if about["load"] else "",
        f"{'':<26}{'steps/s':>9}{'lowest':>9}{'highest':>9}{'Mpixel/s':>10}   Jumppad 64, 128 : it",
    ]
    for name, found in result["rivals"].items():
        says = RIVALS[name].says
        if "missing" in found:
            lines.append(f"{says:<26}missing: {found['missing']}. To install it: {found['install']}")
            continue
        rate, rounds = found["steps_per_second"], found["rounds"]
        line = f"{says:<26}{rate:>9,.0f}{min(rounds):>9,.0f}{max(rounds):>9,.0f}{rate * found['pixels'] / 1e6:>10.1f}"
        ratios = "".join(f"{found['ratios'].get(ours, float('nan')):>8.2f}" for ours in US)
        lines.append(f"{line}{ratios}   {found['draws']}")
    return "\n".join(line for line in lines if line)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python tools/compare_rivals.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has ViZDoom and MiniWorld")
    parser.add_argument("--seconds", type=float, default=1.0, help="time of each measurement (default 1)")
    parser.add_argument("--rounds", type=int, default=9, help="number of rounds (default 9)")
    parser.add_argument("--seed", type=int, default=0, help="seed for resets and actions (default 0)")
    parser.add_argument("--worker", choices=RIVALS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.seed)
        return
    from jumppad_env.command_line import command_line  # not at the top: the rivals' interpreter has nothing of ours

    with command_line(stopped="stopped"):
        if not 0 < arguments.seconds < float("inf"):
            raise ValueError(f"--seconds {arguments.seconds} must be a positive number of seconds")
        if arguments.rounds < 1:
            raise ValueError(f"--rounds {arguments.rounds} must be at least 1")
        python = shutil.which(arguments.python)
        if python is None:
            raise ValueError(f"--python {arguments.python} is not an executable program")
        result = measure(os.path.abspath(python), arguments.seed, arguments.seconds, arguments.rounds)
        print(json.dumps(result) if arguments.json else table(result))


if __name__ == "__main__":
    main()
