"""What a machine has run out of: errors of Python, PyTorch, MuJoCo and the system, in one line with a remedy."""

import errno
import os

AGAIN = "run the same command again"
MEMORY = f"out of memory; close other programs or make it smaller (batches, --workers), then {AGAIN}"
GPU_MEMORY = f"out of GPU memory; make batches smaller or use --device cpu, then {AGAIN}"
THREADS = f"no more processes or threads may be started (ulimit -u); end some or use fewer --workers, then {AGAIN}"
FILES = f"too many open files; raise the limit (ulimit -n) or use fewer --workers, then {AGAIN}"
KILLED = f"a worker process was killed, perhaps because memory ran out; use fewer --workers, then {AGAIN}"
NUMBERS = {
    errno.ENOMEM: MEMORY,
    errno.EMFILE: FILES,
    errno.ENFILE: FILES,
    errno.EAGAIN: THREADS,  # of fork; locks and pipes that could say it too are asked for where they are used
    errno.EDQUOT: f"the disk quota is exceeded; free some space, then {AGAIN}",
    errno.EROFS: "this file system can only be read; choose another place",
}
"""What the system's error numbers mean."""
OF_PLACES = {errno.EDQUOT, errno.EROFS}
TEXTS = {
    "cuda out of memory": GPU_MEMORY,
    "can't allocate memory": MEMORY,  # PyTorch on Linux and macOS
    "not enough memory": MEMORY,  # PyTorch on Windows
    "could not allocate mj": MEMORY,  # MuJoCo: mjModel, mjData
    "could not allocate memory": MEMORY,  # MuJoCo
    "bad_alloc": MEMORY,  # C++
    "can't start new thread": THREADS,
    "terminated abruptly": KILLED,  # concurrent.futures
}
"""What parts of messages mean, in lower case."""


def what_ran_out(error: BaseException) -> str | None:
    """Returns one line on what the machine lacks and what to do, None if the error says nothing of that kind."""
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, OSError):
        if error.errno not in NUMBERS or error.strerror != os.strerror(error.errno):  # explained where it was raised
            return None
        place = f"{error.filename}: " if error.errno in OF_PLACES and error.filename is not None else ""
        return place + NUMBERS[error.errno]
    kind = type(error).__name__  # PyTorch and MuJoCo need not be there
    if kind == "OutOfMemoryError":
        return GPU_MEMORY
    if isinstance(error, RuntimeError) or kind == "FatalError":
        said = str(error).lower()
        return next((line for text, line in TEXTS.items() if text in said), None)
    return None
