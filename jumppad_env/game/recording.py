"""What a person plays, written as a dataset: each episode that is kept is on the disk at once.

    with record(directory, seed, style="careful") as recording:
        recording.keep(game.played())

Left without an error, the directory is the dataset. Killed at any moment, the same lines go on where they stopped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from jumppad_env.dataset import Trajectory
from jumppad_env.dataset.format import EPISODE
from jumppad_env.dataset.writing import EpisodeLog, Unfinished
from jumppad_env.game.game import Played
from jumppad_env.game.panels import Recorded

LONGEST_STYLE = EPISODE["style"].itemsize // 4


class Recording:
    """Episodes of one person.

    Args:
        log: where they are written.
        style: what the person says of the play.
    """

    def __init__(self, log: EpisodeLog, style: str) -> None:
        self._log, self._style = log, style

    @property
    def recorded(self) -> Recorded:
        """How much has been kept, by earlier sessions too."""
        return Recorded(len(self._log.seeds), self._style)

    @property
    def seeds(self) -> frozenset[int]:
        """Of all episodes that have been kept."""
        return frozenset(self._log.seeds)

    def keep(self, played: Played) -> None:
        """Writes an episode; whatever happens afterward, it is not lost.

        Raises:
            OSError: it cannot be written; those before it stay.
        """
        self._log.append(
            Trajectory(
                seed=played.seed,
                character=played.character,
                mode="",
                pad=played.pad,
                fell=played.fell,
                actions=played.actions,
                states=played.states[:-1],
                frames=None,
                style=self._style,
            )
        )
        self._log.commit()


@contextlib.contextmanager
def record(directory: Path, seed: int, variety: str = "none", style: str = "") -> Iterator[Recording]:
    """Records into a dataset, which appears when the `with` block is left; an interrupted recording is gone on with.

    If nothing was kept, nothing is left behind.

    Args:
        directory: must not exist.
        seed: of the game.
        variety: what the person sees; told in the manifest.
        style: what the person says of the play, for each episode kept from now on.

    Raises:
        ValueError: the directory exists, one with other options is unfinished there, or the style cannot be written.
        OSError: it cannot be written; what was kept before stays, to be gone on with.
    """
    if len(style) > LONGEST_STYLE or not style.isprintable():
        raise ValueError(f"a style is at most {LONGEST_STYLE} printable characters, got {style!r}; choose another")
    _check_free(directory)
    environment = {"id": "Jumppad-v0", "observation": "state", "character": "random", "variety": variety}
    with Unfinished(directory, {"seed": seed, "population": "person", "environment": environment}) as work:
        if work.manifest is None:
            log = EpisodeLog(work.path)
            try:
                with log:
                    yield Recording(log, style)
                    if log.seeds:
                        work.finish(log.finish())
            finally:
                if not log.seeds:
                    shutil.rmtree(work.path)
            return
    _check_free(directory)  # the last session was killed just before the end, which is made up for


def _check_free(directory: Path) -> None:
    if os.path.lexists(directory):
        raise ValueError(
            f"{directory} exists; record into another place, with another --seed, "
            "and put both together with python -m agents.dataset merge"
        )
