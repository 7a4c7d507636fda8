"""The wheel: it holds every module of the environment and nothing else, and works away from the checkout."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")

PROGRAM = """
import importlib, sys
import gymnasium, jumppad_env
assert jumppad_env.__file__.startswith(sys.argv[1]), jumppad_env.__file__
for module in sys.argv[2:]:
    importlib.import_module(module)
env = gymnasium.make("Jumppad-v0", image_size=(8, 8))
env.reset(seed=0)
env.step(env.action_space.sample())
assert not {"agents", "baselines", "torch"} & set(sys.modules)
"""


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_works_elsewhere(tmp_path):
    source, installed = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, source)
    for name in ("jumppad_env", "assets"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path]
    built = subprocess.run([*command, source], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    code = [path for path in (ROOT / "jumppad_env").rglob("*.py") if "assets" not in path.parts]
    expected = {path.relative_to(ROOT) for path in code}
    found = {path.relative_to(installed) for path in installed.rglob("*.py") if "assets" not in path.parts}
    assert found == expected
    modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in sorted(expected)]
    run = [sys.executable, "-c", PROGRAM, str(installed), *modules]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(installed)})
    assert done.returncode == 0, done.stderr[-2000:]
