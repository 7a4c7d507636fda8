"""Kills commands before every file operation, runs them again, and compares what they make.

    python tools/every_moment.py              # all commands
    python tools/every_moment.py align report

A command runs once undisturbed, and the disk is recorded before each of its file operations, also with what was written
last cut off in the middle: these are the states that a kill leaves. From each of them the same command runs again,
recorded in turn, until no new state turns up. So what is shown holds for any number of kills, one after the other. A
fault is a state from which the command is refused, or from which it ends in other bytes.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from jumppad_env.command_line import command_line
from tools.fuzzing.miniature import make_miniature
from tools.moments.commands import Command, commands, in_haste
from tools.moments.recording import Disk, name_of, read, record, restore, without_times

SHOWN = 3
"""Faults of each kind that are told."""


@dataclass
class Findings:
    """What came of all moments of a command."""

    states: int = 0
    """Different states of the disk that kills leave."""
    refused: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def explore(run: Callable[[Path], Any], folder: Path, start: Disk, most: int | None = None) -> Findings:
    """Runs a command from every state that kills of it leave.

    Args:
        run: does all its work in the folder; run again, it goes on.
        folder: of its own.
        start: what the folder holds before.
        most: states to start from, spread evenly over those of the first run; all by default, and those of the runs
            after it.

    Returns:
        The findings.
    """
    found = Findings()
    restore(folder, start)
    with record(folder, torn=True) as recorder:
        run(folder)
    wanted = without_times(recorder.disks[-1])
    waiting = list({name_of(disk): disk for disk in recorder.disks}.values())
    known = {name_of(disk, leftovers=False) for disk in waiting}
    if most is not None:
        waiting = [waiting[index * len(waiting) // most] for index in range(min(most, len(waiting)))]
    while waiting:
        disk = waiting.pop(0)
        found.states += 1
        restore(folder, disk)
        with record(folder) as again:
            try:
                run(folder)
            except (Exception, SystemExit) as error:
                found.refused.append(f"{type(error).__name__}: {error} (from {_told(disk)})")
                continue
        if changes := _changes(wanted, without_times(again.disks[-1])):
            found.different.append(f"{changes} (from {_told(disk)})")
        if most is None:
            fresh = {name_of(state, leftovers=False): state for state in again.disks}
            waiting += [state for name, state in fresh.items() if name not in known]
            known |= fresh.keys()
    return found


def _told(disk: Disk) -> str:
    return ", ".join(f"{name} {len(data)}" for name, data in sorted(disk.items()) if data is not None) or "empty"


def _changes(wanted: Disk, found: Disk) -> str:
    return ", ".join(
        f"{name} {'missing' if name not in found else 'new' if name not in wanted else 'other'}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name, ...) != found.get(name, ...)
    )


def start_of(command: Command, finished: Path) -> Disk:
    """Returns what a command's folder holds before."""
    if command.needs != "run":
        return {}
    return {f"run/{name}": data for name, data in read(finished).items()} | {"run": None}


@patch.dict(os.environ, {"TQDM_DISABLE": "1"})
def main(names: tyro.conf.Positional[tuple[str, ...]] = ()) -> int:
    """Kill commands before every file operation and run them again.

    Args:
        names: Commands; all by default.
    """
    wrong = 0
    with tempfile.TemporaryDirectory() as place, in_haste():
        finished = Path(place) / "finished"
        make_miniature(finished)
        known = commands(finished)
        if unknown := set(names) - known.keys():
            raise ValueError(f"{', '.join(sorted(unknown))}: unknown; choose from {', '.join(known)}")
        print(f"{'command':20s}  states  refused  different")
        for name in names or known:
            found = explore(known[name].run, Path(place) / "out", start_of(known[name], finished))
            print(f"{name:20s} {found.states:7d} {len(found.refused):8d} {len(found.different):10d}", flush=True)
            for line in (*found.refused[:SHOWN], *found.different[:SHOWN]):
                print(f"    {line}")
            wrong += len(found.refused) + len(found.different)
            shutil.rmtree(Path(place) / "out", ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    with command_line():
        raise SystemExit(tyro.cli(main, prog="python tools/every_moment.py"))
