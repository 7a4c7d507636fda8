"""Datasets on disk: a directory of plain NumPy arrays. No pickle anywhere. docs/datasets.md describes every field.

    manifest.json   written last; its presence means "finished"
    episodes.npy    one row per episode (`EPISODE`)
    actions.npy     uint8 (steps, 16)
    states.npy      float64 (steps, columns); the manifest names the columns, first those of `jumppad_env.world.STATE`
    goals.npy       uint8 (steps,); absent if unknown
    frames.npy      uint8 (steps, H, W, 3); absent in a state dataset
    blocks.npy      uint32 (blocks,); CRC-32 of each block of frames.npy, see `jumppad_env.dataset.blocks`

Row t of an episode holds the observation at step t and the action taken then.
"""

import importlib.metadata
import io
import os
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import jumppad_env
from jumppad_env.files import flush_to_disk
from jumppad_env.island.mujoco_library import mujoco

FORMAT = 3
KIND = "dataset"
FILES = ("episodes.npy", "actions.npy", "states.npy", "goals.npy", "frames.npy", "blocks.npy")
EPISODE = np.dtype(
    [
        ("start", np.int64),  # first row of the episode in the arrays over all steps
        ("length", np.int64),
        ("seed", np.int64),  # -1: unknown; the episode starts from its first stored state
        ("spawn", np.int64),  # index of the nearest spawn point
        ("look", np.int64),
        ("character", "U16"),
        ("mode", "U64"),
        ("pad", np.int64),
        ("fell", np.bool_),
        ("person", np.int64),
        ("skill", np.float64),
        ("style", "U24"),
    ]
)


def array_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Returns the header of an .npy file; its length does not depend on the number of rows."""
    # NumPy pads headers so that the first dimension can grow without moving the data.
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


class GrowingArray:
    """An .npy file that rows are appended to; `finish` makes its header valid.

    Args:
        path: of the file.
        dtype: of the array.
        shape: of a row.
        rows: number of existing rows to keep; 0 starts a new file.
        final: final number of rows, if known; the header is then valid from the start.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], rows: int = 0, final: int | None = None
    ) -> None:
        self._dtype, self._shape, self.rows, self._final = dtype, shape, rows, final
        self._file = path.open("r+b" if rows else "w+b", buffering=0)
        header = array_header(dtype, (final or 0, *shape))
        self._file.truncate(len(header) + rows * int(np.prod(shape, dtype=np.int64)) * dtype.itemsize if rows else 0)
        self._write(header)
        self._file.seek(0, os.SEEK_END)

    def _write(self, data: Any) -> None:
        left = memoryview(data).cast("B")
        while left:  # a disk that is nearly full accepts part of the data before it fails
            left = left[self._file.write(left) :]

    def append(self, rows: np.ndarray) -> None:
        """Writes rows (n, *shape)."""
        assert rows.shape[1:] == self._shape and rows.dtype == self._dtype, f"{rows.dtype} {rows.shape}"
        if len(rows):
            self._write(np.ascontiguousarray(rows).view(np.uint8).data)
        self.rows += len(rows)

    def sync(self) -> None:
        """Flushes the file to the disk."""
        flush_to_disk(self._file.fileno())

    def close(self) -> None:
        """Closes the file without finishing it."""
        self._file.close()

    def finish(self) -> None:
        """Writes the final header and closes the file."""
        assert self._final in (None, self.rows), f"{self.rows} rows, expected {self._final}"
        self._file.seek(0)
        self._write(array_header(self._dtype, (self.rows, *self._shape)))
        self.sync()
        self._file.close()


def whole_rows(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Returns the complete rows of an unfinished array, memory-mapped.

    Their number follows from the file's size, since the header does not count them yet.
    """
    start, row_bytes = len(array_header(dtype, (0, *shape))), int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    count = max(0, path.stat().st_size - start) // row_bytes
    return np.memmap(path, dtype, "r", start, (count, *shape)) if count else np.empty((0, *shape), dtype)


def check_format(path: Path, version: Any) -> None:
    """Checks the version of the format that a manifest, or the beginning of a dataset, names.

    Raises:
        ValueError: it is another version.
    """
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        again = "make it again elsewhere by the same command and seed, which give the same episodes"
        advice = "newer; update jumppad" if newer else f"older; {again}, or use the version of jumppad that made it"
        raise ValueError(f"{path} has format version {str(version)[:40]}, this code reads {FORMAT}: it is {advice}")


def versions() -> dict[str, str]:
    """Returns the versions of the packages that determine episodes and frames."""
    return {
        "jumppad": jumppad_env.__version__,
        "mujoco": mujoco.__version__,
        "gymnasium": gymnasium.__version__,
        "numpy": np.__version__,
        "numba": importlib.metadata.version("numba"),
    }
