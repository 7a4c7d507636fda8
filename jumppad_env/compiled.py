"""Numba's compiler, as all of our compiled functions use it.

What Numba keeps on disk is renewed only when the file of the function itself changes, not when a function that it calls
does. So each state of the compiled source has a folder of its own.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numba
import numba.core.config

CONFIG: Any = numba.core.config
PACKAGE = Path(__file__).parent
SOURCES = ("compiled.py", "gamepad.py", "rules.py", "island/*.py", "world/*.py", "drawing/*.py")
"""Compiled functions, and every module that they take constants from. Edits elsewhere do not recompile anything."""


def compiled_sources() -> list[Path]:
    """Returns the files that compiled code is made of, constants included."""
    return sorted(path for place in SOURCES for path in PACKAGE.glob(place))


def cache_directory() -> Path:
    """Returns where compiled code of this state of the package is kept."""
    digest = hashlib.sha256()
    for path in compiled_sources():
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    if CONFIG.CACHE_DIR:
        base = Path(CONFIG.CACHE_DIR)
    elif os.access(PACKAGE, os.W_OK):
        base = PACKAGE / "__pycache__"
    else:
        try:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jumppad"
        except RuntimeError:  # a user without a home, as in a container: nothing will be kept
            base = PACKAGE / "__pycache__"
    return base / f"numba-{digest.hexdigest()[:12]}"


_DIRECTORY = cache_directory()


def compiled(function: Any) -> Any:
    """Compiles a function without Python's lock, kept on disk where there is a place to keep it."""
    return _compiled(function, no_cfunc_wrapper=True)


def compiled_part(function: Any) -> Any:
    """Compiles a function that only compiled functions call, which takes a quarter less time."""
    return _compiled(function, no_cfunc_wrapper=True, no_cpython_wrapper=True)


def inlined(function: Any) -> Any:
    """Compiles a function into those that call it: to hand over many arrays takes longer than little work with them.

    It must give arrays no second name: their references would be counted at every call.
    """
    return _compiled(function, inline="always")


def _compiled(function: Any, **options: Any) -> Any:
    # Division by zero gives infinity, as in NumPy: to look for it at every division costs time.
    options = {"nogil": True, **options}
    before = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = str(_DIRECTORY)  # read by Numba here and now, not when it compiles
    try:
        return numba.njit(cache=True, error_model="numpy", **options)(function)
    except RuntimeError:  # no place that can be written to
        return numba.njit(error_model="numpy", **options)(function)
    finally:
        CONFIG.CACHE_DIR = before
