"""Inspects, verifies, re-renders, merges, splits, filters, exports and imports datasets.

python -m agents.dataset stats runs/demonstrations
python -m agents.dataset verify runs/demonstrations
python -m agents.dataset split runs/demonstrations --fractions 0.9 0.1 --out runs/train runs/test
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.dataset.exchange.lerobot import export_lerobot
from agents.dataset.exchange.minari import export_minari, import_minari
from agents.dataset.rerendering import rerender
from agents.dataset.selection import Wanted, keep, merge, split
from agents.dataset.verification import verify
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Dataset
from jumppad_env.vector_env import count_cores


@dataclass(frozen=True)
class Stats:
    """Write a self-contained HTML page with statistics of a dataset."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    out: Path | None = None
    """HTML file to write or replace; by default DIRECTORY.html beside the dataset."""

    def run(self) -> int:
        """Writes the page and returns the exit code."""
        # Only this command needs figures, which take a second to import.
        from agents.dataset.statistics.page import write_page

        dataset = Dataset(self.directory)
        out = self.out or self.directory.resolve().with_name(f"{self.directory.resolve().name}.html")
        write_page(dataset, out)
        print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
        return 0


@dataclass(frozen=True)
class Verify:
    """Check files, play and frames of a dataset; the exit code is 0 if it is sound, 1 if not."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    frames: int = 1000
    """Number of frames to render again and compare."""

    def run(self) -> int:
        """Prints the verdict and returns the exit code."""
        if self.frames < 0:
            raise ValueError(f"frames must not be negative, got {self.frames}")
        faults, right = verify(self.directory, self.frames, count_cores())
        for line in right:
            print(f"ok: {line}")
        for line in faults:
            print(f"FAULT: {line}")
        print(f"{self.directory} is damaged" if faults else f"{self.directory} is sound")
        return 1 if faults else 0


@dataclass(frozen=True)
class Rerender:
    """Render the frames of a dataset at another size or look; after an interruption, the same command resumes."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset, with or without frames."""
    out: Annotated[Path, tyro.conf.Positional]
    """Directory of the new dataset."""
    image_size: tuple[int, int] = (64, 64)
    """Height and width of the frames."""
    variety: str = "none"
    """Visual variety: "none", "paper", "high", or the name of a kind."""
    character: str | None = None
    """Character to show in all episodes; by default the one that was played."""

    def run(self) -> int:
        """Renders the frames and returns the exit code."""
        frames = rerender(
            self.directory, self.out, self.image_size, self.variety, self.character, threads=count_cores()
        )
        print(f"{self.out}: {frames} frames")
        return 0


@dataclass(frozen=True)
class Merge:
    """Concatenate datasets."""

    out: Annotated[Path, tyro.conf.Positional]
    """Directory of the new dataset."""
    directories: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Datasets to merge, in order."""

    def run(self) -> int:
        """Merges the datasets and returns the exit code."""
        print(f"{self.out}: {merge(self.out, self.directories)} episodes")
        return 0


@dataclass(frozen=True)
class Split:
    """Split a dataset at random, stratified by pad."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    fractions: tuple[float, ...]
    """Shares of the episodes; they add up to 1."""
    out: tuple[Path, ...]
    """Directories of the new datasets, one per fraction."""
    seed: int = 0
    """Seed of the split."""

    def run(self) -> int:
        """Splits the dataset and returns the exit code."""
        for out, episodes in zip(self.out, split(self.directory, self.fractions, self.out, self.seed), strict=True):
            print(f"{out}: {episodes} episodes")
        return 0


@dataclass(frozen=True)
class Filter:
    """Copy the episodes that meet all conditions."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    out: Annotated[Path, tyro.conf.Positional]
    """Directory of the new dataset."""
    wanted: Annotated[Wanted, tyro.conf.arg(name="")] = Wanted()

    def run(self) -> int:
        """Filters the dataset and returns the exit code."""
        print(f"{self.out}: {keep(self.directory, self.out, self.wanted)} episodes")
        return 0


@dataclass(frozen=True)
class Export:
    """Export a dataset to Minari or LeRobot, see docs/exchange.md."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset; it must have frames."""
    minari: str | None = None
    """Id of the new Minari dataset, such as jumppad/human-v0."""
    root: Path | None = None
    """Directory of Minari's local datasets; by default Minari's own."""
    lerobot: Path | None = None
    """Directory of the new LeRobot dataset."""
    lossy: bool = False
    """LeRobot only: write smaller, lossy videos that browsers can play."""

    def run(self) -> int:
        """Exports the dataset and returns the exit code."""
        if (self.minari is None) == (self.lerobot is None):
            raise ValueError("give either --minari ID or --lerobot DIRECTORY")
        dataset = Dataset(self.directory)
        if self.minari is not None:
            print(export_minari(dataset, self.minari, self.root))
        if self.lerobot is not None:
            export_lerobot(dataset, self.lerobot, lossy=self.lossy)
            print(self.lerobot)
        return 0


@dataclass(frozen=True)
class Import:
    """Import a Minari dataset, see docs/exchange.md."""

    out: Annotated[Path, tyro.conf.Positional]
    """Directory of the new dataset."""
    minari: str
    """Id of the Minari dataset."""
    root: Path | None = None
    """Directory of Minari's local datasets; by default Minari's own."""

    def run(self) -> int:
        """Imports the dataset and returns the exit code."""
        print(f"{self.out}: {import_minari(self.minari, self.out, self.root)} steps")
        return 0


SUMMARY = "Inspects, verifies, re-renders, merges, splits, filters, exports and imports datasets."
Command = (
    Annotated[Stats, tyro.conf.subcommand("stats")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
    | Annotated[Rerender, tyro.conf.subcommand("rerender")]
    | Annotated[Merge, tyro.conf.subcommand("merge")]
    | Annotated[Split, tyro.conf.subcommand("split")]
    | Annotated[Filter, tyro.conf.subcommand("filter")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Import, tyro.conf.subcommand("import")]
)


def main(arguments: Any = None) -> int:
    """Runs the command line and returns the exit code."""
    with command_line():
        command: Any = tyro.cli(Command, args=arguments, prog="python -m agents.dataset", description=SUMMARY)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return command.run()


if __name__ == "__main__":
    raise SystemExit(main())
