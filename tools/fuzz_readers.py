"""Throws damaged files at all readers of a run, and counts what they do.

    python -m tools.fuzz_readers --inputs 100000 --seed 0
    python -m tools.fuzz_readers --inputs 500 --only config.json --keep failing
    python -m tools.fuzz_readers --only base/config.json --number 123  # one input again

The run is a miniature that the stages make (kept and used again with --miniature). Half of the inputs of files with a
checksum are sealed again, as somebody would who wants them to be read. A reader is right if it reads, or raises a
ValueError or OSError of one line that names the file. The exit code is 1 if any reader did wrong.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from baselines.verify.verify import verify
from jumppad_env.command_line import command_line
from tools.fuzzing.judge import BAD, READ, REFUSED, Verdict, Verify, judge, make_input
from tools.fuzzing.miniature import make_miniature
from tools.fuzzing.readers import Kind, kinds_of

SPARE = 5 * 2**29
"""Bytes of memory that an input may take before it is refused more."""
HANGS = 60.0
"""s after which a reader is ended that computes nothing, or that no signal reaches."""
SHOWN = 3
"""Examples of what is wrong, of each kind of file and each class."""
COLUMNS = ("inputs", REFUSED, READ, *BAD)


class Fuzzer:
    """A run and the readers of its files; each kind of file is read in a process of its own.

    Args:
        run: A miniature; its files are restored.
        seed: Of all inputs.
        verify: See `tools.fuzzing.judge.judge`.
    """

    def __init__(self, run: Path, seed: int, verify: Verify | None = None) -> None:
        self.run, self.seed, self.verify = run, seed, verify
        self._files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}

    def throw(self, kind: Kind, numbers: Sequence[int]) -> Iterator[Verdict]:
        """Throws inputs at a reader, each of which may end its process; yields what came of them."""
        left = list(numbers)
        while left:
            ours, theirs = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.get_context("fork").Process(target=self._work, args=(ours, theirs, kind, left))
            process.start()
            theirs.close()
            try:
                while left:
                    if not ours.poll(HANGS):
                        process.kill()
                    yield ours.recv()
                    del left[0]
            except EOFError:
                process.join()
                self.restore()
                found = "slow" if process.exitcode == -signal.SIGKILL else "crash"
                yield Verdict(left.pop(0), False, found, f"exit code {process.exitcode}")
            process.join()

    def _work(self, other_end: Connection, results: Connection, kind: Kind, numbers: list[int]) -> None:
        other_end.close()  # so that this process ends with its parent
        warnings.simplefilter("ignore")
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + SPARE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        judge(kind, self._files[kind.path], 0)  # what only the first reading loads is not to be measured
        for number in numbers:
            content, resealed = self.make(kind, number)
            results.send(
                judge(kind, content, number, resealed=resealed, run=self.run, verify=self.verify, limited=True)
            )

    def make(self, kind: Kind, number: int) -> tuple[bytes, bool]:
        """Returns an input, see `tools.fuzzing.judge.make_input`."""
        return make_input(kind, self._files[kind.path], self.seed, number)

    def restore(self) -> None:
        """Puts back all files of the run."""
        for path in self.run.rglob("*"):
            if path.is_file() and path not in self._files:
                path.unlink()
        for path, content in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content)


def select(kinds: Sequence[Kind], only: str | None) -> list[Kind]:
    """Returns the kinds of a name, which may be the end of their path.

    Raises:
        ValueError: there are none.
    """
    chosen = [kind for kind in kinds if only is None or f"/{kind.name}".endswith(f"/{only}")]
    if not chosen:
        raise ValueError(f"--only {only} is none of {', '.join(kind.name for kind in kinds)}")
    return chosen


def line(name: str, counts: Counter[str]) -> str:
    """Returns a line of the table."""
    return f"{name:50s}" + "".join(f"{counts[column] or '.':>10}" for column in COLUMNS)


def fuzz(fuzzer: Fuzzer, kinds: Sequence[Kind], inputs: int, keep: Path | None) -> bool:
    """Throws inputs at all readers, the same number at each, and prints a table; returns whether all were right."""
    print(f"{'kind of file':50s}" + "".join(f"{column:>10}" for column in COLUMNS))
    total: Counter[str] = Counter()
    wrong: list[tuple[Kind, Verdict]] = []
    began = time.monotonic()
    for index, kind in enumerate(kinds):
        counts: Counter[str] = Counter()
        started = time.monotonic()
        first, last = index * inputs // len(kinds), (index + 1) * inputs // len(kinds)
        for verdict in fuzzer.throw(kind, range(last - first)):
            counts[verdict.found] += 1
            counts["inputs"] += 1
            if verdict.bad:
                wrong.append((kind, verdict))
                if keep is not None:
                    _keep(keep, kind, verdict, fuzzer)
        print(f"{line(kind.name, counts)}{time.monotonic() - started:>8.0f} s", flush=True)
        total += counts
    print(line("all", total))
    _print_examples(wrong, fuzzer.seed)
    print(f"{total['inputs']} inputs in {time.monotonic() - began:.0f} s; {len(wrong)} were handled wrongly")
    return not wrong


def _print_examples(wrong: Sequence[tuple[Kind, Verdict]], seed: int) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for kind, verdict in wrong:
        seen[kind.name, verdict.found] += 1
        if seen[kind.name, verdict.found] <= SHOWN:
            sealed = ", sealed again" if verdict.resealed else ""
            message = " ".join(verdict.message.split())[:300]
            print(f"{kind.name}: {verdict.found} (seed {seed}, number {verdict.number}{sealed}): {message}")


def _keep(folder: Path, kind: Kind, verdict: Verdict, fuzzer: Fuzzer) -> None:
    """Writes an input into a folder, and what came of it into a file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{kind.name.replace('/', '_')}-{fuzzer.seed}-{verdict.number}"
    (folder / f"{name}{kind.path.suffix}").write_bytes(fuzzer.make(kind, verdict.number)[0])
    said = {"kind": kind.name, "resealed": verdict.resealed, "found": verdict.found, "message": verdict.message}
    (folder / f"{name}.verdict").write_text(json.dumps(said, indent=2))


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz_readers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=100_000, help="number of inputs (default 100000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the inputs (default 0)")
    parser.add_argument("--only", help="kind of file, such as config.json or base/config.json")
    parser.add_argument("--number", type=int, help="only the input of this number, of each kind")
    parser.add_argument("--keep", type=Path, help="folder that inputs are written to that were handled wrongly")
    parser.add_argument("--miniature", type=Path, help="where the run is kept, and found again")
    parser.add_argument("--verify", action="store_true", help="what verify names is not silent")
    arguments = parser.parse_args(words)
    with command_line(stopped="stopped"), tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        run = Path(folder) / "miniature"
        if arguments.miniature and arguments.miniature.is_dir():
            shutil.copytree(arguments.miniature, run)
        else:
            make_miniature(run)
            if arguments.miniature:
                shutil.copytree(run, arguments.miniature)
        kinds = select(kinds_of(run), arguments.only)
        fuzzer = Fuzzer(run, arguments.seed, (lambda run: verify(run).faults) if arguments.verify else None)
        if arguments.number is None:
            return 0 if fuzz(fuzzer, kinds, arguments.inputs, arguments.keep) else 1
        wrong = False
        for kind in kinds:
            for verdict in fuzzer.throw(kind, [arguments.number]):
                print(f"{kind.name}: {verdict.found} {verdict.message}")
                wrong |= verdict.bad
        return int(wrong)


def _quick_folder() -> str | None:
    """Returns a folder in memory where there is one: readers that write flush to the disk each time."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
