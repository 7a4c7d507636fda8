"""How many cores this process may use, and this machine has."""

import math
import os
from pathlib import Path

PROC = Path("/proc/self")
CGROUPS = Path("/sys/fs/cgroup")


def count_cores() -> int:
    """Returns the number of cores this process may use: by its affinity, and by a container's quota of time."""
    return max(1, math.ceil(min(_affinity(), _quota())))


def count_machine_cores() -> int:
    """Returns the number of cores of this machine, whatever this process may use of them."""
    return os.cpu_count() or 1


def has_quota() -> bool:
    """Returns whether a container allows less than the cores that are seen, which other libraries then count."""
    return count_cores() < _affinity()


def _affinity() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count_machine_cores()


def _quota() -> float:
    """Returns how many cores' time the cgroups of this process allow, infinite where they say nothing."""
    quota = math.inf
    try:
        lines = (PROC / "cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return quota
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2
            root = CGROUPS
        elif "cpu" in controllers.split(","):
            root = next((place for name in (controllers, "cpu") if (place := CGROUPS / name).is_dir()), CGROUPS)
        else:
            continue
        own = root / path.lstrip("/")  # inside a container it may not be there: its group is then the root
        for group in (own, *own.parents):
            if group.is_relative_to(root):
                quota = min(quota, _quota_of(group))
    return quota


def _quota_of(group: Path) -> float:
    try:
        if (group / "cpu.max").exists():
            used, period = (group / "cpu.max").read_text().split()
        else:
            used, period = ((group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        return int(used) / int(period) if int(used) > 0 and int(period) > 0 else math.inf
    except (OSError, ValueError):  # no limit ("max"), or no such group
        return math.inf
