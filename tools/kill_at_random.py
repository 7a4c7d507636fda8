"""Kills a command at random moments until it has finished, again and again, and compares what it made.

    python -m tools.kill_at_random pipeline --kills 100 --seed 0 --out trials/pipeline
    python -m tools.kill_at_random reproduce --kills 100 --seed 0 --out trials/reproduce
    python -m tools.kill_at_random reproduce --cluster ADDRESS --kills 100 --seed 0 --out trials/cluster

An undisturbed run is made first, in `OUT/reference`, never on the cluster. Runs in `OUT/killed-0`, `OUT/killed-1`, ...
are then started and their main process ended with SIGKILL after a random time; its workers have to notice by
themselves. Each that finishes must hold the same bytes, but for times. `OUT/kills.jsonl` gets a line per attempt; the
same command goes on from there. The exit code is 1 if bytes differ, a command refused to go on, or a process outlived
its parent for too long.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jumppad_env.command_line import command_line

ROOT = Path(__file__).parents[1]
MARK = "JUMPPAD_KILLED_AT_RANDOM"
"""Variable in the environment of all processes of a run, by which they are found; it holds the run's directory."""
NAME = "run"
"""Of every run's directory: films and pages show it."""
COMMANDS = {
    "pipeline": ("baselines.pipeline", "smoke"),
    "reproduce": ("baselines.reproduce", "outcomes", "--preset", "smoke", "--seeds", "2", "--workers", "2"),
}
ON_CLUSTERS = {"reproduce"}
"""Commands that have the option `--cluster`."""
REFERENCE = "reference"
TICK = 0.05
"""s between two looks at processes."""
REFUSALS = 3
"""After so many in a row a run is given up."""
OF_TIME = {"seconds", "ended", "began", "date", "commit", "sha256", "timings.jsonl"}
"""Entries of JSON objects that say when or how long, or are the checksum of what does."""
MAY_DIFFER = {".html", ".md"}
"""Endings of pages that show times: their words are compared, but no numbers."""
NUMBERS = (
    rb"commit [0-9a-f]+(\+changes)?|all lines above: [0-9a-f]{64}|[\d.]+( s\b| min\b| h\b| (second|minute|hour)s?)?"
)

Command = Callable[[Path], Sequence[str]]
"""Returns the words of a command that makes, or goes on with, a run in a directory."""


@dataclass(frozen=True)
class Attempt:
    """One process that was started."""

    run: int
    """-1 is the reference."""
    event: Literal["killed", "refused", "finished", "given up"]
    after: float
    """s that it ran."""
    gone: float = 0.0
    """s from its end to that of the last of its processes."""
    orphans: tuple[str, ...] = ()
    """Processes that had to be ended."""
    message: str = ""
    """Last line on stderr of one that was refused."""
    differences: tuple[str, ...] = ()
    """Files of a finished run that are not those of the reference."""


class Killer:
    """Starts a command and ends it, in a directory that remembers what happened.

    Args:
        command: What to run.
        out: Holds all runs.
        seed: Of the moments.
        shortest: s before the earliest kill.
        longest: s before the latest kill.
        patience: s that processes may outlive their parent before they are ended.
    """

    def __init__(
        self, command: Command, out: Path, seed: int, shortest: float, longest: float, patience: float = 60.0
    ) -> None:
        self.command, self.out, self.seed = command, out, seed
        self.shortest, self.longest, self.patience = shortest, longest, patience
        out.mkdir(parents=True, exist_ok=True)
        self._log = out / "kills.jsonl"
        lines = self._log.read_text().splitlines() if self._log.is_file() else []
        self.attempts = [Attempt(**json.loads(line)) for line in lines]
        if found := [process for path in out.iterdir() for process in processes_of(path / NAME)]:
            raise ValueError(f"{out} is still being worked on, by {', '.join(name for _, name in found)}; end it first")

    @property
    def kills(self) -> int:
        """How many there have been."""
        return sum(attempt.event == "killed" for attempt in self.attempts)

    def directory(self, run: int) -> Path:
        """Returns where a run is made."""
        return self.out / (REFERENCE if run < 0 else f"killed-{run}") / NAME

    def go_on(self, kills: int) -> Iterator[Attempt]:
        """Makes the reference, then runs until there have been so many kills and the last run has ended."""
        while (run := self._current()) < 0 or self.kills < kills or self._is_begun(run):
            moment = None if run < 0 or self.kills >= kills else self._moment()
            attempt = self._try(run, moment)
            if attempt.event == "refused" and self._refused_in_a_row(run) + 1 >= REFUSALS:
                self._note(attempt)
                yield attempt
                attempt = Attempt(run, "given up", 0.0)
            self._note(attempt)
            yield attempt
            if run < 0 and attempt.event == "given up":
                raise ValueError(f"{self.directory(run)}: the command fails undisturbed ({self.attempts[-2].message})")

    def _current(self) -> int:
        ended = [attempt.run for attempt in self.attempts if attempt.event in ("finished", "given up")]
        return max(ended, default=-2) + 1

    def _is_begun(self, run: int) -> bool:
        return any(attempt.run == run for attempt in self.attempts)

    def _refused_in_a_row(self, run: int) -> int:
        count = 0
        for attempt in reversed(self.attempts):
            if attempt.run != run or attempt.event != "refused":
                break
            count += 1
        return count

    def _moment(self) -> float:
        rng = np.random.default_rng([self.seed, len(self.attempts)])
        return float(rng.uniform(self.shortest, self.longest))

    def _note(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        with self._log.open("a") as file:
            file.write(json.dumps(asdict(attempt)) + "\n")

    def _try(self, run: int, moment: float | None) -> Attempt:
        directory = self.directory(run)
        directory.parent.mkdir(exist_ok=True)
        began = time.monotonic()
        with (directory.parent / "stderr.txt").open("w+") as said:
            process = subprocess.Popen(
                list(self.command(directory)),
                cwd=ROOT,
                env={**os.environ, MARK: str(directory.absolute()), "TQDM_DISABLE": "1"},
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
            try:
                code = process.wait(moment)
            except subprocess.TimeoutExpired:
                process.kill()  # its workers are left alone
                process.wait()
                code = None
            except BaseException:
                process.kill()
                raise
            after = round(time.monotonic() - began, 2)
            gone, orphans = self._wait_for_others(directory)
            said.seek(0)
            message = (said.read().strip().splitlines() or [""])[-1]
        if code is None:
            return Attempt(run, "killed", after, gone, orphans)
        if code:
            return Attempt(run, "refused", after, gone, orphans, f"exit code {code}: {message}")
        found = differences(self.directory(-1), directory) if run >= 0 else []
        return Attempt(run, "finished", after, gone, orphans, differences=tuple(found))

    def _wait_for_others(self, directory: Path) -> tuple[float, tuple[str, ...]]:
        """Returns after how many seconds the last process of a run was gone, and which had to be ended."""
        began = time.monotonic()
        last, absent = 0.0, 0
        orphans: dict[int, str] = {}
        while absent < 2:  # a process that becomes another program has no environment for a moment
            if others := processes_of(directory):
                last, absent = time.monotonic() - began, 0
                for pid, name in others if last > self.patience else ():
                    orphans[pid] = name
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            else:
                absent += 1
            time.sleep(TICK)
        return round(last, 2), tuple(orphans.values())


def processes_of(directory: Path) -> list[tuple[int, str]]:
    """Returns number and command of all processes of a run that are alive."""
    found = []
    wanted = f"{MARK}={directory.absolute()}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if wanted in (path / "environ").read_bytes().split(b"\0"):
                words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found.append((int(path.name), f"{path.name} {words[:200]}"))
    return found


# Comparing. -----------------------------------------------------------------------------------------------------------


def differences(reference: Path, other: Path) -> list[str]:
    """Returns which files of two runs differ in more than their times, and which only one of them has."""
    ours, theirs = ({path.relative_to(run) for path in run.rglob("*") if path.is_file()} for run in (reference, other))
    found = [f"{name} is missing" for name in sorted(ours - theirs)]
    found += [f"{name} is only there" for name in sorted(theirs - ours)]
    return found + [
        f"{name} differs" for name in sorted(ours & theirs) if essence(reference / name) != essence(other / name)
    ]


def essence(path: Path) -> Any:
    """Returns what of a file has to be the same in all runs."""
    content = path.read_bytes()
    with suppress(ValueError):
        if path.suffix == ".json":
            return _without_times(json.loads(content))
        if path.name == "timings.jsonl":  # an attempt that was killed leaves no line, or another one
            return {json.loads(line)["stage"] for line in content.splitlines()}
    return re.sub(NUMBERS, b"#", content) if path.suffix in MAY_DIFFER else content


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(each) for key, each in value.items() if key not in OF_TIME}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


# Reporting. -----------------------------------------------------------------------------------------------------------


def describe(attempt: Attempt, killer: Killer, kills: int, per_kill: float) -> str:
    """Returns a line about an attempt, with the time that is left."""
    what = f"{killer.directory(attempt.run).parent.name} {attempt.event} after {attempt.after:.1f} s"
    details = [attempt.message, *attempt.differences, *(f"orphan {name}" for name in attempt.orphans)]
    if attempt.gone:
        details.insert(0, f"last process gone after {attempt.gone:.2f} s")
    left = max(0, kills - killer.kills) * per_kill / 60
    return f"{killer.kills}/{kills} kills, {left:.0f} min left: {'; '.join([what, *filter(None, details)])}"


def summarize(attempts: Sequence[Attempt], limit: float) -> tuple[list[str], bool]:
    """Returns lines about all attempts, and whether all was right.

    Args:
        attempts: All of them.
        limit: s that processes may outlive their parent.
    """
    runs = [attempt for attempt in attempts if attempt.run >= 0]
    kills = [attempt for attempt in runs if attempt.event == "killed"]
    finished = [attempt for attempt in runs if attempt.event == "finished"]
    refused = [attempt for attempt in runs if attempt.event == "refused"]
    longest = max((attempt.gone for attempt in kills), default=0.0)
    late = [attempt for attempt in kills if attempt.gone > limit]
    orphans = [attempt for attempt in runs if attempt.orphans]
    different = [attempt for attempt in finished if attempt.differences]
    lines = [
        f"{len(kills)} kills; {len(finished)} runs finished, {len(different)} of them with other bytes",
        f"longest life of a process after its parent's: {longest:.2f} s; {len(late)} above {limit:g} s, "
        f"{len(orphans)} had to be ended",
        f"{len(refused)} refused to go on",
        *(f"  killed-{attempt.run}: {attempt.message}" for attempt in refused),
        *(f"  killed-{attempt.run}: {name}" for attempt in different for name in attempt.differences),
        *(f"  killed-{attempt.run}: orphan {name}" for attempt in orphans for name in attempt.orphans),
    ]
    return lines, not (different or refused or late or orphans)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.kill_at_random", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--cluster", help="address of a Ray cluster on which runs that are killed work")
    parser.add_argument("--out", type=Path, required=True, help="directory of all runs; continued if it is there")
    parser.add_argument("--kills", type=int, default=100, help="number of kills (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments (default 0)")
    parser.add_argument("--shortest", type=float, default=0.3, help="s before a kill, at least (default 0.3)")
    parser.add_argument("--longest", type=float, default=20.0, help="s before a kill, at most (default 20)")
    parser.add_argument("--limit", type=float, default=2.0, help="s that a process may outlive its parent (default 2)")
    arguments = parser.parse_args(words)
    module, *rest = COMMANDS[arguments.command]
    cluster = ["--cluster", arguments.cluster] if arguments.cluster else []

    def command(out: Path) -> list[str]:
        on_cluster = [] if out.parent.name == REFERENCE else cluster
        return [sys.executable, "-m", module, *rest, "--out", str(out), *on_cluster]

    with command_line():
        if cluster and arguments.command not in ON_CLUSTERS:
            raise ValueError(f"{arguments.command} has no option --cluster; {', '.join(ON_CLUSTERS)} has")
        if not 0 <= arguments.shortest < arguments.longest:
            raise ValueError(f"--shortest {arguments.shortest} must be below --longest {arguments.longest}")
        killer = Killer(
            command,
            arguments.out,
            arguments.seed,
            arguments.shortest,
            arguments.longest,
        )
        spent, before = 0.0, killer.kills
        for attempt in killer.go_on(arguments.kills):
            spent += (attempt.after + attempt.gone) if attempt.run >= 0 else 0.0
            per_kill = spent / max(1, killer.kills - before)
            print(describe(attempt, killer, arguments.kills, per_kill), flush=True)
        lines, right = summarize(killer.attempts, arguments.limit)
        print("\n".join(lines))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
