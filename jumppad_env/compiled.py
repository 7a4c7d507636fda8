"""JIT compilation: Numba's compiler with the package's options and an on-disk cache.

Numba invalidates its cache only if the file of the function itself changes, not if a function that it calls does. So
each version of the compiled sources has a cache directory of its own.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numba
import numba.core.config

CONFIG: Any = numba.core.config
PACKAGE = Path(__file__).parent
SOURCES = ("compiled.py", "gamepad.py", "rules.py", "island/*.py", "world/*.py", "drawing/*.py")
"""Modules with compiled functions, and those whose constants they use. Edits elsewhere recompile nothing."""


def compiled_sources() -> list[Path]:
    """Returns the files that compiled code depends on, constants included."""
    return sorted(path for place in SOURCES for path in PACKAGE.glob(place))


def cache_directory() -> Path:
    """Returns the cache directory for this version of the compiled sources."""
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
        except RuntimeError:  # a user without a home directory, as in a container: there will be no cache
            base = PACKAGE / "__pycache__"
    return base / f"numba-{digest.hexdigest()[:12]}"


_DIRECTORY = cache_directory()


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


def _compiled(function: Any, **options: Any) -> Any:
    # Division by zero gives infinity, as in NumPy: checking every division takes time.
    options = {"nogil": True, **options}
    before = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = str(_DIRECTORY)  # Numba reads it now, not when it compiles
    try:
        return numba.njit(cache=True, error_model="numpy", **options)(function)
    except RuntimeError:  # no writable place
        return numba.njit(error_model="numpy", **options)(function)
    finally:
        CONFIG.CACHE_DIR = before
