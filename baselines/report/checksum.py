"""The last line of a page: the checksum of everything before it, so that a page that was changed can be told."""

import hashlib
import re
from pathlib import Path

from jumppad_env.files import read_bytes

LARGEST_PAGE = 2**32
"""Bytes."""
_LAST_LINE = re.compile(rb"<!-- sha256 of all lines above: ([0-9a-f]{64}) -->\n")


def add_checksum(page: bytes) -> bytes:
    """Returns an HTML page with its checksum as the last line."""
    page = page.rstrip(b"\n") + b"\n"
    return page + b"<!-- sha256 of all lines above: %s -->\n" % hashlib.sha256(page).hexdigest().encode()


def check_page(path: Path) -> None:
    """Checks that a page is as it was written.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it was changed, or is no page with a checksum.
    """
    remedy = "write it again with python -m baselines.report"
    content = read_bytes(path, remedy, LARGEST_PAGE)
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    if not (said := _LAST_LINE.fullmatch(content[start:])):
        raise ValueError(f"{path} has no checksum; {remedy}")
    if said[1].decode() != hashlib.sha256(content[:start]).hexdigest():
        raise ValueError(f"{path} was changed after it was written (its checksum does not fit); {remedy}")
