"""Draws all figures and writes the pages of existing results.

python -m baselines.reproduce.pages docs/results   # writes docs/results.md as well
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from baselines.laboratory.pages import publish
from baselines.laboratory.results import load
from baselines.reproduce.experiments import EXPERIMENTS
from jumppad_env.command_line import command_line


@dataclass(frozen=True)
class Arguments:
    """Redraw the figures of results and rewrite their pages."""

    directory: Annotated[Path, tyro.conf.Positional]
    """Directory with one JSON file per experiment; the pages are written next to it."""


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments, prog="python -m baselines.reproduce.pages")
        directory = arguments.directory.resolve()  # "." has no name to add to
        publish(load(directory, EXPERIMENTS), directory)
        print(f"{directory.with_suffix('.md')} and .html")


if __name__ == "__main__":
    sys.exit(main())
