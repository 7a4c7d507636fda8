"""Runs the fast tests on other versions of Python, and with the lowest versions that setup.cfg promises.

    python -m tools.check_versions 3.11 3.12 3.13 lowest
    python -m tools.check_versions lowest --tests tests/jumppad_env --extras play video

Each gets a virtual environment of its own in `.versions`, which is kept: a second run takes no time to install.
`lowest` pins each requirement of setup.cfg to the version after its `>=`, under the Python that runs this. On Linux
PyTorch's CPU build comes from https://download.pytorch.org; where that can't be reached, pip brings gigabytes of CUDA.
"""

import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("play", "video", "baselines", "exchange")
TEST_TOOLS = ("pytest", "pytest-xdist", "array-api-compat")
"""What tests need of the extra `dev`; they need no linters."""
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


def requirements(setup: str, extras: tuple[str, ...]) -> list[str]:
    """Returns the requirements of the environment and of some extras, as setup.cfg writes them.

    Raises:
        ValueError: there is no such extra.
    """
    config = configparser.ConfigParser()
    config.read_string(setup)
    offered = dict(config["options.extras_require"])
    unknown = set(extras) - set(offered)
    if unknown:
        raise ValueError(f"setup.cfg has no extra {', '.join(sorted(unknown))}; choose among {', '.join(offered)}")
    texts = [config["options"]["install_requires"], *(offered[extra] for extra in extras)]
    return [line.strip() for text in texts for line in text.splitlines() if line.strip() and line[0] != "#"]


def lowest(wanted: list[str]) -> list[str]:
    """Returns the same packages, each pinned to the lowest version that all of their requirements admit.

    Raises:
        ValueError: a requirement promises no lowest version.
    """
    # Of each package and marker, the highest bound where it is named twice.
    bounds: dict[tuple[str, str], tuple[int, ...]] = {}
    for requirement in wanted:
        name, marker = re.split(r"[<>=!~ ;]", requirement, maxsplit=1)[0], requirement.partition(";")[2].strip()
        bound = re.search(r">=\s*([\d.]+)", requirement)
        if bound is None:
            raise ValueError(f"setup.cfg requires {requirement!r} without a lowest version: write >=")
        version = tuple(map(int, bound[1].split(".")))
        bounds[name, marker] = max(version, bounds.get((name, marker), ()))
    return [
        f"{name}=={'.'.join(map(str, version))}" + (f"; {marker}" if marker else "")
        for (name, marker), version in bounds.items()
    ]


def find_python(version: str) -> str:
    """Returns the command of a Python of this version, such as 3.12.

    Raises:
        ValueError: there is none.
    """
    candidates = [f"python{version}", *sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))]
    for candidate in candidates:
        path = shutil.which(candidate)
        if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return path
    raise ValueError(f"python{version} is not found: install it, or leave {version} out")


def reachable(url: str) -> bool:
    """Returns whether a server answers: pip would try again for minutes, for each package."""
    try:
        urllib.request.urlopen(url, timeout=10)
    except OSError:
        return False
    return True


def check(name: str, extras: tuple[str, ...], tests: list[str]) -> bool:
    """Installs one set of versions and returns whether the fast tests pass with it."""
    folder = ROOT / ".versions" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = requirements((ROOT / "setup.cfg").read_text(), extras)
    if name == "lowest":
        wanted = lowest(wanted)
    if not python.exists():
        subprocess.run([sys.executable if name == "lowest" else find_python(name), "-m", "venv", folder], check=True)
    index = ["--extra-index-url", TORCH_INDEX] if reachable(f"{TORCH_INDEX}/torch/") else []
    subprocess.run([python, "-m", "pip", "install", "--quiet", *index, *wanted, *TEST_TOOLS], check=True)
    # This project is not installed: tests take it from the checkout.
    pytest = [python, "-m", "pytest", "-q", "-m", "not slow", "-n", "auto", "--dist", "loadfile"]
    return subprocess.run([*pytest, *tests], cwd=ROOT).returncode == 0


def main() -> None:
    """Prints which versions pass; exits with 1 if some do not."""
    parser = argparse.ArgumentParser(prog="python -m tools.check_versions", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("versions", nargs="+", help="such as 3.11, 3.12, 3.13; lowest")
    parser.add_argument("--extras", nargs="*", default=EXTRAS, help=f"of setup.cfg (default {' '.join(EXTRAS)})")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="files or folders (default tests)")
    arguments = parser.parse_args()
    passed = {}
    for name in arguments.versions:
        try:
            passed[name] = check(name, tuple(arguments.extras), arguments.tests)
        except (ValueError, subprocess.CalledProcessError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            passed[name] = False
    print("\n".join(f"{name}: {'passed' if fine else 'FAILED'}" for name, fine in passed.items()))
    sys.exit(not all(passed.values()))


if __name__ == "__main__":
    main()
