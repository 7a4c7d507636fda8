"""The layout: who may import whom, what an import may load, and how large a file may grow."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("assets", "jumppad_env", "agents", "baselines")
STAGES = ("pretrain", "finetune", "rollouts", "preferences", "reward", "preference_finetune", "align")
FORBIDDEN = {
    "jumppad_env": {"agents", "baselines", "torch"},
    "agents": {"baselines", "torch"},
    "baselines": set(),
    "examples": {"agents", "baselines"},  # they show what others bring
}
VAGUE_NAMES = {"utils.py", "helpers.py", "common.py"}
MAX_LINES = 400


def python_files(root: Path, folders: tuple[str, ...] = CODE) -> Iterator[Path]:
    """Yields each Python file once: `jumppad_env/assets` is a link to `assets`."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if (root / "jumppad_env" / "assets") not in path.parents:
                yield path


def imported_modules(source: str, path: Path) -> set[str]:
    """Names every module that the source imports, anywhere in it, absolutely.

    `from baselines import align` gives both `baselines` and `baselines.align`, since either may be meant.

    Args:
        source: Python code.
        path: Of the file, relative to the repository's root; resolves relative imports.
    """
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = path.parent.parts[: len(path.parent.parts) - node.level + 1] if node.level else ()
            base = ".".join((*package, *filter(None, [node.module])))
            modules |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            if node.args and isinstance(node.args[0], ast.Constant):
                modules.add(str(node.args[0].value))
    return modules


def forbidden_imports(source: str, path: Path) -> set[str]:
    """Which imports of the file point the wrong way: `assets <- jumppad_env <- agents <- baselines`."""
    modules = imported_modules(source, path)
    if path.parts[0] == "assets":
        return modules
    return {module for module in modules if module.split(".")[0] in FORBIDDEN[path.parts[0]]}


def forbidden_stages(source: str, path: Path) -> set[str]:
    """Which stages the file imports though it may not: another than itself if a stage, more than one otherwise."""
    if path.parts[0] != "baselines" or path.name in ("stages.py", "presets.py"):
        return set()
    modules = imported_modules(source, path)
    imported = {stage for stage in STAGES if any(f"{m}.".startswith(f"baselines.{stage}.") for m in modules)}
    own = path.parts[1].removesuffix(".py")
    others = imported - {own}
    if own in STAGES or len(others) > 1:
        return others
    return set()


def layout_faults(root: Path) -> list[str]:
    """Says what is wrong with the names, sizes and places of the Python files."""
    faults = []
    for path in python_files(root, (*CODE, "tests", "examples", "tools")):
        name = path.relative_to(root)
        if path.name in VAGUE_NAMES:
            faults.append(f"{name}: name it by what it holds")
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            faults.append(f"{name}: {lines} lines, at most {MAX_LINES}; split it by noun")
    for folder in (path for path in sorted((root / "tests").iterdir()) if path.is_dir()):
        if any(folder.rglob("*.py")) and folder.name not in CODE:
            faults.append(f"tests/{folder.name}: mirrors none of {', '.join(CODE)}")
    return faults


def modules_loaded_by(statement: str) -> set[str]:
    """Runs the statement in a fresh interpreter, in the repository's root, and names the modules loaded after it."""
    environment = {name: value for name, value in os.environ.items() if name != "MUJOCO_GL"}
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize("path", [path.relative_to(ROOT) for path in python_files(ROOT, (*CODE, "examples"))], ids=str)
def test_imports_point_one_way(path: Path):
    source = (ROOT / path).read_text(encoding="utf-8")
    assert not forbidden_imports(source, path), f"{path}: only assets <- jumppad_env <- agents <- baselines"
    assert not forbidden_stages(source, path), f"{path}: only stages.py and presets.py know more than one stage"


def test_names_sizes_and_places():
    assert not layout_faults(ROOT)


def test_importing_the_environment_is_light():
    heavy = {"torch", "pygame", "moviepy", "matplotlib", "OpenGL", "mujoco.egl", "mujoco.osmesa"}
    assert not modules_loaded_by("import jumppad_env") & heavy


def test_assets_are_found_as_a_package():
    modules_loaded_by(
        "from importlib.resources import files; assert files('jumppad_env.assets').joinpath('__init__.py').is_file()"
    )


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        ("import agents.collect", "jumppad_env/env.py", {"agents.collect"}),
        ("def f():\n    import torch.nn as nn", "jumppad_env/sub/env.py", {"torch.nn"}),
        ("from torch import nn", "agents/human.py", {"torch", "torch.nn"}),
        ("import importlib\nimportlib.import_module('baselines.align')", "agents/human.py", {"baselines.align"}),
        ("import os", "assets/__init__.py", {"os"}),
        ("import jumppad_env, numpy, torchlike", "agents/human.py", set()),
        ("import torch, agents, jumppad_env", "baselines/policy.py", set()),
    ],
)
def test_imports_the_wrong_way_are_found(source, path, expected):
    assert forbidden_imports(source, Path(path)) == expected


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        ("from baselines import reward", "baselines/align.py", {"reward"}),
        ("from . import reward", "baselines/align.py", {"reward"}),
        ("from .reward import loss", "baselines/align.py", {"reward"}),
        ("from ..reward import loss", "baselines/align/loop.py", {"reward"}),
        ("import baselines.align.losses", "baselines/align/loop.py", set()),
        ("import baselines.reward_model, baselines.policy", "baselines/align.py", set()),
        ("from baselines import align, reward", "baselines/report.py", {"align", "reward"}),
        ("from baselines import reward", "baselines/report.py", set()),
        ("from baselines import align, reward", "baselines/stages.py", set()),
    ],
)
def test_stages_that_know_each_other_are_found(source, path, expected):
    assert forbidden_stages(source, Path(path)) == expected


def test_faults_of_the_layout_are_found(tmp_path):
    for folder in ("baselines", "tests/agents", "tests/elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "baselines" / "utils.py").write_text("")
    (tmp_path / "baselines" / "exact.py").write_text("\n" * MAX_LINES)
    (tmp_path / "baselines" / "long.py").write_text("\n" * (MAX_LINES + 1))
    (tmp_path / "tests" / "agents" / "test_human.py").write_text("")
    (tmp_path / "tests" / "elsewhere" / "test_human.py").write_text("")
    found = {fault.split(":")[0] for fault in layout_faults(tmp_path)}
    assert found == {"baselines/utils.py", "baselines/long.py", "tests/elsewhere"}


def test_a_heavy_import_is_seen():
    assert "pygame" in modules_loaded_by("import pygame")
