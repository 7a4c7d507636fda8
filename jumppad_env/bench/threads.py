"""A curve over cores: steps per second of the vector environment by its number of threads."""

import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from jumppad_env.bench.measuring import in_turns, vector
from jumppad_env.island import load_island
from jumppad_env.machine.cores import count_cores
from jumppad_env.rules import RULES

ROWS_PER_THREAD = 32
"""Environments for each thread of the largest number of threads."""
FEWEST = 64
"""Environments at least."""
OBSERVATIONS: dict[str, dict[str, Any]] = {"pixels_64": {"image_size": (64, 64)}, "state": {"observation": "state"}}


def count_rows(threads: Sequence[int]) -> int:
    """Returns the number of environments: the same for every number of threads, so that only threads differ."""
    return max(FEWEST, ROWS_PER_THREAD * max(threads))


def measure(threads: Sequence[int], seed: int, seconds: float) -> dict[str, Any]:
    """Measures each number of threads, and one thread, and returns what `--json` prints; progress goes to stderr.

    Args:
        threads: numbers of threads, in any order.
        seed: for resets and actions.
        seconds: approximate time of all measurements together.
    """
    counts = sorted({1, *threads})
    rows = count_rows(counts)
    with ExitStack() as closing:
        print("preparing ...", file=sys.stderr, flush=True)
        steps = {
            (count, name): vector(closing, seed, rows, threads=count, **keywords)
            for count in counts
            for name, keywords in OBSERVATIONS.items()
        }
        rates = in_turns(steps, seconds)
    return summary(rates, rows, count_cores(), load_island().substeps(RULES.control_step))


def summary(rates: dict[tuple[int, str], list[float]], rows: int, cores: int, frame_skip: int) -> dict[str, Any]:
    """Returns medians over the rounds; a speed-up is the median of the ratios of each round.

    Args:
        rates: decisions per second of each round, by number of threads and observation.
        rows: number of environments.
        cores: of this machine.
        frame_skip: physics steps per decision.
    """
    curve = []
    for count in sorted({count for count, _ in rates}):
        decisions, speed_ups = {}, {}
        for name in OBSERVATIONS:
            several = rates[count, name]
            decisions[name] = round(statistics.median(several), 1)
            ratios = [rate / one for rate, one in zip(several, rates[1, name], strict=True)]
            speed_ups[name] = round(statistics.median(ratios), 3)
        curve.append(
            {
                "threads": count,
                "more_than_cores": count > cores,
                "decisions_per_second": decisions,
                "physics_frames_per_second": {name: round(rate * frame_skip, 1) for name, rate in decisions.items()},
                "speed_up": speed_ups,
            }
        )
    return {"environments": rows, "cores": cores, "frame_skip": frame_skip, "curve": curve}


def table(result: dict[str, Any]) -> str:
    """Returns the measurements as a text table."""
    skip = result["frame_skip"]
    lines = [
        f"{result['environments']} environments"
        + "decisions/s".rjust(17)
        + "physics frames/s".rjust(22)
        + "speed-up".rjust(16),
        "threads  " + ("64x64".rjust(11) + "states".rjust(11)) * 2 + "64x64".rjust(8) + "states".rjust(8),
    ]
    for point in result["curve"]:
        words = f"{point['threads']}{' *' if point['more_than_cores'] else ''}".ljust(9)
        for key, form in (
            ("decisions_per_second", "11,.0f"),
            ("physics_frames_per_second", "11,.0f"),
            ("speed_up", "8.2f"),
        ):
            words += "".join(format(point[key][name], form) for name in OBSERVATIONS)
        lines.append(words)
    lines.append(
        f"physics frames = decisions x {skip}, EnvPool's convention (frame skip); an agent's steps are the decisions"
    )
    if any(point["more_than_cores"] for point in result["curve"]):
        lines.append(f"* more threads than the {result['cores']} cores of this machine")
    return "\n".join(lines)
