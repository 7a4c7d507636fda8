"""A disk that is full, for tests."""

import contextlib
import resource


@contextlib.contextmanager
def largest_file(size):
    """No file may grow beyond `size` bytes: as on a full disk, the write that would fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
