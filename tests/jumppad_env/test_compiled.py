"""Numba's cache belongs to one version of the source. Compiled code is not bounds-checked in production; here it is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import config

from jumppad_env import compiled
from jumppad_env.machine.kept_code import KeptCode

FOLDER = Path(__file__).parent
DRAWING = [FOLDER / "drawing" / f"test_{name}.py" for name in ("rasterizer", "characters", "frames", "hud", "shading")]
WORLD = [FOLDER / "world" / f"test_{name}.py" for name in ("world", "pads", "walls")]
NO_CONSTANTS = {"jumppad_env.machine.kept_code"}
TESTS = [*DRAWING, *WORLD, FOLDER / "test_vector_env.py"]


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A copy of the package's source that tests may change."""
    copy = tmp_path / "jumppad_env"
    shutil.copytree(compiled.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    monkeypatch.setattr(compiled, "PACKAGE", copy)
    monkeypatch.setattr(config, "CACHE_DIR", "")
    return copy


def test_the_cache_changes_with_any_compiled_source(package):
    places = [package / "rules.py", package / "world", package / "drawing"]
    paths = [path for place in places for path in ([place] if place.is_file() else place.glob("*.py"))]
    assert len(paths) > 12
    folders = [compiled.cache_directories()[0]]
    assert compiled.cache_directories()[0] == folders[0]
    for path in paths:
        path.write_text(path.read_text() + "\n")
        folders.append(compiled.cache_directories()[0])
    (package / "drawing" / "more.py").write_text("")
    folders.append(compiled.cache_directories()[0])
    (package / "drawing" / "more.py").rename(package / "drawing" / "moved.py")
    folders.append(compiled.cache_directories()[0])
    assert len(set(folders)) == len(folders) == len(paths) + 3
    (package / "play.py").write_text("")
    assert compiled.cache_directories()[0] == folders[-1], "a command is not compiled"


def test_every_module_with_constants_of_compiled_code_is_in_the_cache_key():
    hashed = set(compiled.compiled_sources())
    users = {path for path in compiled.PACKAGE.rglob("*.py") if "jumppad_env.compiled import" in path.read_text()}
    assert users - hashed <= {compiled.PACKAGE / "doctor.py"}  # asks where compiled code is kept
    for path in hashed:
        source = path.read_text().replace("from jumppad_env import ", "import jumppad_env.")
        for module in set(re.findall(r"^(?:from|import) (jumppad_env[\w.]*)", source, re.MULTILINE)) - NO_CONSTANTS:
            file = compiled.PACKAGE.parent / module.replace(".", "/")
            assert {file.with_suffix(".py"), file / "__init__.py"} & hashed, (path, module)


def homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")  # what pathlib says of a user without one


def test_places_of_the_cache_are_numbas_setting_the_package_and_the_users_own(package, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "told"))
    told, packaged, own = compiled.cache_directories()
    assert (told.parent, packaged.parent) == (tmp_path / "told", package / "__pycache__")
    assert own.parent == tmp_path / "own" / "jumppad"
    assert told.name == packaged.name == own.name and told.name.startswith("jumppad-")
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert compiled.cache_directories() == [packaged]


def test_other_settings_of_the_compiler_have_a_cache_of_their_own(monkeypatch):
    usual = compiled.cache_directories()
    monkeypatch.setattr(config, "BOUNDSCHECK", 1)
    assert not set(compiled.cache_directories()) & set(usual)


def divide(one, other):
    return one / other


def test_compiled_code_divides_as_numpy_does_and_is_kept_by_us_alone():
    function = compiled.compiled(divide)
    assert function(1.0, 0.0) == np.inf
    assert isinstance(function._cache, KeptCode), "Numba's own cache would run old code where ours cannot be written"


@pytest.mark.slow
def test_drawing_without_a_compiler_is_one_clear_error_and_the_rules_need_none():
    program = (
        "import gymnasium, jumppad_env\n"
        "env = gymnasium.make('Jumppad-v0', image_size=(8, 8), observation=OBSERVATION)\n"
        "env.reset(seed=0)\n"
        "assert env.step([5] * 4 + [0] * 12)[1] == 0\n"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    for observation, code, said in (("state", 0, ""), ("pixels", 1, "ValueError: NUMBA_DISABLE_JIT is set")):
        command = [sys.executable, "-c", program.replace("OBSERVATION", repr(observation))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=FOLDER.parents[1])
        assert done.returncode == code and said in done.stderr, done.stderr[-1000:]


@pytest.mark.slow
def test_compiled_code_stays_within_its_arrays(tmp_path):
    # With a cache of its own: what Numba keeps does not say whether bounds are checked.
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *map(str, TESTS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=FOLDER.parents[1])
    assert done.returncode == 0, done.stdout[-3000:]
