"""Functions that the tests send to a cluster."""

import os
import signal
import time
from pathlib import Path


def note(folder: Path, seconds: float, number: int) -> int:
    """Notes where a block is worked on, and returns its number after a while."""
    (folder / f"{number} {os.getpid()} {time.time_ns()}").touch()
    time.sleep(seconds)
    return number


def fail(number: int) -> int:
    if number == 3:
        raise ValueError(f"no {number} today")
    return number


def kill_once(folder: Path, number: int) -> int:
    """Ends its own process the first time."""
    try:
        (folder / str(number)).touch(exist_ok=False)
    except FileExistsError:
        return number
    os.kill(os.getpid(), signal.SIGKILL)
    return -1


def large(size: int, number: int) -> bytes:
    return bytes([number]) * size


def machine(number: int) -> str:
    import ray

    time.sleep(0.3)
    return ray.get_runtime_context().get_node_id()


def play_and_die_once(folder: Path, lost: int, policy, seeds: list[int], *others):
    """Plays a block of an alignment; once, the process that has played the block of a certain first seed is killed."""
    from baselines.align.actors import play_block  # PyTorch takes seconds

    (folder / f"{seeds[0]} {os.getpid()} {time.time_ns()} block").touch()
    played = play_block(policy, seeds, *others)
    if seeds[0] == lost:
        kill_once(folder, lost)
    return played
