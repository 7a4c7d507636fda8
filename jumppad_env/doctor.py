"""Checks the installation: versions, rendering and speed; for anything missing, the command that installs it.

python -m jumppad_env.doctor
"""

import argparse
import importlib.metadata
import platform
import shlex
import sys
import time

import numpy as np

from jumppad_env.command_line import command_line, first_line

REQUIRED = ("mujoco", "gymnasium", "numpy", "numba")
OPTIONAL = {
    "pygame": 'pip install "pygame>=2.6,<3"   (to play, and for render_mode="human")',
    "moviepy": 'pip install "moviepy>=2.2,<3" "pillow>=10.1,<12"   (to record videos)',
    "torch": 'pip install "torch>=2.5,<3"   (to train the agents in baselines/)',
}
FRAMES = 60
"""Frames drawn to measure the speed at each size."""


def version(package: str) -> str | None:
    """Returns the installed version of a package, None if it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def delete_cache() -> str:
    """Returns the command that deletes compiled code; it names folders of ours only."""
    from jumppad_env.compiled import cache_directories

    kept = [shlex.quote(str(place)) for place in cache_directories() if place.is_dir()]
    return f"rm -r {' '.join(kept)}" if kept else "run this again"


def frames_per_second(size: int) -> tuple[float, float]:
    """Returns frames per second at size x size in one thread, and the time of the first frame, s.

    Raises:
        OSError: rendering does not work.
    """
    from jumppad_env.drawing import Painter
    from jumppad_env.world import World

    world = World(1)
    world.place(0, "rider", world.islands(0)[0].spawns[0])
    state, painter = world.get_state(0), Painter(size, size)
    start = time.perf_counter()
    if np.ptp(painter.draw_one(state, "rider")) == 0:
        raise OSError("rendering gives a frame of a single color")
    first = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(FRAMES):
        painter.draw_one(state, "rider")
    return FRAMES / (time.perf_counter() - start), first


def steps_per_second() -> float:
    """Returns steps per second of one environment without pixels."""
    import gymnasium

    from jumppad_env.gamepad import NEUTRAL

    env = gymnasium.make("jumppad_env:JumppadState-v0")
    env.reset(seed=0)
    env.step(NEUTRAL)
    start = time.perf_counter()
    for _ in range(80):
        env.step(NEUTRAL)
    return 80 / (time.perf_counter() - start)


def examine() -> bool:
    """Prints the findings and returns whether everything required works."""
    missing, notes = [], []
    rows = [("python", platform.python_version())]
    for package in REQUIRED:
        found = version(package)
        rows.append((package, found or "MISSING"))
        if not found:
            missing.append(f"pip install {package}")
    for package, remedy in OPTIONAL.items():
        found = version(package) or (version("pygame-ce") if package == "pygame" else None)
        rows.append((package, found or "not installed"))
        if not found:
            notes.append(remedy)
    if not missing:
        try:
            from jumppad_env.drawing import RENDERER
            from jumppad_env.machine.cores import count_cores

            rows.append(("cores", str(count_cores())))
            rows.append(("physics", f"{steps_per_second():,.0f} steps/s, one environment"))
            rows.append(("renderer", f"{RENDERER} (no GL needed)"))
            for size in (64, 128):
                rate, first = frames_per_second(size)
                rows.append((f"{size}x{size}", f"{rate:,.0f} frames/s in one thread; the first took {first:.1f} s"))
        except FileNotFoundError as error:  # says what to do
            rows.append(("environment", "DOES NOT WORK"))
            missing.append(first_line(error))
        except Exception as error:  # Numba can fail in many ways: another NumPy, a cache of another compiler
            rows.append(("environment", "DOES NOT WORK"))
            missing.append(f"{first_line(error)}; pip install --upgrade numba numpy, and {delete_cache()}")
    for name, found in rows:
        print(f"{name:<13}{found}")
    for note in notes:
        print(f"optional:  {note}")
    for remedy in missing:
        print(f"missing:   {remedy}")
    print("everything required works" if not missing else "something required does not work; see 'missing' above")
    return not missing


@command_line(stopped="stopped")
def main() -> None:
    """Checks this machine; exit code 1 if something required does not work."""
    parser = argparse.ArgumentParser(prog="python -m jumppad_env.doctor", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="has no effect; accepted by every command")
    parser.parse_args()
    sys.exit(0 if examine() else 1)


if __name__ == "__main__":
    main()
