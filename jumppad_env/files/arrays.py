"""Reading .npz files that anybody may have written: nothing is unpacked before its size and its type are known."""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jumppad_env.files.reading import read_bytes

LARGEST_ARRAYS = 2**28
"""Bytes of all arrays of a file together, unpacked; more are refused unread."""
MOST_ENTRIES = 64
"""Of a file; the list of more could fill the memory."""
DAMAGES = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile raises on files that are truncated, changed or hostile."""
_END = struct.Struct("<4s4x2H8xH")
"""Last record of a ZIP file: signature, entries on this disk and in all, length of a comment."""
_LOCATOR = 20
"""Bytes of a record before it, which would point to another list of entries."""
_HEADER = re.compile(
    rb"\{'descr': '(\|[biu]1|[<>](?:[iu][248]|f[248]|U[1-9]\d{0,3}))', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,16}(?:, ?\d{1,16})*)?),?\), \} *\n"
)
"""Header of an array of numbers or texts; NumPy would parse a Python literal, which accepts more than it writes."""


def read_arrays(
    path: Path, wanted: Mapping[str, tuple[str, int]], remedy: str, largest: int = LARGEST_ARRAYS
) -> dict[str, np.ndarray]:
    """Returns arrays of an .npz file by name; others in it are ignored.

    Args:
        path: of the file.
        wanted: kind and number of dimensions of each array; the kind is one or more letters of `numpy.dtype.kind`: `b`
            bool, `i` int, `u` unsigned, `f` float, `U` text.
        remedy: what to do about a damaged file.
        largest: bytes that the file, and the arrays together, may have.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no regular file, damaged or too large, lacks an array, or has one of another kind or with
            numbers that are not finite; the message ends with the remedy.
    """
    content = read_bytes(path, remedy, largest)
    try:
        members = _unpack(content, wanted, largest)
        arrays = {name: _parse(name, members[name], *kind) for name, kind in wanted.items()}
    except DAMAGES as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} is damaged ({reason[:120]}); {remedy}") from None
    return arrays


def _unpack(content: bytes, names: Mapping[str, object], largest: int) -> dict[str, bytes]:
    """Returns the contents of the files in a ZIP file that hold these arrays."""
    end = content[-_END.size :]
    signature, here, entries, comment = _END.unpack(end) if len(end) == _END.size else (b"", 0, 0, 0)
    if (signature, here, comment) != (b"PK\5\6", entries, 0) or content[-_END.size - _LOCATOR :].startswith(b"PK\6\7"):
        raise ValueError("no .npz file, or cut off")
    if entries > MOST_ENTRIES:
        raise ValueError(f"it has {entries} entries, more than {MOST_ENTRIES}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        there = archive.namelist()
        if repeated := [name for name in names if there.count(f"{name}.npy") > 1]:
            raise ValueError(f"{repeated[0]} is there twice")
        if missing := [name for name in names if f"{name}.npy" not in there]:
            raise ValueError(f"{missing[0]} is missing")
        found = {name: archive.getinfo(f"{name}.npy") for name in names}
        size = sum(each.file_size for each in found.values())
        if size > largest:
            raise ValueError(f"its arrays have {size} bytes, more than {largest}")
        if any(each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for each in found.values()):
            raise ValueError("it is packed in another way than ours")
        return {name: archive.read(each) for name, each in found.items()}


def _parse(name: str, content: bytes, kinds: str, dimensions: int) -> np.ndarray:
    """Returns the array in the content of an .npy file, writable."""
    start = 10 + int.from_bytes(content[8:10], "little")
    header = _HEADER.fullmatch(content[10:start])
    if content[:8] != b"\x93NUMPY\x01\x00" or header is None:
        raise ValueError(f"{name} is no array of numbers or texts")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(size) for size in header[3].split(b",") if size)
    if dtype.kind not in kinds or len(shape) != dimensions:
        raise ValueError(f"{name} is {dtype} with {len(shape)} dimensions, expected kind {kinds} with {dimensions}")
    if len(content) - start != dtype.itemsize * math.prod(shape):
        raise ValueError(f"{name} has {len(content) - start} bytes, not those of {dtype} {list(shape)}")
    order = "F" if header[2] == b"True" else "C"
    array = np.ndarray(shape, dtype, content, start, order=order).copy()
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} has numbers that are not finite")
    if dtype.kind == "U" and not is_text(array).all():
        raise ValueError(f"{name} has texts that are none")
    if dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError(f"{name} has bytes that are neither true nor false")
    return array


def is_text(texts: np.ndarray) -> np.ndarray:
    """Returns which texts (N,) consist of valid code points, bool (N,)."""
    points = np.ascontiguousarray(texts).view(np.uint32 if texts.dtype.isnative else ">u4").reshape(texts.size, -1)
    return np.all((points <= 0x10FFFF) & ((points < 0xD800) | (points > 0xDFFF)), axis=1)
