"""Compiled code checks no bounds when it runs; here it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
TESTS = [FOLDER / f"test_{name}.py" for name in ("rasterizer", "world", "pads", "walls", "vector_env")]


@pytest.mark.slow
def test_compiled_code_stays_within_its_arrays(tmp_path):
    # With a cache of its own: what Numba keeps does not say whether bounds are checked.
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *map(str, TESTS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=FOLDER.parents[1])
    assert done.returncode == 0, done.stdout[-3000:]
