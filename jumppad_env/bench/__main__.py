"""Benchmark: environment steps per second, single and vector, with and without pixels, next to `mujoco.Renderer`.

python -m jumppad_env.bench
python -m jumppad_env.bench --json --seconds 20
python -m jumppad_env.bench --threads 1 2 4    # the vector environment by number of threads
"""

import argparse
import json
import os
import platform

from jumppad_env.bench import overview, threads
from jumppad_env.command_line import command_line


@command_line(stopped="stopped")
def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m jumppad_env.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=18.0, help="time of all measurements together (default 18)")
    parser.add_argument("--seed", type=int, default=0, help="seed for resets and actions (default 0)")
    parser.add_argument("--threads", type=int, nargs="+", help="measure by number of threads")
    arguments = parser.parse_args()
    if not 0 < arguments.seconds < float("inf"):
        raise ValueError(f"--seconds {arguments.seconds} must be a positive number of seconds")
    if arguments.threads is not None:
        if min(arguments.threads) < 1:
            raise ValueError(f"--threads {min(arguments.threads)} must be at least 1")
        curve = threads.measure(arguments.threads, arguments.seed, arguments.seconds)
        print(json.dumps(curve) if arguments.json else threads.table(curve))
        return
    if platform.system() == "Linux" and not os.environ.get("DISPLAY"):  # MuJoCo's default backend needs a display
        os.environ.setdefault("MUJOCO_GL", "egl")
    result = overview.measure(arguments.seed, arguments.seconds)
    print(json.dumps(result) if arguments.json else overview.table(result))


if __name__ == "__main__":
    main()
