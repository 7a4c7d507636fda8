"""Inspects, verifies, re-renders, merges, splits, filters, exports and imports datasets.

python -m agents.dataset stats runs/demonstrations
python -m agents.dataset verify runs/demonstrations
python -m agents.dataset split runs/demonstrations --fractions 0.9 0.1 --out runs/train runs/test

Each command is a function here; its signature and docstring define the options and their help.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from agents.dataset import rerendering, selection, verification
from agents.dataset.exchange.lerobot import export_lerobot
from agents.dataset.exchange.minari import export_minari, import_minari
from agents.dataset.selection import Wanted
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Dataset
from jumppad_env.machine.cores import count_cores


def stats(directory: Positional[Path], out: Path | None = None) -> None:
    """Write a self-contained HTML page with statistics of a dataset.

    Args:
        directory: The dataset.
        out: HTML file to write or replace; by default DIRECTORY.html beside the dataset.
    """
    # Only this command needs figures, which take a second to import.
    from agents.dataset.statistics.page import write_page

    dataset = Dataset(directory)
    out = out or directory.resolve().with_name(f"{directory.resolve().name}.html")
    write_page(dataset, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def verify(directory: Positional[Path], frames: int = 1000, cluster: str | None = None) -> int:
    """Check files, play and frames of a dataset; the exit code is 0 if it is sound, 1 if not.

    Args:
        directory: The dataset.
        frames: Number of frames to render again and compare.
        cluster: Ray cluster that replays and renders: auto, HOST:PORT or ray://HOST:PORT.
    """
    if frames < 0:
        raise ValueError(f"frames must not be negative, got {frames}")
    faults, right = verification.verify(directory, frames, count_cores(), cluster=cluster)
    for line in right:
        print(f"ok: {line}")
    for line in faults:
        print(f"FAULT: {line}")
    print(f"{directory} is damaged" if faults else f"{directory} is sound")
    return 1 if faults else 0


def rerender(
    directory: Positional[Path],
    out: Positional[Path],
    image_size: tuple[int, int] = (64, 64),
    variety: str = "none",
    character: str | None = None,
    cluster: str | None = None,
) -> None:
    """Render the frames of a dataset at another size or look; after an interruption, the same command resumes.

    Args:
        directory: The dataset, with or without frames.
        out: Directory of the new dataset.
        image_size: Height and width of the frames.
        variety: Visual variety: "none", "paper", "high", or the name of a kind.
        character: Character to show in all episodes; by default the one that was played.
        cluster: Ray cluster that renders: auto, HOST:PORT or ray://HOST:PORT.
    """
    frames = rerendering.rerender(directory, out, image_size, variety, character, count_cores(), cluster)
    print(f"{out}: {frames} frames")


def merge(out: Positional[Path], directories: Positional[tuple[Path, ...]]) -> None:
    """Concatenate datasets.

    Args:
        out: Directory of the new dataset.
        directories: Datasets to merge, in order.
    """
    print(f"{out}: {selection.merge(out, directories)} episodes")


def split(directory: Positional[Path], fractions: tuple[float, ...], out: tuple[Path, ...], seed: int = 0) -> None:
    """Split a dataset at random, stratified by pad.

    Args:
        directory: The dataset.
        fractions: Shares of the episodes; they add up to 1.
        out: Directories of the new datasets, one per fraction.
        seed: Seed of the split.
    """
    for part, episodes in zip(out, selection.split(directory, fractions, out, seed), strict=True):
        print(f"{part}: {episodes} episodes")


def keep(directory: Positional[Path], out: Positional[Path], wanted: Annotated[Wanted, tyro.conf.arg(name="")]) -> None:
    """Copy the episodes that meet all conditions.

    Args:
        directory: The dataset.
        out: Directory of the new dataset.
        wanted: Conditions on the episodes.
    """
    print(f"{out}: {selection.keep(directory, out, wanted)} episodes")


def export(
    directory: Positional[Path],
    minari: str | None = None,
    root: Path | None = None,
    observation: Literal["pixels", "state"] = "pixels",
    lerobot: Path | None = None,
    lerobot_state: bool = False,
    lossy: bool = False,
) -> None:
    """Export a dataset to Minari or LeRobot, see docs/exchange.md.

    Args:
        directory: The dataset; it must have frames, except for `--observation state`.
        minari: Id of the new Minari dataset, such as jumppad/human-v0.
        root: Minari only: directory of Minari's local datasets; by default Minari's own.
        observation: Minari only: pixels, or the 24 columns of JumppadState-v0.
        lerobot: Directory of the new LeRobot dataset.
        lerobot_state: LeRobot only: also write the columns of JumppadState-v0 as observation.state.
        lossy: LeRobot only: write smaller, lossy videos that browsers can play.
    """
    if (minari is None) == (lerobot is None):
        raise ValueError("give either --minari ID or --lerobot DIRECTORY")
    if minari is None and (root is not None or observation != "pixels"):
        raise ValueError("--root and --observation belong to --minari; leave them out, or see --lerobot-state")
    if lerobot is None and (lerobot_state or lossy):
        raise ValueError("--lerobot-state and --lossy belong to --lerobot; leave them out, or see --observation")
    dataset = Dataset(directory)
    if minari is not None:
        print(export_minari(dataset, minari, root, observation=observation))
    if lerobot is not None:
        export_lerobot(dataset, lerobot, lossy=lossy, observed_state=lerobot_state)
        print(lerobot)


def import_(out: Positional[Path], minari: str, root: Path | None = None) -> None:
    """Import a Minari dataset, see docs/exchange.md.

    Args:
        out: Directory of the new dataset.
        minari: Id of the Minari dataset.
        root: Directory of Minari's local datasets; by default Minari's own.
    """
    print(f"{out}: {import_minari(minari, out, root)} steps")


SUMMARY = "Inspects, verifies, re-renders, merges, splits, filters, exports and imports datasets."
COMMANDS = {function.__name__: function for function in (stats, verify, rerender, merge, split)}
COMMANDS |= {"filter": keep, "export": export, "import": import_}


def main(arguments: Any = None) -> int:
    """Runs the command line and returns the exit code."""
    with command_line():
        code = tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="python -m agents.dataset", description=SUMMARY, args=arguments
        )
        return code or 0


if __name__ == "__main__":
    raise SystemExit(main())
