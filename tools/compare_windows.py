"""How fast training reads a dataset: windows of ours beside episodes of Minari, one process, one run, in turn.

    python -m tools.compare_windows runs/demonstrations

The dataset is exported for Minari in both of its formats, uncompressed, into a temporary folder. `sample_episodes`
reads whole episodes, and all of their frames are counted, though a window would use but `steps` of each. Everything is
read once before it is measured, so that it comes from the system's cache where memory suffices. Medians of the rounds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from agents.dataset.exchange.minari import export_minari
from agents.dataset.windows import Windows
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Dataset
from jumppad_env.streams import stream

Read = Callable[[], int]


@dataclass(frozen=True)
class CompareConfig:
    """What is read, and for how long."""

    dataset: Annotated[Path, tyro.conf.Positional]
    """Directory of a dataset with frames."""
    steps: int = 32
    """Of a window."""
    batch: int = 32
    """Windows, and episodes of Minari, asked for at a time."""
    rounds: int = 5
    """In each, every reader reads for a moment."""
    seconds: float = 1.0
    """That moment."""
    seed: int = 0
    """Of what is drawn."""

    def __post_init__(self) -> None:
        """Refuses what cannot be measured."""
        if min(self.batch, self.rounds) < 1 or self.seconds <= 0:
            raise ValueError("batch and rounds must be at least 1, and seconds more than 0")


def ours(dataset: Dataset, config: CompareConfig, *, reuse: bool) -> Read:
    """Returns what reads a batch of windows, into the same arrays or new ones, and says how many frames these are."""
    windows, generator = Windows(dataset, config.steps), stream(config.seed, "windows")
    out = windows.empty(config.batch) if reuse else None
    return lambda: int(windows.batch(generator, config.batch, out).mask.sum())


def minari(dataset_id: str, root: Path, config: CompareConfig) -> Read:
    """Returns what reads episodes by Minari and says how many frames these are."""
    from minari import MinariDataset

    dataset = MinariDataset(root / dataset_id / "data")
    dataset.set_seed(config.seed)
    count = min(config.batch, len(dataset))
    return lambda: sum(len(episode) for episode in dataset.sample_episodes(count))


def measure(read: Read, seconds: float) -> float:
    """Returns frames per second."""
    frames, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        frames += read()
    return frames / (time.perf_counter() - begin)


def compare(config: CompareConfig) -> dict[str, float]:
    """Returns frames per second by reader, medians of the rounds; our windows come first.

    Raises:
        ValueError: no dataset with frames, or packages are missing.
    """
    dataset = Dataset(config.dataset)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for data_format in ("hdf5", "arrow"):
            export_minari(dataset, f"{data_format}-v0", root, data_format=data_format)
        readers = {
            "windows": ours(dataset, config, reuse=True),
            "windows, new arrays": ours(dataset, config, reuse=False),
            "Minari, hdf5": minari("hdf5-v0", root, config),
            "Minari, arrow": minari("arrow-v0", root, config),
        }
        np.asarray(dataset.frames).max()  # into the cache; what was exported is there already
        rounds = [[measure(read, config.seconds) for read in readers.values()] for _ in range(config.rounds)]
    return dict(zip(readers, map(statistics.median, zip(*rounds, strict=True)), strict=True))


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        rates = compare(tyro.cli(CompareConfig, args=arguments, description=__doc__))
        print(f"{'':20}{'frames/s':>12}{'windows : it':>15}")
        for name, rate in rates.items():
            print(f"{name:20}{rate:12,.0f}{rates['windows'] / rate:15.1f}")


if __name__ == "__main__":
    main()
