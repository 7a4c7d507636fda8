"""Files on disk: written whole or not at all, read with suspicion; nothing here knows what they mean."""

from jumppad_env.files.arrays import read_arrays
from jumppad_env.files.reading import read_bytes, read_json, read_json_lines, read_sealed, seal, sha256
from jumppad_env.files.unfinished import (
    BEGUN,
    MANIFEST,
    Place,
    check_file,
    clear,
    content_digest,
    digests,
    is_finished,
    occupy,
)
from jumppad_env.files.writing import (
    PARTIAL,
    explain_full_disk,
    flush_to_disk,
    sole_owner,
    sync_directory,
    write_atomically,
    write_directory,
)

__all__ = [
    "BEGUN",
    "MANIFEST",
    "PARTIAL",
    "Place",
    "check_file",
    "clear",
    "content_digest",
    "digests",
    "explain_full_disk",
    "flush_to_disk",
    "is_finished",
    "occupy",
    "read_arrays",
    "read_bytes",
    "read_json",
    "read_json_lines",
    "read_sealed",
    "seal",
    "sha256",
    "sole_owner",
    "sync_directory",
    "write_atomically",
    "write_directory",
]
