"""Metrics for TensorBoard, where it is installed: `tensorboard --logdir runs` shows all trainings as they go."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baselines.artifact import EVENTS_DIRECTORY


class Dashboard:
    """Writes metrics for TensorBoard; without TensorBoard, or if it fails, nothing. A context manager.

    Args:
        directory: Directory of the training; None writes nothing.
        first: Index of the first update; what was written after it, before an interruption, is taken back.
    """

    def __init__(self, directory: Path | None, first: int) -> None:
        self._directory = directory
        self._first = first
        self._writer: Any = None

    def __enter__(self) -> "Dashboard":
        if self._directory is not None and importlib.util.find_spec("tensorboard") is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(str(self._directory / EVENTS_DIRECTORY), purge_step=self._first)
            except Exception as error:  # a broken installation or a full disk must not end a training
                self._give_up(error)
        return self

    def __exit__(self, *error: object) -> None:
        if self._writer is not None:
            try:
                self._writer.close()
            except Exception as late:
                self._give_up(late)

    def add(self, metrics: Mapping[str, float]) -> None:
        """Writes the metrics of an update, which `update` counts."""
        if self._writer is None:
            return
        try:
            for name, value in metrics.items():
                if name != "update":
                    self._writer.add_scalar(name, value, int(metrics["update"]))
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._writer = None
        print(f"warning: no metrics for TensorBoard ({type(error).__name__}: {error})", file=sys.stderr)
