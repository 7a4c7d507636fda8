"""Puts a damaged file in place of a file, lets its reader read, and says whether that was right."""

import hashlib
import io
import json
import re
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from jumppad_env.dataset.blocks import BlockHasher
from jumppad_env.dataset.format import array_header
from jumppad_env.files import MANIFEST, seal
from jumppad_env.files.reading import CHECKSUM
from tools.fuzzing.mutations import mutate
from tools.fuzzing.readers import Kind

READ, REFUSED = "read", "refused"
BAD = ("traceback", "unnamed", "lines", "slow", "memory", "silent", "crash")
"""Another exception than ValueError and OSError; a message that names another file or none; one of several lines, or
of more than `LONGEST` characters; more than `SECONDS`; more than `MEMORY`; a difference from a checksum that nothing
noticed; the end of the process."""
SECONDS = 5.0
"""Of computing, so that a busy machine makes nothing slow."""
MEMORY = 2**30
LONGEST = 2000
DRAW_EVERY = 200
"""Inputs of which one is drawn, too, if it is read."""

Verify = Callable[[Path], Sequence[Any]]
"""Returns the faults of a run, each of which names its file."""


class TooSlow(BaseException):
    """Reading took too long; no reader catches it."""


@dataclass(frozen=True)
class Verdict:
    """What came of one input."""

    number: int
    resealed: bool
    found: str
    """`READ`, `REFUSED` or one of `BAD`."""
    message: str = ""

    @property
    def bad(self) -> bool:
        """Whether the reader did wrong."""
        return self.found in BAD


def make_input(kind: Kind, content: bytes, seed: int, number: int) -> tuple[bytes, bool]:
    """Returns the contents of an input, and whether it is to be sealed again; the same for the same numbers."""
    rng = np.random.default_rng([seed, crc32(kind.name.encode()), number])
    resealed = bool(rng.random() < 0.5)
    return mutate(content, kind.path.suffix, rng), resealed


def judge(
    kind: Kind,
    content: bytes,
    number: int,
    *,
    resealed: bool = False,
    run: Path | None = None,
    verify: Verify | None = None,
    limited: bool = False,
) -> Verdict:
    """Lets a reader read other contents of its file, which is restored afterwards.

    Args:
        kind: Its file is there, whole.
        content: What the file holds meanwhile.
        number: Of the input.
        resealed: Whether checksums of the file are made to fit, as somebody would who wants it to be read.
        run: Directory that is verified.
        verify: Asked where what does not fit its checksums was read without complaint.
        limited: Whether to measure time and memory.
    """
    covered = has_checksum(kind.path)
    with _in_place(kind, content, resealed and covered) as fits:
        with _measured(limited) as grown:
            found, message = _outcome(kind, number)
        if found != "slow" and grown() > MEMORY:
            found, message = "memory", f"{grown() / 2**30:.1f} GiB more; {message}"
        if found == READ and not fits and verify is not None and run is not None:
            if any(names(str(fault), kind.path) for fault in verify(run)):
                found, message = REFUSED, "by verify"
        if found == READ and not fits and covered and (kind.checks or verify is not None):
            found = "silent"
    return Verdict(number, resealed and covered, found, message)


def _outcome(kind: Kind, number: int) -> tuple[str, str]:
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):  # such as bars of progress
            kind.read()
            if number % DRAW_EVERY == 0:
                kind.draw()
    except TooSlow:
        return "slow", f"more than {SECONDS:g} s"
    except (ValueError, OSError) as error:
        message = str(error)
        if not names(message, kind.path):
            return "unnamed", f"{message} (from {_place(error)})"
        return ("lines" if "\n" in message.strip() or len(message) > LONGEST else REFUSED), message
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {error} (from {_place(error)})"
    return READ, ""


def _place(error: Exception) -> str:
    """Returns where in our code an error came up."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "site-packages" not in f.filename and "/lib/python" not in f.filename]
    last = (ours or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def names(message: str, path: Path) -> bool:
    """Returns whether a message names a file: by its path or bare name, its directory, or another file in there.

    Where two files of a directory contradict each other, nobody can tell which of them is wrong.
    """
    end = r"(?![\w/-])(?!\.\w)"
    patterns = (
        re.escape(str(path)) + end,
        re.escape(str(path.parent)) + r"(/[\w-]+\.\w+)?" + end,
        rf"(?<![\w/.]){re.escape(path.name)}{end}",
    )
    return any(re.search(pattern, message) for pattern in patterns)


# Checksums. -----------------------------------------------------------------------------------------------------------


def has_checksum(path: Path) -> bool:
    """Returns whether a file holds its own checksum, or a manifest beside it does."""
    if path.suffix == ".json":
        with suppress(ValueError):
            value = json.loads(path.read_bytes())
            if isinstance(value, dict) and list(value)[-1:] == [CHECKSUM]:
                return True
    return path.name in _manifest(path.parent).get("files", {})


def _manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    return json.loads(path.read_bytes()) if path.is_file() else {}


@contextmanager
def _in_place(kind: Kind, content: bytes, resealed: bool) -> Iterator[bool]:
    """Puts contents in place of a file, and yields whether all checksums fit them."""
    path = kind.path
    before = {path: path.read_bytes()}
    changed = {path: content}
    fits = False
    if resealed:
        if path.name in _manifest(path.parent).get("files", {}):
            changed |= _covered_again(path, content)
            fits = True
        else:
            with suppress(ValueError, RecursionError, AttributeError):  # what is no object cannot be sealed
                values = json.loads(content)
                sealed = seal({key: value for key, value in values.items() if key != CHECKSUM})
                changed, fits = {path: sealed.encode()}, True
    before |= {other: other.read_bytes() for other in changed}
    try:
        for each, data in changed.items():
            _put(each, data)
        yield fits
    finally:
        kind.tidy()
        for each, data in before.items():
            _put(each, data)


def _put(path: Path, content: bytes) -> None:
    """Writes a new file: what maps the old one into memory goes on seeing it whole."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)  # a reader may have removed it
    path.write_bytes(content)


def _covered_again(path: Path, content: bytes) -> dict[Path, bytes]:
    """Returns the files beside another one that have to be changed so that its checksums fit."""
    manifest = _manifest(path.parent)
    files = manifest["files"]
    changed = {path: content}
    if path.name == "frames.npy" and "blocks.npy" in files:
        hasher = BlockHasher()
        hasher.update(content)
        blocks = hasher.finish()[1]
        changed[path.with_name("blocks.npy")] = array_header(blocks.dtype, blocks.shape) + blocks.tobytes()
    files |= {each.name: hashlib.sha256(data).hexdigest() for each, data in changed.items()}
    values = {key: value for key, value in manifest.items() if key != CHECKSUM}
    changed[path.parent / MANIFEST] = (seal(values) if CHECKSUM in manifest else json.dumps(manifest)).encode()
    return changed


# Limits. --------------------------------------------------------------------------------------------------------------


@contextmanager
def _measured(limited: bool) -> Iterator[Callable[[], int]]:
    """Ends what takes too long with `TooSlow`; yields a function that says by how many bytes memory has grown."""
    if not limited:
        yield lambda: 0
        return
    before = _reset_peak()
    signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield lambda: _memory("VmHWM") - before
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _give_up(*_: Any) -> None:
    raise TooSlow


def _reset_peak() -> int:
    """Forgets the most memory that this process has used, and returns what it uses (bytes)."""
    with suppress(OSError):  # then the peak of earlier inputs hides smaller ones
        Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    match = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(match[1]) if match else 0
