"""Numba's compiler, as all of our compiled functions use it.

What Numba keeps on disk is renewed only when the file of the function itself changes. A compiled function may therefore
use no number of another file but through its arguments, and call no compiled function of another file; a file whose
functions take a NamedTuple of another file asserts its fields. After a change of this file, `make clean`.
"""

from __future__ import annotations

from typing import Any

import numba


def compiled(function: Any) -> Any:
    """Compiles a function without Python's lock, kept on disk where there is a place to keep it."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package's directory nor the user's cache can be written
        return numba.njit(nogil=True)(function)
