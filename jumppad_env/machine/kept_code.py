"""Compiled code kept on disk, in place of Numba's own cache.

Numba's own chooses another folder where the given one cannot be written to, and there it runs old code after another
file has changed. It also ends in an error where a file is cut off or the disk is full. Here each file carries its
checksum and is dropped if it is damaged; what cannot be kept is compiled again at the next start.
"""

import contextlib
import hashlib
import inspect
import os
import pickle
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from jumppad_env.machine.notices import notice

CHECKSUM = hashlib.sha256().digest_size


class KeptCode:
    """The compiled versions of one function, with the methods that Numba calls on a cache.

    Args:
        function: Python function, a closure of nothing.
        places: Folders to read from, and to write to the first of them that takes a file. They need not exist.
    """

    def __init__(self, function: Callable[..., Any], places: Sequence[Path]) -> None:
        assert function.__closure__ is None, f"{function} has a closure, which its source does not tell apart"
        self._places = places
        source = Path(inspect.getfile(function))
        digest = hashlib.sha256(str(source).encode() + b"\0" + source.read_bytes())
        digest.update(f"{function.__qualname__} {function.__code__.co_firstlineno}".encode())
        self._source = digest.digest()
        self._stem = f"{source.stem}.{function.__name__}"

    @property
    def cache_path(self) -> str:
        """The first place, which Numba shows among its statistics."""
        return str(self._places[0]) if self._places else ""

    def load_overload(self, signature: Any, target: Any) -> CompileResult | None:
        """Returns what is kept for argument types, None if nothing usable is.

        Args:
            signature: Types of the arguments.
            target: Numba's context, which receives the code.
        """
        target.refresh()
        name = self._name(signature, target.codegen())
        for path in (place / name for place in self._places):
            try:
                content = path.read_bytes()
            except OSError:
                continue
            try:
                if hashlib.sha256(content[CHECKSUM:]).digest() != content[:CHECKSUM]:
                    raise ValueError(f"{path} is damaged")
                kept, parts = pickle.loads(content[CHECKSUM:])
                if kept == signature:
                    return CompileResult._rebuild(target, *parts)
            except Exception:  # whatever a pickle of other versions may raise
                with contextlib.suppress(OSError):
                    path.unlink()
        return None

    def save_overload(self, signature: Any, compiled: CompileResult) -> None:
        """Keeps a compiled version if there is a place for it, else warns once."""
        if compiled.lifted or compiled.library.has_dynamic_globals:
            return  # refers to addresses of this process
        payload = dumps((signature, compiled._reduce()))
        content = hashlib.sha256(payload).digest() + payload
        reasons = []
        for place in self._places:
            try:
                return _write(place / self._name(signature, compiled.library.codegen), content)
            except OSError as error:
                reasons.append(f"{place}: {error.strerror}")
        notice(f"compiled code is not kept, so every start takes some 20 s longer: {'; '.join(reasons)}")

    def flush(self) -> None:
        """Does nothing: Numba calls it before it compiles everything again, which replaces what is kept."""

    def enable(self) -> None:
        """Does nothing: it is always in use."""

    def disable(self) -> None:
        """Does nothing: it is always in use."""

    def _name(self, signature: Any, codegen: Any) -> str:
        """Returns the file's name; different processors and versions of Python have files of their own."""
        key = repr((signature, codegen.magic_tuple(), sys.version_info, getattr(sys, "abiflags", "")))
        return f"{self._stem}-{hashlib.sha256(self._source + key.encode()).hexdigest()[:16]}.code"


def _write(path: Path, content: bytes) -> None:
    """Writes a file in one step; several processes may do so at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
