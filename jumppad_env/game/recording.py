"""Records a person's episodes as a dataset; each kept episode is written to disk immediately.

    with record(directory, seed, style="careful") as recording:
        recording.keep(game.played())

The dataset appears when the block ends without an error. If the process is killed, the same lines resume the recording.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jumppad_env.dataset import Trajectory
from jumppad_env.dataset.format import EPISODE
from jumppad_env.dataset.writing import EpisodeLog, Unfinished
from jumppad_env.files import clear, is_finished
from jumppad_env.game.game import Played
from jumppad_env.game.panels import Recorded
from jumppad_env.levels import LevelSettings
from jumppad_env.levels.settings import ISLANDS, settings_of
from jumppad_env.world.state import LEVEL_STATE, STATE

LONGEST_STYLE = EPISODE["style"].itemsize // 4


class Recording:
    """A dataset being recorded.

    Args:
        log: episodes on disk.
        style: label of the episodes to come.
        settings: of the levels that are played; None: the classic island.
    """

    def __init__(self, log: EpisodeLog, style: str, settings: LevelSettings | None = None) -> None:
        self._log, self._style, self._settings = log, style, settings

    @property
    def recorded(self) -> Recorded:
        """Number of kept episodes, including earlier sessions, and the style."""
        return Recorded(len(self._log.seeds), self._style)

    @property
    def seeds(self) -> frozenset[int]:
        """Seeds of all kept episodes."""
        return frozenset(self._log.seeds)

    def keep(self, played: Played) -> None:
        """Writes an episode to disk durably.

        Raises:
            OSError: it cannot be written; earlier episodes are unaffected.
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
                settings=self._settings,
            )
        )
        self._log.commit()


@contextlib.contextmanager
def record(
    directory: Path, seed: int, variety: str = "none", style: str = "", levels: dict[str, Any] | None = None
) -> Iterator[Recording]:
    """Records a dataset, which appears when the `with` block ends; resumes an interrupted recording.

    If no episode was kept, no files remain.

    Args:
        directory: must not exist.
        seed: of the game.
        variety: the visual variety; stored in the manifest.
        style: label of each episode kept from now on.
        levels: keywords of `JumppadIslands-v0`; None: the classic island.

    Raises:
        ValueError: the directory exists, an unfinished recording there has other options, or the style is invalid.
        OSError: it cannot be written; the episodes kept so far remain and can be resumed.
    """
    if len(style) > LONGEST_STYLE or not style.isprintable():
        raise ValueError(f"a style must be at most {LONGEST_STYLE} printable characters, got {style!r}")
    world = {"id": "Jumppad-v0"} if levels is None else {"id": ISLANDS, **levels}
    environment = {**world, "observation": "state", "character": "random", "variety": variety}
    settings, columns = settings_of(world), STATE if levels is None else (*STATE, *LEVEL_STATE)
    if is_finished(directory):
        clear(directory)  # the last session may have been killed at its very end
        raise ValueError(
            f"{directory} exists; record into another directory, with another --seed, "
            "and merge both with python -m agents.dataset merge"
        )
    asked = {"seed": seed, "population": "person", "environment": environment, "states": {"columns": list(columns)}}
    with Unfinished(directory, asked) as work:
        log = EpisodeLog(work.path, (), columns, settings)
        try:
            with log:
                yield Recording(log, style, settings)
                if log.seeds:
                    work.finish(log.finish())
        finally:
            if not log.seeds:
                work.discard()
