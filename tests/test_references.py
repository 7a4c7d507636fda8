"""What pages and docstrings name exists: modules to run, names in code, files. What they print is what is printed."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("jumppad_env", "agents", "baselines", "tools", "examples", "tests")
PAGES = sorted(path for place in (ROOT, ROOT / "docs") for path in place.glob("*.md"))
SHELL = sorted(path for place in ("tools", "examples") for path in (ROOT / place).glob("*.sh"))
SCRIPTS = [ROOT / "Makefile", ROOT / "Dockerfile", *SHELL, *sorted(ROOT.glob(".github/**/*.yml"))]
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAME = re.compile(r"`((?:jumppad_env|agents|baselines|tools)(?:\.\w+)+)`")
FILE = re.compile(r"`((?:jumppad_env|agents|baselines|tools|tests|assets|docs|examples)/[\w/.-]*\w\.\w+)`")


def words(path: Path) -> str:
    """Returns the text of a page or script, or all strings and comments of a module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    strings = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    comments = re.findall(r"#.*", text)
    return "\n".join([*(string for string in strings if isinstance(string, str)), *comments])


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or can be reached from one through attributes and annotations."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return part in getattr(found, "__annotations__", {}) and part == parts[-1]
            found = getattr(found, part)
        return True
    return False


def test_modules_that_are_to_be_run_exist():
    found = set()
    for path in [*PAGES, *SCRIPTS, *SOURCES]:
        for module in re.findall(r"(?:python[\d.]*|PYTHON\)) -m ([a-z_][\w.]*\w)", words(path)):
            found.add((str(path.relative_to(ROOT)), module))
    missing = [(path, module) for path, module in sorted(found) if importlib.util.find_spec(module) is None]
    assert missing == []
    assert len({module for _, module in found}) > 20


def test_dotted_names_exist():
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]  # which tells of what was
    found = {(path, name) for path in [*pages, *SOURCES] for name in NAME.findall(words(path))}
    assert sorted((str(path.relative_to(ROOT)), name) for path, name in found if not resolves(name)) == []
    assert len(found) > 20


def test_files_exist():
    found = {(path, name) for path in [*PAGES, *SOURCES] for name in FILE.findall(words(path))}
    assert sorted((str(path.relative_to(ROOT)), name) for path, name in found if not (ROOT / name).exists()) == []
    assert len(found) > 20


def test_a_name_that_does_not_exist_is_found():
    assert resolves("jumppad_env.world.STATE") and not resolves("jumppad_env.world.settle_all")
    assert not resolves("agents.nobody")


@pytest.mark.slow  # trains nothing, but runs whole pages
@pytest.mark.parametrize(
    "page", [page for page in PAGES if re.search(r"^print\(.*  # ", page.read_text(), re.MULTILINE)]
)
def test_pages_print_what_they_say(page):
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    told = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.split("\n") if line.startswith("(")]
    assert len(lines) == len(told)
    for line, said in zip(lines, told, strict=True):
        shapes = re.findall(r"\([^)]*\)", said)
        pattern = " ".join(re.sub(r"[A-Za-z][A-Za-z +\d]*(?=,)", "N", shape) for shape in shapes)
        assert re.fullmatch(re.escape(pattern).replace("N", r"\d+"), line), (line, said)
