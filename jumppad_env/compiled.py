"""JIT compilation: Numba's compiler with the package's options and an on-disk cache.

Each version of the compiled sources has a cache directory of its own, since a function also contains what it calls.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import numba
import numba.core.config
import numpy as np

from jumppad_env.machine.kept_code import KeptCode

CONFIG: Any = numba.core.config
PACKAGE = Path(__file__).parent
SOURCES = (
    "compiled.py",
    "gamepad.py",
    "rules.py",
    "streams.py",
    "island/*.py",
    "levels/*.py",
    "world/*.py",
    "drawing/**/*.py",
)
"""Modules with compiled functions, and those whose constants they use. Edits elsewhere recompile nothing."""


def compiled_sources() -> list[Path]:
    """Returns the files that compiled code depends on, constants included."""
    return sorted(path for place in SOURCES for path in PACKAGE.glob(place))


def cache_directories() -> list[Path]:
    """Returns the folders that may keep compiled code, best first; each belongs to this version of the sources."""
    digest = hashlib.sha256(repr((numba.__version__, np.__version__, CONFIG.BOUNDSCHECK, CONFIG.OPT)).encode())
    for path in compiled_sources():
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    places = [Path(CONFIG.CACHE_DIR)] if CONFIG.CACHE_DIR else []
    places.append(PACKAGE / "__pycache__")
    with contextlib.suppress(RuntimeError):  # a user without a home directory, as in a container
        places.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jumppad")
    return [place / f"jumppad-{digest.hexdigest()[:12]}" for place in places]


_DIRECTORIES = cache_directories()


def compiled(function: Any) -> Any:
    """Compiles a function that releases the GIL, with an on-disk cache if there is a writable place."""
    return _compiled(function, no_cfunc_wrapper=True)


def compiled_part(function: Any) -> Any:
    """Compiles a function that only compiled functions call; that takes a quarter less time."""
    return _compiled(function, no_cfunc_wrapper=True, no_cpython_wrapper=True)


def inlined(function: Any) -> Any:
    """Inlines a function into its callers: passing many arrays takes longer than little work on them.

    It must not rebind arrays to other names: their references would be counted at every call.
    """
    return _compiled(function, inline="always")


def specialized(function: Any, *arguments: Any) -> Any:
    """Returns the machine code of a compiled function for arguments of these types.

    Calling it skips Numba's look at the types of all arguments; for tuples of arrays that takes longer than the work on
    a single row. Nothing checks them any more: each call must pass the same types.
    """
    if CONFIG.DISABLE_JIT:  # it is the Python function
        return function
    return function.compile(tuple(numba.typeof(argument) for argument in arguments))


def _compiled(function: Any, **options: Any) -> Any:
    # Division by zero gives infinity, as in NumPy: checking every division takes time.
    options = {"nogil": True, **options}
    dispatcher: Any = numba.njit(error_model="numpy", **options)(function)
    if not CONFIG.DISABLE_JIT:  # else it is the Python function
        with contextlib.suppress(OSError):  # the source is not there to tell versions apart: nothing is kept
            dispatcher._cache = KeptCode(function, _DIRECTORIES)
    return dispatcher
