"""Shows, proves, redraws, puts together, takes apart, exports and imports datasets.

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
    """Write one HTML page that says what a dataset holds; it needs no network and no other file."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    out: Path | None = None
    """The page, an HTML file; an older one is replaced. By default beside the dataset: DIRECTORY.html."""

    def run(self) -> int:
        """Writes the page."""
        # Figures take a second to import, and only this command needs them.
        from agents.dataset.statistics.page import write_page

        dataset = Dataset(self.directory)
        out = self.out or self.directory.resolve().with_name(f"{self.directory.resolve().name}.html")
        write_page(dataset, out)
        print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
        return 0


@dataclass(frozen=True)
class Verify:
    """Prove that a dataset is what it says: exit code 0 if it is, 1 if not."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    frames: int = 1000
    """How many frames are drawn again."""

    def run(self) -> int:
        """Prints the verdict and returns the exit code."""
        if self.frames < 0:
            raise ValueError(f"frames must not be negative, got {self.frames}")
        faults, right = verify(self.directory, self.frames, count_cores())
        for line in right:
            print(f"right: {line}")
        for line in faults:
            print(f"WRONG: {line}")
        print(f"{self.directory} is damaged" if faults else f"{self.directory} is sound")
        return 1 if faults else 0


@dataclass(frozen=True)
class Rerender:
    """Draw the frames of a dataset at any size and look; run again after an interruption, it goes on."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset, with or without frames."""
    out: Annotated[Path, tyro.conf.Positional]
    """Directory to make."""
    image_size: tuple[int, int] = (64, 64)
    """Height and width of the frames."""
    variety: str = "none"
    """What they look like: "none", "paper", "high", or the name of a kind."""
    character: str | None = None
    """Who is seen in everybody's place; who played by default."""

    def run(self) -> int:
        """Draws."""
        frames = rerender(
            self.directory, self.out, self.image_size, self.variety, self.character, threads=count_cores()
        )
        print(f"{self.out}: {frames} frames")
        return 0


@dataclass(frozen=True)
class Merge:
    """Put datasets together."""

    out: Annotated[Path, tyro.conf.Positional]
    """Directory to make."""
    directories: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The datasets, in order."""

    def run(self) -> int:
        """Merges."""
        print(f"{self.out}: {merge(self.out, self.directories)} episodes")
        return 0


@dataclass(frozen=True)
class Split:
    """Deal episodes out at random, those of each pad in the same proportions."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    fractions: tuple[float, ...]
    """Of the episodes, adding up to 1."""
    out: tuple[Path, ...]
    """Directories to make, one for each fraction."""
    seed: int = 0
    """Of who goes where."""

    def run(self) -> int:
        """Splits."""
        for out, episodes in zip(self.out, split(self.directory, self.fractions, self.out, self.seed), strict=True):
            print(f"{out}: {episodes} episodes")
        return 0


@dataclass(frozen=True)
class Filter:
    """Keep the episodes that are wanted."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset."""
    out: Annotated[Path, tyro.conf.Positional]
    """Directory to make."""
    wanted: Annotated[Wanted, tyro.conf.arg(name="")] = Wanted()

    def run(self) -> int:
        """Filters."""
        print(f"{self.out}: {keep(self.directory, self.out, self.wanted)} episodes")
        return 0


@dataclass(frozen=True)
class Export:
    """Write a dataset for Minari or LeRobot, see docs/exchange.md."""

    directory: Annotated[Path, tyro.conf.Positional]
    """The dataset, with frames."""
    minari: str | None = None
    """Id of the Minari dataset to make, such as jumppad/human-v0."""
    root: Path | None = None
    """Of Minari's local datasets; where Minari looks by default."""
    lerobot: Path | None = None
    """Directory of the LeRobot dataset to make."""
    lossy: bool = False
    """For LeRobot: smaller videos that browsers play."""

    def run(self) -> int:
        """Exports."""
        if (self.minari is None) == (self.lerobot is None):
            raise ValueError("say where to: either --minari ID or --lerobot DIRECTORY")
        dataset = Dataset(self.directory)
        if self.minari is not None:
            print(export_minari(dataset, self.minari, self.root))
        if self.lerobot is not None:
            export_lerobot(dataset, self.lerobot, lossy=self.lossy)
            print(self.lerobot)
        return 0


@dataclass(frozen=True)
class Import:
    """Make a dataset of one of Minari's, see docs/exchange.md."""

    out: Annotated[Path, tyro.conf.Positional]
    """Directory to make."""
    minari: str
    """Id of the Minari dataset."""
    root: Path | None = None
    """Of Minari's local datasets; where Minari looks by default."""

    def run(self) -> int:
        """Imports."""
        print(f"{self.out}: {import_minari(self.minari, self.out, self.root)} steps")
        return 0


SUMMARY = "Shows, proves, redraws, puts together, takes apart, exports and imports datasets."
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
