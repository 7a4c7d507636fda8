"""The layout: who may import whom, what an import may load, and how large a file may grow."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("assets", "jumppad_env", "agents", "baselines")
FLOORS = {
    "jumppad_env": (
        {"rules", "gamepad", "streams", "files", "command_line", "machine", "compiled"},
        {"island"},
        {"levels"},
        {"world"},
        {"drawing"},
        {"env", "vector_env", "wrappers", "dataset"},
        {"game"},
        {"play", "doctor", "bench"},
    ),
    "agents": (
        {"worlds", "rollout", "outcomes", "targets", "workers", "progress"},
        {"population", "figures", "probes"},
        {"motion"},
        {"dataset"},
        {"collect"},
    ),
    "baselines": (
        {"artifact", "models", "policy"},
        {"training", "preferences", "rollouts", "evaluate", "compare", "curves", "record"},
        {"pretrain", "finetune", "reward", "preference_finetune", "align", "report", "label"},
        {"presets"},
        {"stages", "throughput"},
        {"pipeline", "laboratory"},
        {"reproduce", "verify"},
    ),
}
"""Rooms of each package, a root file or a folder each, from the ground up: nothing imports from a higher floor."""
EVALUATION = "baselines.evaluate"
"""Built like a stage, but whoever compares agents may ask for it."""
KNOW_SEVERAL_STAGES = {"stages.py", "presets.py", "__init__.py"}
PARSERS = {"argparse.ArgumentParser", "tyro.cli", "tyro.extras.subcommand_cli_from_dict"}
MAX_FILES = 13
MAX_CHAIN = 8
FORBIDDEN = {
    "jumppad_env": {"agents", "baselines", "torch"},
    "agents": {"baselines", "torch"},
    "baselines": set(),
    "examples": {"agents", "baselines"},  # they show what others bring
}
ACROSS = ("cluster",)
"""Folder of tests of all packages: they share the machines of a cluster."""
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


def find_stages(root: Path) -> set[str]:
    """Names the modules that are stages: their function takes `config`, `out` and `seed`, and writes an artifact."""
    stages = set()
    for path in python_files(root, ("baselines",)):
        if module_name(path.relative_to(root)) == EVALUATION:
            continue
        functions = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if type(node) is ast.FunctionDef]
        arguments = [{argument.arg for argument in function.args.args} for function in functions]
        if any({"config", "out", "seed"} <= names for names in arguments):
            stages.add(module_name(path.relative_to(root)))
    for path in python_files(root, ("baselines",)):  # a package that hands a stage on
        if path.name == "__init__.py" and imported_modules(path.read_text(encoding="utf-8"), path) & stages:
            stages.add(module_name(path.relative_to(root)))
    return stages


def module_name(path: Path) -> str:
    """Names the module of a file: `baselines/align/__init__.py` is `baselines.align`."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def forbidden_stages(source: str, path: Path, stages: set[str]) -> set[str]:
    """Which stages the file imports though it may not: another than itself if a stage, more than one otherwise."""
    if path.parts[0] != "baselines" or path.name in KNOW_SEVERAL_STAGES:
        return set()
    own = module_name(path)
    imported = imported_modules(source, path) & stages - {own}
    return imported if own in stages or len(imported) > 1 else set()


def imports_from_its_own_folder(source: str, path: Path) -> set[str]:
    """Names what a file takes from the `__init__.py` of a folder that it stands in, which may import the file."""
    taken = set()
    for parent in path.parents[:-2]:  # a package's own `__init__.py` only registers the environments
        folder = ".".join(parent.parts)
        names = {module for module in imported_modules(source, path) if room_of(module, folder)}
        taken |= {module for module in names if not any((ROOT / parent).glob(f"{room_of(module, folder)}*"))}
    return taken


def room_of(module: str, folder: str) -> str:
    """Names the room of a folder (a package, dotted) that a module stands in, "" if it stands elsewhere."""
    return module.removeprefix(f"{folder}.").split(".")[0] if module.startswith(f"{folder}.") else ""


def room_arrows(root: Path, folder: Path) -> dict[str, set[str]]:
    """Returns which rooms of a folder (its files and folders) import which others of it."""
    package = ".".join(folder.parts)
    arrows: dict[str, set[str]] = {}
    for path in python_files(root, (str(folder),)):
        room = room_of(module_name(path.relative_to(root)), package)
        if room and room != "__main__":
            imported = imported_modules(path.read_text(encoding="utf-8"), path.relative_to(root))
            known = {other for module in imported if (other := room_of(module, package))}
            places = {other for other in known if any((root / folder).glob(f"{other}*"))}
            arrows.setdefault(room, set()).update(places - {room})
    return arrows


def longest_chain(arrows: dict[str, set[str]]) -> int:
    """Returns how many rooms stand in a row at most; raises a `CycleError` where arrows run in a circle."""
    length: dict[str, int] = {}
    for room in TopologicalSorter(arrows).static_order():
        length[room] = 1 + max((length[other] for other in arrows.get(room, ())), default=0)
    return max(length.values(), default=0)


def upward_arrows(arrows: dict[str, set[str]], floors: tuple[set[str], ...]) -> set[str]:
    """Says which arrows point to a higher floor, and which rooms stand on none."""
    floor = {room: number for number, rooms in enumerate(floors) for room in rooms}
    lost = {f"{room} stands on no floor" for room in arrows if room not in floor}
    pairs = [(room, other) for room, others in arrows.items() for other in others if {room, other} <= floor.keys()]
    return lost | {f"{room} -> {other}" for room, other in pairs if floor[other] > floor[room]}


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
    folders = {path.parent for path in python_files(root, (*CODE, "tests", "tools"))}
    for folder in sorted(folders):
        name, files = folder.relative_to(root), list(folder.glob("*.py"))
        if len(files) > MAX_FILES:
            faults.append(f"{name}: {len(files)} files, at most {MAX_FILES}; give what belongs together a folder")
        mirrors = root.joinpath(*name.parts[1:]).is_dir() or name.parts[1:] == ACROSS
        if name.parts[0] == "tests" and not mirrors:
            faults.append(f"{name}: mirrors no folder of the code")
    return faults


def usage_faults(root: Path) -> list[str]:
    """Says which commands are named in their help by what cannot be typed."""
    faults = []
    for path in python_files(root, (*CODE, "examples", "tools")):
        place = path.relative_to(root)
        module = place.parent if place.name in ("__main__.py", f"{place.parent.name}.py") else place.with_suffix("")
        typed = {f"python -m {'.'.join(module.parts)}", f"python {place.as_posix()}"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in PARSERS:
                named = {getattr(word.value, "value", None) for word in node.keywords if word.arg == "prog"}
                if not named & typed:
                    faults.append(f"{place}: give {ast.unparse(node.func)} prog, one of {sorted(typed)}")
    return faults


def modules_loaded_by(statement: str) -> set[str]:
    """Runs the statement in a fresh interpreter, in the repository's root, and names the modules loaded after it."""
    environment = {name: value for name, value in os.environ.items() if name != "MUJOCO_GL"}
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


STAGES = find_stages(ROOT)


@pytest.mark.parametrize("path", [path.relative_to(ROOT) for path in python_files(ROOT, (*CODE, "examples"))], ids=str)
def test_imports_point_one_way(path: Path):
    source = (ROOT / path).read_text(encoding="utf-8")
    assert not forbidden_imports(source, path), f"{path}: only assets <- jumppad_env <- agents <- baselines"
    assert not forbidden_stages(source, path, STAGES), f"{path}: only stages.py and presets.py know several stages"
    if path.name not in ("__init__.py", "__main__.py"):
        assert not imports_from_its_own_folder(source, path), f"{path}: import from the file, not from its own folder"


FOLDERS = sorted({path.parent.relative_to(ROOT) for path in python_files(ROOT)} - {Path("assets")})


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_arrows_between_rooms_run_in_no_circle_and_in_short_chains(folder: Path):
    assert longest_chain(room_arrows(ROOT, folder)) <= MAX_CHAIN


@pytest.mark.parametrize("package", FLOORS)
def test_no_room_imports_from_a_higher_floor(package: str):
    assert not upward_arrows(room_arrows(ROOT, Path(package)), FLOORS[package])


def test_stages_are_found():
    commands = {"pretrain", "finetune", "rollouts", "preferences", "reward", "preference_finetune", "align"}
    assert {f"baselines.{command}" for command in commands} <= STAGES
    assert {"baselines.align.reinforce", "baselines.preferences.synthetic"} <= STAGES
    assert not STAGES & {EVALUATION, "baselines.models.network", "baselines.stages", "baselines.report"}


def test_names_sizes_and_places():
    assert not layout_faults(ROOT)


def test_help_names_what_can_be_typed():
    assert not usage_faults(ROOT)


def test_commands_that_cannot_be_typed_are_found(tmp_path):
    for name, words in {"one": "", "two": "prog='two.py'", "collect": "prog='python -m agents.collect'"}.items():
        (tmp_path / "agents").mkdir(exist_ok=True)
        (tmp_path / "agents" / f"{name}.py").write_text(f"import tyro\ntyro.cli(main, {words})")
    assert {fault.split(":")[0] for fault in usage_faults(tmp_path)} == {"agents/one.py", "agents/two.py"}


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
        ("from baselines import reward", "baselines/finetune.py", {"baselines.reward"}),
        ("from . import reward", "baselines/finetune.py", {"baselines.reward"}),
        ("from .reward import loss", "baselines/finetune.py", {"baselines.reward"}),
        ("from ..reward import loss", "baselines/align/reinforce.py", {"baselines.reward"}),
        ("from baselines.align import align", "baselines/reward.py", {"baselines.align"}),
        ("from baselines.align.reinforce import loss", "baselines/reward.py", {"baselines.align.reinforce"}),
        ("import baselines.preferences.comparisons", "baselines/reward.py", set()),
        ("import baselines.models.policy", "baselines/align/reinforce.py", set()),
        ("from baselines import align, reward", "baselines/report/report.py", {"baselines.align", "baselines.reward"}),
        ("from baselines import reward", "baselines/report/report.py", set()),
        ("from baselines import align, reward", "baselines/stages.py", set()),
    ],
)
def test_stages_that_know_each_other_are_found(source, path, expected):
    assert forbidden_stages(source, Path(path), STAGES) == expected


def test_arrows_between_rooms_are_found(tmp_path):
    for place, source in {
        "agents/ground.py": "",
        "agents/room/part.py": "from agents.ground import one",
        "agents/top.py": "import agents.room.part",
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(source)
    arrows = room_arrows(tmp_path, Path("agents"))
    assert arrows == {"ground": set(), "room": {"ground"}, "top": {"room"}} and longest_chain(arrows) == 3
    assert not upward_arrows(arrows, ({"ground"}, {"room", "top"}))
    assert upward_arrows(arrows, ({"room"}, {"ground"})) == {"room -> ground", "top stands on no floor"}
    (tmp_path / "agents" / "ground.py").write_text("from agents import top")
    with pytest.raises(CycleError):
        longest_chain(room_arrows(tmp_path, Path("agents")))


def test_faults_of_the_layout_are_found(tmp_path):
    for folder in ("baselines", "agents/full", "tests/agents", "tests/elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "baselines" / "utils.py").write_text("")
    (tmp_path / "baselines" / "exact.py").write_text("\n" * MAX_LINES)
    (tmp_path / "baselines" / "long.py").write_text("\n" * (MAX_LINES + 1))
    (tmp_path / "tests" / "agents" / "test_human.py").write_text("")
    (tmp_path / "tests" / "elsewhere" / "test_human.py").write_text("")
    for number in range(MAX_FILES + 1):
        (tmp_path / "agents" / "full" / f"file_{number}.py").write_text("")
    found = {fault.split(":")[0] for fault in layout_faults(tmp_path)}
    assert found == {"baselines/utils.py", "baselines/long.py", "tests/elsewhere", "agents/full"}


def test_a_heavy_import_is_seen():
    assert "pygame" in modules_loaded_by("import pygame")
