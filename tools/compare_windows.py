"""Compares the speed of reading training data: our windows and episodes of Minari, in one process, in turn.

    python -m tools.compare_windows runs/demonstrations

The dataset is exported to both of Minari's formats, uncompressed, in a temporary folder. `sample_episodes` reads whole
episodes; all their frames are counted, although a window would use only `steps` of each. Everything is read once before
it is measured, so that it comes from the page cache if memory suffices. Results are medians over the rounds.
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
    """Compare how fast training data is read."""

    dataset: Annotated[Path, tyro.conf.Positional]
    """Dataset with frames."""
    steps: int = 32
    """Steps of a window."""
    batch: int = 32
    """Number of windows, or of Minari episodes, per batch."""
    rounds: int = 5
    """Number of rounds; every reader takes part in each."""
    seconds: float = 1.0
    """Seconds that each reader reads in a round."""
    seed: int = 0
    """Seed of the random choice of windows and episodes."""

    def __post_init__(self) -> None:
        """Validates the config."""
        if min(self.batch, self.rounds) < 1 or self.seconds <= 0:
            raise ValueError("batch and rounds must be at least 1, and seconds more than 0")


def ours(dataset: Dataset, config: CompareConfig, *, reuse: bool) -> Read:
    """Returns a function that reads a batch of windows, into old or new arrays, and returns its number of frames."""
    windows, generator = Windows(dataset, config.steps), stream(config.seed, "windows")
    out = windows.empty(config.batch) if reuse else None
    return lambda: int(windows.batch(generator, config.batch, out).mask.sum())


def minari(dataset_id: str, root: Path, config: CompareConfig) -> Read:
    """Returns a function that reads a batch of episodes with Minari and returns its number of frames."""
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
    """Returns frames per second by reader, medians over the rounds, starting with our windows.

    Raises:
        ValueError: the dataset has no frames, or packages are missing.
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
        np.asarray(dataset.frames).max()  # into the page cache; the exports are there already
        rounds = [[measure(read, config.seconds) for read in readers.values()] for _ in range(config.rounds)]
    return dict(zip(readers, map(statistics.median, zip(*rounds, strict=True)), strict=True))


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        rates = compare(
            tyro.cli(CompareConfig, prog="python -m tools.compare_windows", args=arguments, description=__doc__)
        )
        print(f"{'':20}{'frames/s':>12}{'windows : it':>15}")
        for name, rate in rates.items():
            print(f"{name:20}{rate:12,.0f}{rates['windows'] / rate:15.1f}")


if __name__ == "__main__":
    main()
